#!/bin/sh
# Programs that were linked with the last release run with this library: the names and structs of the
# header are those of tests/install/googlenet.abi. New names are fine. After a change that is meant (fields
# in the place of `reserved`, or before the first release of a version) tools/abi.sh writes it anew.
# labels: quick
set -eu
if [ -n "$GN_SANITIZE" ]; then
    echo "SKIPPED: sanitizers change what is exported"
    exit 77
fi
for tool in abidiff abidw; do
    command -v $tool >/dev/null 2>&1 || {
        echo "SKIPPED: no $tool here (Debian: abigail-tools)"
        exit 77
    }
done
case $(uname -m) in x86_64) ;; *) echo "SKIPPED: the dump is of x86-64" && exit 77 ;; esac
"$CC" --version | grep -qi clang && echo "SKIPPED: the dump is gcc's" && exit 77
if ! abidiff --no-added-syms "$GN_SOURCE_DIR/tests/install/googlenet.abi" \
    "$GN_BUILD_DIR/libgooglenet.so" >difference; then
    cat difference >&2
    echo "FAILED: programs linked with the last release would not run with this library" >&2
    exit 1
fi
# Structs of callers can grow: each ends in reserved fields, unless it is named here, fixed for good.
fixed="gn_unused_kind gn_metric gn_metrics gn_lr_point gn_class_mean gn_calibration_bin
gn_confused gn_file_bytes gn_node gn_pair gn_event gn_answer"
awk '/^(typedef )?struct gn_[a-z_]* \{/ { name = $0; sub(/.*struct /, "", name); sub(/ .*/, "", name); last = "" }
    name != "" && /^    .*;/ { last = $0 }
    /^\}/ { if (name != "" && last !~ /reserved\[/) print name; name = "" }' \
    "$GN_SOURCE_DIR/include/googlenet.h" >without
while read -r name; do
    echo "$fixed" | tr ' ' '\n' | grep -qx "$name" && continue
    echo "FAILED: struct $name does not end in reserved fields" >&2
    exit 1
done <without
echo "ok: as in the last release"
