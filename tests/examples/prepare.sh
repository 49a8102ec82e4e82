#!/bin/sh
# prepare.sh FOLDER TINY_INCEPTION: what the examples need, made by the first of them: data in
# FOLDER/tiny-data and a model, FOLDER/tiny_inception.safetensors.
# labels: push
# timeout: 300
set -eu
rm -rf "$1"
mkdir -p "$1"
cd "$1"
# shellcheck disable=SC2086 # words
$GN_EMULATOR "$2"
