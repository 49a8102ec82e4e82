#!/bin/sh
# prepare.sh FOLDER TINY_INCEPTION: what the examples need, made by the first of them: data in
# FOLDER/tiny-data and a model, FOLDER/tiny_inception.safetensors; and in FOLDER/few-data the first of
# those images: 96 to train, six steps of 16, and 16 to test.
# labels: push
# timeout: 300
set -eu
rm -rf "$1"
mkdir -p "$1"
cd "$1"
# shellcheck disable=SC2086 # words
$GN_EMULATOR "$2"

# first N NAME SIZE-OF-HEAD SIZE-OF-ITEM: the first N (below 256) items of an IDX file; its bytes 4 to 7 are their number.
first() {
    {
        head -c 4 "tiny-data/$2"
        # shellcheck disable=SC2059 # an octal number
        printf "\\0\\0\\0\\$(printf %o "$1")"
        tail -c +9 "tiny-data/$2" | head -c $(($3 - 8 + $1 * $4))
    } >"few-data/$2"
}
mkdir few-data
first 96 train-images-idx3-ubyte 16 400
first 96 train-labels-idx1-ubyte 8 1
first 16 t10k-images-idx3-ubyte 16 400
first 16 t10k-labels-idx1-ubyte 8 1
