#!/bin/sh
# run.sh COMMAND...: runs a test in a private empty folder, which is also its TMPDIR, and removes
# the folder afterwards. The folder lies below $GN_BUILD_DIR, on a real disk. A program is run
# by $GN_UNDER where that is set (tools/examples.sh: valgrind).
set -u
export GN_UNDER="${GN_UNDER:-}" GN_EMULATOR="${GN_EMULATOR:-}"
mkdir -p "${GN_BUILD_DIR:-/tmp}/tests/tmp" || exit 1
folder=$(mktemp -d "${GN_BUILD_DIR:-/tmp}/tests/tmp/XXXXXX") || exit 1
trap 'chmod -R u+rwX "$folder" 2>/dev/null; rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
export TMPDIR="$folder"
cd "$folder" || exit 1
# A program for another processor runs in the emulator that the build names (tools/cross.sh).
case $1 in
*.sh) "$@" ;;
*)
    # shellcheck disable=SC2086 # words
    $GN_UNDER $GN_EMULATOR "$@"
    ;;
esac
