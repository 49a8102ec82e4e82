#!/usr/bin/env bash
# deb.sh [--twice] [OUT=build-deb]: the packages of packaging/debian, made from the last commit, and lintian's
# word on them. The time in them is that of the changelog's last entry, so that equal sources give equal
# bytes; --twice builds them once more in a folder of another name and compares.
set -eu
cd "$(dirname "$0")/.."
twice=
[ "${1:-}" = --twice ] && twice=yes && shift
out=${1:-build-deb}
work=$(mktemp -d "${TMPDIR:-/tmp}/googlenet-deb.XXXXXX")
trap 'rm -rf "$work"' EXIT

# build FOLDER: the packages end up in FOLDER.
build() {
    mkdir -p "$1"
    git archive --prefix=googlenet/ HEAD | tar -x -C "$1"
    cp -R "$1/googlenet/packaging/debian" "$1/googlenet/debian"
    (cd "$1/googlenet" && dpkg-buildpackage --build=binary --no-sign --check-builddeps) >"$work/log" 2>&1 || {
        tail -n 40 "$work/log"
        exit 1
    }
}

build "$work/first"
mkdir -p "$out"
rm -f "$out"/*.deb
cp "$work"/first/*.deb "$out"
lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs "$out"/*.deb
if [ -n "$twice" ]; then
    build "$work/somewhere/else"
    for package in "$work"/first/*.deb; do
        cmp "$package" "$work/somewhere/else/$(basename "$package")"
    done
    echo "the same bytes in two folders"
fi
ls -l "$out"
