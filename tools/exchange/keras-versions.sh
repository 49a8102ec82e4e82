#!/bin/sh
# Makes files with several versions of Keras, each in an environment of its own, and reads them here.
#
#   tools/exchange/keras-versions.sh FOLDER [VERSION...]
#
# Versions: tf2.12, tf2.15 (Keras of TensorFlow), tf2.16 (tf_keras 2.16 and, apart, the Keras 3 versions 3.0, 3.3, 3.6
# and current with TensorFlow 2.16 below them). Needs python3.11, pip, 3 GB in FOLDER, and a build in build/;
# an environment is removed when its files are made. What make_keras.py says is kept in FOLDER/VERSION.log.
set -eu
folder=$1
shift
[ $# -gt 0 ] || set -- tf2.12 tf2.15 tf2.16 3.0 3.3 3.6 current
tools=$(cd "$(dirname "$0")" && pwd)
build=$tools/../../build
mkdir -p "$folder"
status=0

# environment NAME PACKAGE...
environment() {
    [ -x "$folder/env-$1/bin/python" ] || python3.11 -m venv "$folder/env-$1"
    python=$folder/env-$1/bin/python
    shift
    "$python" -m pip install -q --no-cache-dir "$@"
}

for version in "$@"; do
    case $version in
    tf2.12) environment "$version" tensorflow-cpu==2.12.1 ;;
    tf2.15) environment "$version" tensorflow-cpu==2.15.1 ;;
    tf2.16) environment "$version" tensorflow-cpu==2.16.2 tf_keras==2.16.0 ;;
    3.0) environment "$version" tensorflow-cpu==2.16.2 keras==3.0.5 ;;
    3.3) environment "$version" tensorflow-cpu==2.16.2 keras==3.3.3 ;;
    3.6) environment "$version" tensorflow-cpu==2.16.2 keras==3.6.0 ;;
    current) environment "$version" tensorflow-cpu keras ;;
    *)
        echo "keras-versions.sh: no version $version" >&2
        exit 2
        ;;
    esac
    legacy=
    [ "$version" != tf2.16 ] || legacy=1
    TF_USE_LEGACY_KERAS=$legacy "$python" "$tools/make_keras.py" "$folder/$version" \
        >"$folder/$version.log" 2>&1 || status=1
    rm -rf "$folder/env-$version"
    (cd "$folder" && GN_KERAS_FILES=$folder/$version "$build/tests/test_exchange_keras_files") ||
        status=1
done
exit $status
