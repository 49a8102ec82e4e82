#!/bin/sh
# Prints the packages of the libraries that are opened at run time, for a Recommends field.
set -eu
for library in libcurl.so.4 libgif.so.7 libwebpdemux.so.2 libwebp.so.7 libtiff.so.6; do
    path=$(ldconfig -p | sed -n "s|^[[:space:]]*$library .*=> ||p" | head -1)
    [ -z "$path" ] || dpkg-query --search "$(readlink -f "$path")" | cut -d: -f1
done | sort -u | paste -sd, | sed 's/,/, /g'
