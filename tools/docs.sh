#!/bin/sh
# docs.sh [FOLDER]: the documentation as HTML in FOLDER/html (build-docs), made by Doxygen from the headers, the
# guide (docs/guide.md) and the other pages. A warning is an error: something public without a comment, a link
# to nothing. Of googlenet.hpp only the classes need one: their methods are the functions of googlenet.h.
# Exit code 77: no Doxygen here.
set -eu
cd "$(dirname "$0")/.."
folder=${1:-build-docs}
command -v doxygen >/dev/null || {
    echo "docs.sh: Doxygen is not installed (Debian: doxygen)"
    exit 77
}
mkdir -p "$folder"
rm -rf "$folder/html"
{
    cat docs/Doxyfile
    echo "OUTPUT_DIRECTORY = $folder"
    echo "PROJECT_NUMBER = $(sed -n 's/^#define GN_VERSION_STRING "\(.*\)"/\1/p' include/googlenet.h)"
} >"$folder/Doxyfile"
doxygen "$folder/Doxyfile" >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
grep -E '(warning|error):' "$folder/log" | grep -vE 'googlenet\.hpp:[0-9]+: warning: Member .* is not documented' >&2 && {
    echo "docs.sh: the lines above are errors" >&2
    exit 1
}
# Every function of the header has its entry.
for name in $(tr '\n' ' ' <include/googlenet.h | sed 's/GN_API /\n&/g' |
    sed -n 's/^GN_API [^(;]*[ *]\(gn_[a-z0-9_]*\)(.*/\1/p'); do
    grep -q ">$name<" "$folder/html/googlenet_8h.html" || {
        echo "docs.sh: $name is not in the page of googlenet.h" >&2
        exit 1
    }
done
echo "docs.sh: $folder/html/index.html"
