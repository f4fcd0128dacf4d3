#!/bin/sh
# Makes the binaries, twice, in two folders, and compares them byte for byte:   packaging/binaries.sh DIST
#
# On Debian 12, as root: Debian 11 is set up (debian-root.sh), CPython is built in it (python.sh), the wheels of
# requirements/ come from the package index that pip is set up with. All of that is kept in ~/.cache/evidencekit, named
# by what it was made of. Mounts are private to this script; nothing of them is left.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
dist=$(realpath -m "$1")
python=${PYTHON:-python3}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/evidencekit
packages=binutils,bzip2,gcc,libbz2-dev,libc6-dev,libffi-dev,liblzma-dev,make,patch,perl,pkg-config,tcl,xz-utils,zlib1g-dev
requirements=$here/requirements/linux-$(uname -m).txt

say() { echo "binaries: $*" >&2; }

named_by() { cat "$@" | sha256sum | cut -c 1-16; }

# into FOLDER LOG COMMAND…: makes a folder, once, by a command that fills $new; half of one is never used
into() {
    [ ! -d "$1" ] || return 0
    made=$1 log=$2
    shift 2
    new=$made.new
    rm -rf "$new"
    mkdir -p "$new"
    "$@" >"$log" 2>&1 || {
        tail -n 30 "$log" >&2
        rm -rf "$new"
        exit 1
    }
    mv "$new" "$made"
}

fetch_sources() {
    mirrors() { apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | sort -u; }
    [ -n "$(mirrors)" ] || apt-get -qq update
    grep -v '^#' "$here/sources.sha256" | while read -r digest path; do
        for mirror in $(mirrors); do
            /usr/lib/apt/apt-helper download-file "${mirror%/}/$path" "$new/${path##*/}" "SHA256:$digest" && continue 2
        done
        say "no mirror of apt's has ${path##*/}: Debian 12 has a newer one; see packaging/README.md"
        exit 1
    done
}

fetch_wheels() {
    tags=$(for minor in $(seq 31 -1 5); do printf ' --platform manylinux_2_%s_%s' "$minor" "$(uname -m)"; done)
    # shellcheck disable=SC2086
    "$python" -m pip download --no-deps --require-hashes --only-binary :all: --python-version 3.11 $tags \
        --platform "manylinux2014_$(uname -m)" --requirement "$requirements" --dest "$new"
}

# inside COMMAND…: in the root, with $prefix at /opt/python, $site at /opt/site and $work at /build
inside() {
    mkdir -p "$root/opt/python" "$root/opt/site" "$root/build"
    unshare --mount --pid --fork --kill-child sh -euc '
        root=$1 prefix=$2 site=$3 work=$4
        shift 4
        mount --bind "$prefix" "$root/opt/python"
        mount --bind "$site" "$root/opt/site"
        mount --bind "$work" "$root/build"
        mount -t proc proc "$root/proc"
        mount --rbind /dev "$root/dev"
        exec chroot "$root" /usr/bin/env -i PATH=/opt/python/bin:/usr/bin:/bin LC_ALL=C.UTF-8 HOME=/nonexistent \
            LD_LIBRARY_PATH=/opt/python/lib PYTHONPATH=/opt/site SOURCE_DATE_EPOCH=1767225600 PYTHONHASHSEED=0 \
            PYTHONDONTWRITEBYTECODE=1 PYINSTALLER_CONFIG_DIR="/build/${CONFIG:-.}" "$@"
    ' inside "$root" "$prefix" "$site" "$work" "$@"
}

build_python() {
    prefix=$new site=$work/empty
    inside sh /build/python.sh /build/sources
}

install_wheels() {
    prefix=$python_folder site=$new
    inside /opt/python/bin/python3.11 -m pip install --quiet --no-index --no-deps --no-warn-script-location \
        --find-links /build/wheels --require-hashes --requirement /build/requirements.txt --target /opt/site
}

# copy FOLDER: what the binaries are made of
copy() {
    mkdir -p "$1"
    cp -R "$here/../evidencekit" "$here/../specs" "$here/../packaging" "$here/../hooks" "$here/../LICENSE" "$1/"
    find "$1" -name __pycache__ -prune -exec rm -rf {} +
}

[ "$(id -u)" = 0 ] || { say "run this as root: it makes a Debian root and enters it"; exit 1; }
work=$(mktemp -d "${TMPDIR:-/tmp}/evidencekit-binaries.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$cache" "$work/empty"
exec 9>"$cache/binaries.lock"
flock 9

say "Debian 11"
root=$("$here/debian-root.sh" bullseye "$packages")

say "sources of CPython, OpenSSL, SQLite"
sources=$cache/sources-$(named_by "$here/sources.sha256")
into "$sources" "$work/sources.log" fetch_sources
cp "$here/python.sh" "$work/"
cp -R "$sources" "$work/sources"

say "CPython"
python_folder=$cache/python-$({ cat "$here/python.sh" "$here/sources.sha256"; echo "${root##*/}"; } | sha256sum | cut -c 1-16)
into "$python_folder" "$cache/python.log" build_python

say "wheels"
wheels=$cache/wheels-$(named_by "$requirements")
into "$wheels" "$work/wheels.log" fetch_wheels
site_folder=$cache/site-$({ cat "$requirements"; echo "${python_folder##*/}"; } | sha256sum | cut -c 1-16)
cp -R "$wheels" "$work/wheels"
cp "$requirements" "$work/requirements.txt"
into "$site_folder" "$work/site.log" install_wheels
rm -rf "$work/wheels" "$work/sources"

say "binaries, twice"
prefix=$python_folder site=$site_folder
copy "$work/one"
copy "$work/in another folder/two"
build() { CONFIG="$1/config" inside /opt/python/bin/python3.11 "/build/$1/packaging/build.py" "/build/$1/dist"; }
build one >"$work/one.log" 2>&1 &
first=$!
build 'in another folder/two' >"$work/two.log" 2>&1 || { tail -n 40 "$work/two.log" >&2; kill $first; exit 1; }
wait $first || { tail -n 40 "$work/one.log" >&2; exit 1; }
diff -r "$work/one/dist" "$work/in another folder/two/dist" >&2 || { say "the two builds differ"; exit 1; }

rm -rf "$dist.new"
cp -a "$work/one/dist" "$dist.new"
rm -rf "$dist"
mv "$dist.new" "$dist"
say "both builds are the same, byte for byte: $dist"
