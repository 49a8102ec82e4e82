#!/bin/sh
# Compares build/googlenet with Keras and PyTorch on this machine: makes their environment if it is
# not there (in $GOOGLENET_PEERS, else in the user's cache), then runs run.py with the arguments.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
peers=${GOOGLENET_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/googlenet/peers}

if [ ! -x "$peers/bin/python" ]; then
    echo "bench-peers: installing TensorFlow and PyTorch into $peers" >&2
    "$here/../../tools/peers-venv.sh" "$peers"
fi
exec "$peers/bin/python" "$here/run.py" --python "$peers/bin/python" "$@"
