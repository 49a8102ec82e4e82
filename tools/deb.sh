#!/usr/bin/env bash
# deb.sh [OUT=build-deb]: the packages of packaging/debian, made from the last commit, and lintian's word
# on them. The time in them is that of the changelog's last entry, so that equal sources give equal bytes.
set -eu
cd "$(dirname "$0")/.."
out=${1:-build-deb}
work=$(mktemp -d "${TMPDIR:-/tmp}/googlenet-deb.XXXXXX")
trap 'rm -rf "$work"' EXIT
git archive --prefix=googlenet/ HEAD | tar -x -C "$work"
cp -R "$work/googlenet/packaging/debian" "$work/googlenet/debian"
(cd "$work/googlenet" && dpkg-buildpackage --build=binary --no-sign --check-builddeps) >"$work/log" 2>&1 || {
    tail -n 40 "$work/log"
    exit 1
}
mkdir -p "$out"
rm -f "$out"/*.deb
cp "$work"/*.deb "$out"
lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs "$out"/*.deb
ls -l "$out"
