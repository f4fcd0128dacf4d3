#!/bin/sh
# Makes a bare Debian root, once, and prints its folder:   packaging/debian-root.sh bullseye python3-minimal,…
#
# It is kept in $EVIDENCEKIT_ROOTS (~/.cache/evidencekit/roots), named by suite and packages, and used again. Needs root,
# debootstrap, and the mirror that apt is set up with.
set -eu

suite=$1
packages=${2:-}
folder=${EVIDENCEKIT_ROOTS:-${XDG_CACHE_HOME:-$HOME/.cache}/evidencekit/roots}
root=$folder/$suite-$(printf '%s' "$packages" | sha256sum | cut -c 1-12)

mkdir -p "$folder"
exec 9>"$root.lock" # two at once would undo each other's work
flock 9

if [ ! -e "$root/.ready" ]; then
    mirror() { apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1; }
    mirror=$(mirror)
    [ -n "$mirror" ] || { apt-get -qq update && mirror=$(mirror); }
    [ -n "$mirror" ] || { echo "debian-root: apt names no mirror" >&2; exit 1; }
    rm -rf "$root"
    debootstrap --variant=minbase ${packages:+--include="$packages"} "$suite" "$root" "$mirror" >"$root.log" 2>&1 || {
        tail -n 20 "$root.log" >&2
        rm -rf "$root"
        exit 1
    }
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
    touch "$root/.ready"
fi
echo "$root"
