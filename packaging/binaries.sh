#!/usr/bin/env bash
# Makes the binaries, twice, in two folders, and compares them byte for byte:   packaging/binaries.sh [--quick] DIST
#
# On Debian 12, as root: Debian 11 is set up (debian-root.sh), CPython is built in it (python.sh), the wheels of
# requirements/ come from the package index that pip is set up with. All of that is kept in ~/.cache/evidencekit, named
# by what it was made of. Mounts are private to this script; nothing of them is left.
#
# --quick is for tests alone: once, in Debian 12 with its own Python 3.11 and libraries, by the same spec, hooks and
# lists. What comes out says in its version, in its bill and in a file of its own that it is no release.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
quick=
if [ "$1" = --quick ]; then quick=yes; shift; fi
dist=$(realpath -m "$1")
python=${PYTHON:-python3}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/evidencekit
if [ "$quick" ]; then
    suite=bookworm packages=binutils,libmagic1,libpython3.11,python3.11
else
    suite=bullseye
    packages=binutils,bzip2,gcc,libbz2-dev,libc6-dev,libffi-dev,liblzma-dev,make,patch,perl,pkg-config,tcl,xz-utils,zlib1g-dev
fi
requirements=$here/requirements/linux-$(uname -m).txt

say() { echo "binaries: $*" >&2; }

# stage NAME COMMAND…: says how long it took, and the CPU seconds
stage() {
    local TIMEFORMAT="binaries: $1: %0R s (CPU: %0U + %0S s)"
    shift
    time "$@"
}

named_by() { cat "$@" | sha256sum | cut -c 1-16; }

# into FOLDER LOG COMMAND…: makes a folder, once, by a command that fills $new; half of one is never used
into() {
    [ ! -d "$1" ] || return 0
    local made=$1 log=$2 new=$1.new
    shift 2
    rm -rf "$new"
    mkdir -p "$new"
    trap 'tail -n 30 "$log" >&2' EXIT # of this stage's own shell; no command is run by || or if, which would end set -e
    ("$@") >"$log" 2>&1 # a shell of its own, whose end is seen here
    trap - EXIT
    mv "$new" "$made"
}

debian() { "$here/debian-root.sh" "$suite" "$packages" >"$work/root"; }

fetch_sources() {
    local digest path mirror
    mirrors() { apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | sort -u; }
    [ -n "$(mirrors)" ] || apt-get -qq update
    grep -v '^#' "$here/sources.sha256" | while read -r digest path; do
        for mirror in $(mirrors) ${SOURCES_MIRROR:-}; do
            /usr/lib/apt/apt-helper download-file "${mirror%/}/$path" "$new/${path##*/}" "SHA256:$digest" && continue 2
        done
        say "no mirror of apt's has ${path##*/}: Debian 12 may have a newer one; see packaging/README.md"
        exit 1
    done
}

# What pip takes for Debian 11, whatever runs it.
fetch_wheels() {
    local minor machine tags=()
    machine=$(uname -m)
    for minor in $(seq 31 -1 5); do tags+=(--platform "manylinux_2_${minor}_$machine"); done
    "$python" -m pip --disable-pip-version-check install --no-deps --require-hashes --only-binary :all: --no-compile \
        --python-version 3.11 "${tags[@]}" --platform "manylinux2014_$machine" --no-warn-script-location \
        --requirement "$requirements" --target "$new"
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
    local prefix=$new site=$work/empty
    inside sh /build/python.sh /build/sources
}

# The wheels, compiled by the Python that they are for.
compile_site() {
    cp -a "$wheels/." "$new/"
    local site=$new
    inside python3.11 -m compileall -q -j 0 /opt/site
}

# copy FOLDER: what the binaries are made of
copy() {
    mkdir -p "$1"
    cp -R "$here/../evidencekit" "$here/../specs" "$here/../packaging" "$here/../hooks" "$here/../LICENSE" "$1/"
    find "$1" -name __pycache__ -prune -exec rm -rf {} +
    [ -z "$quick" ] || sed -i 's/^__version__ = "\(.*\)"$/__version__ = "\1+quick"/' "$1/evidencekit/__init__.py"
}

# build COPY: an own log, since two of them may be under way
build() {
    copy "$work/$1"
    trap 'tail -n 40 "$work/$1/log" >&2' EXIT
    CONFIG="$1/config" inside python3.11 "/build/$1/packaging/build.py" "/build/$1/dist" >"$work/$1/log" 2>&1
    trap - EXIT
}

compare() { diff -r "$work/one/dist" "$work/in another folder/two/dist" >&2; }

# together COMMAND -- COMMAND …: all at the same time, each in a shell of its own; fails if one does
together() {
    local words=() jobs=() job
    for word in "$@" --; do
        if [ "$word" != -- ]; then words+=("$word"); continue; fi
        "${words[@]}" &
        jobs+=($!)
        words=()
    done
    for job in "${jobs[@]}"; do wait "$job"; done
}

[ "$(id -u)" = 0 ] || { say "run this as root: it makes a Debian root and enters it"; exit 1; }
work=$(mktemp -d "${TMPDIR:-/tmp}/evidencekit-binaries.XXXXXX")
trap 'kill $(jobs -p) 2>/dev/null || :; rm -rf "$work"' EXIT
mkdir -p "$cache" "$work/empty"
exec 9>"$cache/binaries.lock"
flock 9

sources=$cache/sources-$(named_by "$here/sources.sha256")
wheels=$cache/wheels-$(named_by "$requirements")
fetching=(stage "wheels" into "$wheels" "$work/wheels.log" fetch_wheels --
    stage "$suite" debian)
[ "$quick" ] || fetching+=(-- stage "sources" into "$sources" "$work/sources.log" fetch_sources)
together "${fetching[@]}"
root=$(cat "$work/root")

prefix=$work/empty
if [ -z "$quick" ]; then
    prefix=$cache/python-$({ cat "$here/python.sh" "$here/sources.sha256"; echo "${root##*/}"; } | named_by)
    cp "$here/python.sh" "$work/"
    cp -R "$sources" "$work/sources"
    [ -d "$prefix" ] || fresh=yes
    together stage "CPython" into "$prefix" "$cache/python.log" build_python
    [ -z "${fresh:-}" ] || grep -E '^(openssl|sqlite|libmagic|cpython): [0-9]+ s$' "$cache/python.log" >&2
    rm -rf "$work/sources"
fi
site=$cache/site-$({ cat "$requirements"; echo "${prefix##*/} ${root##*/}"; } | named_by)
together stage "compiling the wheels" into "$site" "$work/site.log" compile_site

if [ "$quick" ]; then
    together stage "binaries" build one
else
    together stage "binaries" build one -- stage "binaries, in another folder" build "in another folder/two"
    compare || { say "the two builds differ"; exit 1; }
fi

rm -rf "$dist.new"
mkdir -p "${dist%/*}"
cp -a "$work/one/dist" "$dist.new"
rm -rf "$dist"
mv "$dist.new" "$dist"
if [ "$quick" ]; then say "no release, for tests alone: $dist"; else say "both builds are the same, byte for byte: $dist"; fi
say "all of it: $SECONDS s"
