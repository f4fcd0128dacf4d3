#!/bin/sh
# Builds OpenSSL, SQLite, libmagic and CPython into /opt/python, inside a Debian 11 root:   python.sh FOLDER-OF-SOURCES
#
# Sources and security patches are Debian 12's (sources.sha256); patches that serve only Debian's own layout are left
# out. CPython is built without profiling: that takes a quarter of an hour, and hashing and Parquet are C anyhow.
set -eu

sources=$1
prefix=/opt/python
export SOURCE_DATE_EPOCH=1767225600 LC_ALL=C LD_LIBRARY_PATH=$prefix/lib
export CFLAGS='-O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2' LDFLAGS='-Wl,-z,relro -Wl,-z,now'
work=/build/python # always the same: it gets into what is built
mkdir -p $work $prefix/lib $prefix/include $prefix/share/misc
trap 'cat $work/*.log; rm -rf $work' EXIT

# unpack NAME FIRST-PATCH: the source, and into it, with Debian's patches from that one on
unpack() {
    mkdir "$work/$1"
    cd "$work/$1"
    tar -xf "$sources/$1"_*.orig.tar.?z --strip-components=1
    [ -n "$2" ] || return 0
    tar -xf "$sources/$1"_*.debian.tar.?z
    grep -q "^$2" debian/patches/series # or none would be taken
    sed -n "/^$2/,\$p" debian/patches/series | while read -r patch; do
        case $patch in *[Tt]est*) continue ;; esac # some are binary, and no test is built
        patch --silent --strip=1 <"debian/patches/$patch"
    done
}

# licence NAME FILE…
licence() {
    mkdir -p "$prefix/share/licences/$1"
    folder=$prefix/share/licences/$1
    shift
    cp "$@" "$folder/"
}

# Python needs TLS and digests: what else OpenSSL could do is left out. The machine's own openssl.cnf may be of another
# version: it is not read.
absent='aria bf camellia cast cmp cms comp ct dtls engine gost idea legacy md4 mdc2 module ocb psk rc2 rc4 rfc3779
    seed siphash sm2 sm3 sm4 srp srtp tests ts weak-ssl-ciphers whirlpool'

openssl() {
    unpack openssl conf-Serialize
    ./config --prefix=$prefix --libdir=lib --openssldir=/etc/ssl shared no-autoload-config $(printf ' no-%s' $absent)
    make -j "$(nproc)" build_generated
    make -j "$(nproc)" libssl.so # and libcrypto with it; the static ones would be all of it once more
    cp -a libcrypto.so* libssl.so* $prefix/lib/
    cp -R include/openssl $prefix/include/
    licence openssl LICENSE.txt
}

sqlite() {
    unpack sqlite3 41-
    ./configure --disable-tcl --disable-readline
    make sqlite3.c
    gcc $CFLAGS -fPIC -shared -Wl,-soname,libsqlite3.so.0 $LDFLAGS -DSQLITE_THREADSAFE=1 -DSQLITE_ENABLE_FTS5 \
        -DSQLITE_ENABLE_COLUMN_METADATA -DSQLITE_MAX_VARIABLE_NUMBER=250000 -DSQLITE_OMIT_LOAD_EXTENSION \
        -o $prefix/lib/libsqlite3.so.0 sqlite3.c -lm -ldl -lpthread
    ln -s libsqlite3.so.0 $prefix/lib/libsqlite3.so
    cp sqlite3.h $prefix/include/
    licence sqlite3 LICENSE.md
}

# The one in the package pylibmagic is older, and takes four times as long for a small text.
libmagic() {
    unpack file ''
    ./configure --disable-static $(printf ' --disable-%s' zlib bzlib xzlib zstdlib lzlib libseccomp)
    make -j "$(nproc)"
    cp -L src/.libs/libmagic.so.1 $prefix/lib/
    cp magic/magic.mgc $prefix/share/misc/
    licence libmagic COPYING
}

cpython() {
    unpack python3.11 shutdown-deadlock
    # OPT is CPython's own, without -g: strip would take that out again
    ./configure --prefix=$prefix --enable-shared --without-static-libpython --disable-test-modules \
        --with-openssl=$prefix --with-ensurepip=no OPT='-DNDEBUG -fwrapv' CPPFLAGS="-I$prefix/include" \
        LDFLAGS="$LDFLAGS -L$prefix/lib"
    # As Debian builds it: one of its patches needs that.
    sed -i 's/^MODULE_PYEXPAT_CFLAGS=.*/& -DPy_BUILD_CORE_MODULE/' Makefile
    # nor is the standard library compiled for -O and -OO
    sed -i 's/\$(PYTHON_FOR_BUILD) -Wi -OO* /true /' Makefile
    make -j "$(nproc)"
    make install
    licence cpython LICENSE
    $prefix/bin/python3.11 -c 'import bz2, ctypes, lzma, pyexpat, sqlite3, ssl, zlib
print(ssl.OPENSSL_VERSION, sqlite3.sqlite_version)'
}

# timed WHAT: builds it, and says how long that took; its words stand in one piece, though others are built meanwhile
timed() {
    start=$(date +%s)
    "$1" >"$work/$1.log" 2>&1
    echo "$1: $(($(date +%s) - start)) s"
}

timed openssl &
crypto=$!
timed sqlite
timed libmagic
wait $crypto
timed cpython
