#!/bin/sh
# The shared library exports what googlenet.h declares, exactly that; the static library
# defines no global name but gn_*.
# labels: quick
set -eu

library=$GN_BUILD_DIR/libgooglenet.so
if [ -n "$GN_SANITIZE" ]; then
    echo "SKIPPED: the sanitizers add symbols of their own"
    exit 77
fi

# Every name has a version (cmake/googlenet.map); the version itself is listed, too.
nm -D --defined-only --with-symbol-versions "$library" | awk '$2 != "A" { print $NF }' >versioned
if grep -v '@@GN_[0-9.]*$' versioned >without; then
    echo "FAILED: exported without a version:" >&2
    cat without >&2
    exit 1
fi
sed 's/@@.*//' versioned | sort >exported
# A declaration begins with GN_API and may go on in the next line; its name is before the first "(".
tr '\n' ' ' <"$GN_SOURCE_DIR/include/googlenet.h" | sed 's/GN_API /\n&/g' |
    sed -n 's/^GN_API [^(;]*[ *]\(gn_[a-z0-9_]*\)(.*/\1/p' | sort >declared

[ -s declared ] || { echo "FAILED: found no GN_API declaration" >&2; exit 1; }
if ! diff declared exported >difference; then
    echo "FAILED: declared (<) and exported (>) differ:" >&2
    cat difference >&2
    exit 1
fi

# DW.ref.* is what gcc -fexceptions adds, the same in every program.
nm -g --defined-only "$GN_BUILD_DIR/libgooglenet.a" 2>/dev/null |
    awk 'NF == 3 && $3 !~ /^(gn_|DW\.ref\.)/ { print $3 }' | sort -u >strangers
if [ -s strangers ]; then
    echo "FAILED: the static library defines global names without gn_:" >&2
    cat strangers >&2
    exit 1
fi
echo "ok: $(wc -l <exported) symbols, all of them declared"
