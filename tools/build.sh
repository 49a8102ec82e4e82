#!/bin/sh
# build.sh FOLDER TARGET [FLAG...]: configures the build in FOLDER (with Ninja when it is there) and
# builds TARGET: product (libraries and program), all (the tests, too), or several in one word.
# Quiet unless something is wrong: the configuring log is shown only when it fails.
set -eu
cd "$(dirname "$0")/.."
folder=$1
target=$2
shift 2

generator=
if [ ! -f "$folder/CMakeCache.txt" ] && command -v ninja >/dev/null 2>&1; then
    generator="-G Ninja"
fi
mkdir -p "$folder"
# shellcheck disable=SC2086 # two words or none
if ! cmake -S . -B "$folder" $generator "$@" >"$folder/configure.log" 2>&1; then
    cat "$folder/configure.log" >&2
    exit 5
fi
# shellcheck disable=SC2086 # words
exec cmake --build "$folder" --target $target --parallel "$(nproc 2>/dev/null || echo 2)"
