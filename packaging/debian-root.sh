#!/bin/sh
# Makes a bare Debian root, once, and prints its folder:   packaging/debian-root.sh bullseye python3-minimal,…
#
# It has the essential packages and those named. It is kept in $EVIDENCEKIT_ROOTS (~/.cache/evidencekit/roots), named by
# what it is made of, and used again. Needs root, mmdebstrap, and the mirror that apt is set up with.
set -eu

suite=$1
packages=${2:-}
folder=${EVIDENCEKIT_ROOTS:-${XDG_CACHE_HOME:-$HOME/.cache}/evidencekit/roots}
root=$folder/$suite-$({ cat "$0"; echo "$packages"; } | sha256sum | cut -c 1-12)

mkdir -p "$folder"
exec 9>"$root.lock" # two at once would undo each other's work
flock 9

if [ ! -e "$root/.ready" ]; then
    # this computer's own mirrors, of its release and its security updates
    mirrors() {
        . /etc/os-release
        apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) main' 'Created-By: Packages' | sort -u |
            sed -n "s/ $VERSION_CODENAME\\(-security\\)\\{0,1\\} main$/ $suite\\1 main/p"
    }
    mirrors=$(mirrors)
    [ -n "$mirrors" ] || { apt-get -qq update && mirrors=$(mirrors); }
    [ -n "$mirrors" ] || { echo "debian-root: apt names no mirror" >&2; exit 1; }
    rm -rf --one-file-system "$root"
    echo "$mirrors" | mmdebstrap --mode=root --variant=essential --aptopt='Acquire::Retries "3"' \
        ${packages:+--include="$packages"} "$suite" "$root" - >"$root.log" 2>&1 || {
        tail -n 20 "$root.log" >&2
        rm -rf --one-file-system "$root"
        exit 1
    }
    touch "$root/.ready"
fi
echo "$root"
