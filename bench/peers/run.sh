#!/bin/sh
# Compares build/googlenet with its peers on this machine: completes their environment (in
# $GOOGLENET_PEERS, or /opt/peers if that is there, or the user's cache), then runs run.py with
# the arguments.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
peers=/opt/peers
[ -x $peers/bin/python ] || peers=${XDG_CACHE_HOME:-$HOME/.cache}/googlenet/peers
peers=${GOOGLENET_PEERS:-$peers}

"$here/../../tools/peers-venv.sh" "$peers"
if [ ! -e /usr/include/dnnl.hpp ]; then
    echo "bench-peers: without oneDNN's convolutions (apt-get install g++ libdnnl-dev)" >&2
fi
exec "$peers/bin/python" "$here/run.py" --python "$peers/bin/python" "$@"
