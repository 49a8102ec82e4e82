#!/bin/sh
# Makes a Python environment outside the tree with the frameworks and runtimes that the golden files
# and the peer benchmarks need, at the versions that were used for the files in this repository. What
# is there already, in whatever version, stays.
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

[ -x "$dir/bin/python" ] || python3 -m venv "$dir"
# Prints the requirements that no installed package meets by name.
missing=$("$dir/bin/python" - \
    tensorflow-cpu==2.21.0 keras==3.15.1 numpy==2.4.6 pillow==12.0.0 torch==2.15.0 \
    onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 ncnn==1.0.20261020 <<'PY'
import importlib.metadata
import sys

for requirement in sys.argv[1:]:
    try:
        importlib.metadata.version(requirement.split("==")[0])
    except importlib.metadata.PackageNotFoundError:
        print(requirement)
PY
)
for requirement in $missing; do
    echo "peers-venv.sh: installing $requirement into $dir" >&2
    case $requirement in
    torch=*)
        install --retries 1 "$requirement" --index-url https://download.pytorch.org/whl/cpu \
            2>/dev/null || install "$requirement"
        ;;
    *) install "$requirement" ;;
    esac
done
