#!/bin/sh
# check-python.sh DIR [BUILD=build]: builds the wheel of python/ (pip install .) with the library of BUILD (or, where there is
# none, one of its own) into an environment in DIR, outside of the tree, and runs its tests (pytest) and mypy
# there. The product and `make test` need no Python.
set -eu
cd "$(dirname "$0")/.."
if [ $# -lt 1 ]; then
    echo "usage: tools/check-python.sh DIR [BUILD]" >&2
    exit 2
fi
dir=$1
build=$(realpath "${2:-build}")
source=$PWD
export GN_SOURCE_DIR="$source" GOOGLENET="$build/googlenet"
[ -x "$GOOGLENET" ] || { echo "check-python.sh: $GOOGLENET is missing (make build)" >&2; exit 5; }

[ -x "$dir/bin/python" ] || python3 -m venv "$dir"
dir=$(realpath "$dir")
"$dir/bin/python" -c 'import numpy, pytest, mypy' 2>/dev/null ||
    "$dir/bin/pip" install --quiet --disable-pip-version-check numpy pytest mypy
GOOGLENET_LIBRARY="$build/libgooglenet.so" "$dir/bin/pip" install --quiet --disable-pip-version-check \
    --force-reinstall --no-deps .
cd "$dir" # the package that is tested is the installed one
"$dir/bin/python" -m pytest -q -p no:cacheprovider "$source/python/tests"
"$dir/bin/python" -m mypy --strict -p googlenet --cache-dir="$dir/mypy"
