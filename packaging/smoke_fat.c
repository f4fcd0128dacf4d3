/* What the Linux kernel's FAT32 refuses, for programs that find this by LD_PRELOAD, wherever their files lie. The kernel
 * that runs the smoke test may have no FAT. Source: fs/fat/namei_vfat.c, fs/fat/file.c; specs/store.md section 3. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

static int refuse(int why) {
    errno = why;
    return -1;
}

/* As the kernel does: what is not there, and what is there already, come before what the file system cannot do. */
int linkat(int old_folder, const char *old, int new_folder, const char *new, int flags) {
    (void)flags;
    if (faccessat(old_folder, old, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
        return -1;
    return refuse(faccessat(new_folder, new, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ? EEXIST : EPERM);
}

int link(const char *old, const char *new) {
    return linkat(AT_FDCWD, old, AT_FDCWD, new, 0);
}

int symlink(const char *target, const char *path) {
    (void)target, (void)path;
    return refuse(EPERM);
}

int symlinkat(const char *target, int folder, const char *path) {
    (void)target, (void)folder, (void)path;
    return refuse(EPERM);
}

/* FAT's own rename takes RENAME_NOREPLACE; its FUSE servers and those of macOS do not. */
int renameat2(int old_folder, const char *old, int new_folder, const char *new, unsigned int flags) {
    if (flags == 0)
        return renameat(old_folder, old, new_folder, new);
    if (faccessat(old_folder, old, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
        return -1;
    return refuse(faccessat(new_folder, new, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ? EEXIST : EINVAL);
}

int setxattr(const char *path, const char *name, const void *value, size_t size, int flags) {
    (void)path, (void)name, (void)value, (void)size, (void)flags;
    return refuse(EOPNOTSUPP);
}
