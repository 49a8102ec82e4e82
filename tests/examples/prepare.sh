#!/bin/sh
# prepare.sh FOLDER TINY_INCEPTION TRAIN: what the examples need, made by the first of them: data in
# FOLDER/tiny-data and a model, FOLDER/tiny_inception.safetensors. The second is tried on that data.
# labels: push
# timeout: 300
set -eu
rm -rf "$1"
mkdir -p "$1"
cd "$1"
"$2"
"$3" tiny-data run 1
