#!/bin/sh
# The binaries carry the hardening that the build asks for, and no object holds instructions that a
# CPU without them would meet.
# labels: quick
set -u

program=$GN_BUILD_DIR/googlenet
library=$GN_BUILD_DIR/libgooglenet.so
if [ -n "$GN_SANITIZE" ]; then
    echo "SKIPPED: binaries with sanitizers are never shipped"
    exit 77
fi

failures=0
# expect WHAT FILE PATTERN OPTION: readelf OPTION of FILE holds PATTERN (or, after "no", does not).
expect() {
    if ! readelf -W "$4" "$2" | grep -qE "$3"; then
        echo "FAILED: $2: no $1" >&2
        failures=$((failures + 1))
    fi
}
expect_no() {
    if readelf -W "$4" "$2" | grep -qE "$3"; then
        echo "FAILED: $2: $1" >&2
        failures=$((failures + 1))
    fi
}

for file in "$program" "$library"; do
    expect "read-only relocations" "$file" 'GNU_RELRO' -l
    expect "immediate binding" "$file" 'BIND_NOW|FLAGS.*NOW' -d
    expect_no "executable stack" "$file" 'GNU_STACK.*RWE' -l
    expect_no "writable and executable segment" "$file" 'LOAD.*RWE' -l
    expect_no "links libhdf5" "$file" 'NEEDED.*hdf5' -d
    expect_no "text relocations" "$file" 'TEXTREL' -d
done
expect "position-independent program" "$program" 'Type: +DYN' -h
expect "mark of a position-independent program" "$program" 'FLAGS_1.*PIE' -d
expect "stack protector" "$library" '__stack_chk_fail' --dyn-syms
expect "fortified calls" "$library" '__[a-z]+_chk' --dyn-syms
expect "soname libgooglenet.so.0" "$library" 'SONAME.*libgooglenet\.so\.0' -d

# Objects of folder PATTERN of the build must not hold the registers REGISTERS.
without() {
    find "$GN_BUILD_DIR/CMakeFiles" -path "*/$1.dir/*" -name '*.o' >objects
    while read -r object; do
        if objdump -d --no-show-raw-insn "$object" | grep -qE "$2"; then
            echo "FAILED: $object holds $3 instructions" >&2
            failures=$((failures + 1))
        fi
    done <objects
}

case $(uname -m) in
x86_64)
    without core '%[yz]mm' 'AVX or AVX-512'
    without kernels_generic '%[yz]mm' 'AVX or AVX-512'
    without kernels_avx2 '%zmm|%[xy]mm(1[6-9]|2[0-9]|3[01])|\{%k[0-7]\}' 'AVX-512'
    # The distribution's start files lack the control-flow note, so the objects are asked.
    find "$GN_BUILD_DIR/CMakeFiles" -path '*/core.dir/*' -name '*.o' >objects
    while read -r object; do
        expect "control-flow note" "$object" 'IBT, SHSTK' -n
    done <objects
    ;;
esac

[ "$failures" -eq 0 ] && echo "ok"
exit $((failures > 0))
