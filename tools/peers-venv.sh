#!/bin/sh
# Makes a Python environment outside the tree with the frameworks that the golden files and the
# peer benchmarks need, at the versions that were used for the files in this repository.
#
#   tools/peers-venv.sh DIR
#
# PyTorch comes from its own index of CPU-only packages, or, where that cannot be reached, from
# PyPI with its CUDA packages (several gigabytes).
set -eu

if [ $# -ne 1 ]; then
    echo "usage: tools/peers-venv.sh DIR" >&2
    exit 2
fi
dir=$1

install() {
    "$dir/bin/pip" install --quiet --disable-pip-version-check "$@"
}

python3 -m venv "$dir"
install tensorflow-cpu==2.21.0 keras==3.15.1 numpy==2.4.6 pillow==12.0.0
if ! install --retries 1 torch==2.15.0 --index-url https://download.pytorch.org/whl/cpu 2>/dev/null
then
    install torch==2.15.0
fi

"$dir/bin/python" - <<'PY'
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
import keras
import tensorflow
import torch

print("tensorflow", tensorflow.__version__, "keras", keras.__version__, "torch", torch.__version__)
PY
