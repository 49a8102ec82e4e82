#!/bin/sh
# Every function of googlenet.h is used by a program in examples/, so that a user finds how; and the
# simple part of the header is 150 lines, as its head promises.
# labels: quick
set -eu

# A declaration begins with GN_API; a function counts as used when a program calls it, or the macro
# of its name without _with.
tr '\n' ' ' <"$GN_SOURCE_DIR/include/googlenet.h" | sed 's/GN_API /\n&/g' |
    sed -n 's/^GN_API [^(;]*[ *]\(gn_[a-z0-9_]*\)(.*/\1/p' | sort >declared
[ "$(wc -l <declared)" -gt 50 ] || { echo "FAILED: found only $(wc -l <declared) functions" >&2; exit 1; }

# The programs without their comments, in one line.
cat "$GN_SOURCE_DIR"/examples/*.c "$GN_SOURCE_DIR"/examples/*.cpp | tr '\n' ' ' |
    sed 's|/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/||g' >programs

missing=0
simple=$(grep -n '^/\* ==== Data' "$GN_SOURCE_DIR/include/googlenet.h" | cut -d: -f1)
if [ "$simple" -gt 151 ]; then
    echo "FAILED: the simple part of googlenet.h ends in line $simple, it should in line 150" >&2
    missing=1
fi
while read -r name; do
    if ! grep -qE "\<($name|${name%_with})\>" programs; then
        echo "FAILED: no program in examples/ uses $name" >&2
        missing=$((missing + 1))
    fi
done <declared
[ "$missing" -eq 0 ] && echo "ok: all $(wc -l <declared) functions are used"
exit $((missing > 0))
