#!/bin/sh
# cmake -Dtraining=off: a library under 300 KB that needs libc and libm alone, whose answers and sentences are
# those of the whole one, bit for bit, for every set of kernels that this machine can run.
# labels: push
# timeout: 400
set -eu

if [ -n "$GN_SANITIZE" ]; then
    echo "SKIPPED: a library with sanitizers needs theirs"
    exit 77
fi
[ -z "$GN_EMULATOR" ] || {
    echo "SKIPPED: tools/small.sh builds it for other processors"
    exit 77
}
fail() {
    echo "FAILED: $*" >&2
    exit 1
}

CC=$CC cmake -S "$GN_SOURCE_DIR" -B small -Dtraining=off >log 2>&1 || { cat log >&2; fail "it is not configured"; }
cmake --build small --parallel 2 >log 2>&1 || { cat log >&2; fail "it is not built"; }
library=small/libgooglenet.so.0
strip -o stripped $library
bytes=$(wc -c <stripped)
# clang makes larger code.
if "$CC" --version | grep -qi clang; then most=360000; else most=300000; fi
[ "$bytes" -lt $most ] || fail "the library has $bytes bytes, it must be below $most"
readelf -d $library | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -vE '^(libc|libm|ld-linux[-a-z0-9_]*)\.so\.[0-9]+$' &&
    fail "it needs another library than libc and libm"

# What it exports is what its map names, each declared in the header; both libraries have its version.
nm -D --defined-only --with-symbol-versions $library | awk '$2 != "A" { print $NF }' | sort >exported
sed -n 's/^    \(gn_[a-z0-9_]*\);/\1@@GN_0.2/p' "$GN_SOURCE_DIR/cmake/prediction.map" | sort >named
diff named exported || fail "cmake/prediction.map names (<) what is not exported (>)"
sed 's/@@.*//' exported | while read -r name; do
    grep -q "[ *]$name(" "$GN_SOURCE_DIR/include/googlenet.h" || fail "$name is not declared"
done
# The archive is complete by itself: it defines what it calls.
nm small/libgooglenet.a 2>/dev/null | awk 'NF == 2 && $1 == "U" && $2 ~ /^gn_/ { print $2 }' | sort -u >called
nm --defined-only small/libgooglenet.a 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u >defined
[ -z "$(comm -23 called defined)" ] || fail "the static library calls $(comm -23 called defined)"

host=$GN_SOURCE_DIR/tests/install/prediction
"$CC" -std=gnu11 -O1 -I"$GN_SOURCE_DIR/include" -Wall -Wextra -Werror -o whole "$host/logits.c" \
    -L"$GN_BUILD_DIR" -lgooglenet -Wl,-rpath,"$GN_BUILD_DIR"
"$CC" -std=gnu11 -O1 -I"$GN_SOURCE_DIR/include" -o static "$host/logits.c" small/libgooglenet.a -lm -lpthread

# A model of each kind of layer, and two of version 0.1.0, which have no graph: by a preset's name, and
# with the text of a .net file.
for preset in googlenet-small googlenet-bn googlenet-paper; do
    "$GOOGLENET" export $preset $preset.safetensors >log 2>&1 || { cat log >&2; fail "no model of $preset"; }
done
old=$GN_SOURCE_DIR/tests/formats/v0.1.0
gzip -dc "$old/googlenet-small.safetensors.gz.gz" | gzip -dc >old-small.safetensors
gzip -dc "$old/net-file.safetensors.gz" >old-net.safetensors
for model in googlenet-small googlenet-bn googlenet-paper old-small old-net; do
    model=$model.safetensors
    for set in $("$GOOGLENET" info --json | sed -n 's/.*"isa_available": *"\([^"]*\)".*/\1/p'); do
        case $set in avx512 | sve256) continue ;; esac # not among the usual ones
        GOOGLENET_ISA=$set ./whole "$model" >expected || fail "$model: the whole library"
        # The same program with the other library in its place, and one that holds it.
        GOOGLENET_ISA=$set LD_PRELOAD=$PWD/$library ./whole "$model" >answers || fail "$model, $set: no answer"
        cmp expected answers || fail "$model, $set: other answers"
        GOOGLENET_ISA=$set ./static "$model" >answers || fail "$model, $set: no answer of the static library"
        cmp expected answers || fail "$model, $set: other answers of the static library"
    done
    echo "ok: $model: $(sed -n 2p expected)"
done
# Weights of 16 bits are left out, and that is said (-DGN_HALF=ON keeps them: tools/small.sh).
./static googlenet-small.safetensors f16 >answers 2>said && fail "weights of 16 bits without kernels for them"
grep -q "built without weights of 16 bits; build it with -DGN_HALF=ON" said || fail "of f16 it says: $(cat said)"
# What is wrong with a file is said in the same words, but for the words of the reader of JSON.
for model in googlenet-small.safetensors old-net.safetensors; do
    ./whole "$model" errors | sed 's/ no JSON: .*/ no JSON/' >expected
    ./static "$model" errors | sed 's/ no JSON: .*/ no JSON/' >answers
    diff expected answers || fail "$model: other sentences about a damaged file"
done
echo "ok: $bytes bytes, $(wc -l <exported) functions"
