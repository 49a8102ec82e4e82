#!/bin/sh
# abi.sh [BUILD=build]: writes tests/install/googlenet.abi, what programs rely on in the binary library, with
# which tests/install/test_abi.sh compares later ones. Run it for a release, or after a change that is meant.
set -eu
cd "$(dirname "$0")/.."
abidw --headers-dir include --drop-private-types --exported-interfaces-only --no-parameter-names \
    --no-write-default-sizes --no-elf-needed --no-corpus-path --no-comp-dir-path \
    --type-id-style hash --no-show-locs --short-locs --out-file tests/install/googlenet.abi "${1:-build}/libgooglenet.so"
ls -l tests/install/googlenet.abi
