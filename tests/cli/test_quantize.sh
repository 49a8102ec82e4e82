#!/bin/bash
# labels: push
# timeout: 600
# `quantize`: networks that were trained a little on Fashion-MNIST keep their accuracy and loss, such a file is used by every
# command, and nothing is written where too much is lost.
. "$GN_SOURCE_DIR/tests/cli/cases.sh"

set=/usr/share/datasets/fashion-mnist
if [ ! -d "$set" ]; then
    echo "SKIPPED: Fashion-MNIST is not installed (Debian: dataset-fashion-mnist)"
    exit 77
fi

cat > small.net <<EOF
input 28 1
classes 10
conv a 16 3 2
max p 3 2
inception i 8 8 16 4 8 8
inception k 16 16 32 4 8 8
mean
output
EOF
# trained SEED OUT
trained()
{
    expect 0 '' train --model small.net --data "$set" --epochs 1 --limit-train 9600 --limit-val 500 \
        --batch 64 --optimizer adamw --lr 0.004 --seed "$1" --out "$2" -q
}
trained 0 run
expect 0 'after  *accuracy 0' quantize run/best.safetensors q.safetensors --data "$set" --limit 3000
expect 0 '"int8": 12' quantize run/best.safetensors again.safetensors --data "$set" --limit 3000 --json
same q.safetensors again.safetensors

# Of 3,000 images some change sides either way, which is a quarter of a point by chance: the mean of three networks counts. Their
# loss says more: that of a network with wrong scales is another one.
cp out reports
for seed in 1 2; do
    trained $seed run-$seed
    expect 0 '"int8": 12' quantize run-$seed/best.safetensors other.safetensors --data "$set" --limit 3000 --json
    cat out >>reports
    rm -f other.safetensors
done
values() { sed -n "s/.*\"$1\": \([-0-9.e]*\).*/\1/p" reports | tr '\n' ' '; }
echo "$(values accuracy_before)" "$(values drop)" "$(values loss_before)" "$(values loss_after)" >figures
awk '{
        if (NF != 12) exit 1
        for (i = 1; i <= 3; i++) {
            if ($i < 0.5) exit 1 # it learned nothing
            if ($(9 + i) > 1.03 * $(6 + i)) exit 1
            drop += $(3 + i) / 3
        }
        exit (drop > 0.5)
    }' figures || fail "accuracy before, points lost, loss before and after: $(cat figures)"

# The same answers on every instruction set and with any number of threads.
for isa in avx512 avx2 generic; do
    GOOGLENET_ISA=$isa "$GOOGLENET" info -q > /dev/null 2>&1 || continue
    for threads in 1 2; do
        GOOGLENET_ISA=$isa "$GOOGLENET" predict q.safetensors "$set/t10k-images-idx3-ubyte.gz" --limit 200 \
            --threads $threads --json --logits > "$isa.$threads.json" 2>err ||
            fail "predict with $isa and $threads threads: $(cat err)"
    done
    same "$isa.1.json" "$isa.2.json"
done
if [ -f avx512.1.json ] && [ -f avx2.1.json ]; then
    same avx512.1.json avx2.1.json
fi

# Every command takes it; training does not.
expect 0 'quantize' summary q.safetensors
expect 0 'weights ' info q.safetensors
expect 0 'is whole' verify q.safetensors
expect 0 'direct int8' bench q.safetensors --batch 2 --rounds 1 --layers
expect 0 '"index": 0' predict q.safetensors "$set/t10k-images-idx3-ubyte.gz" --limit 3 --json
expect 4 'is quantised, which is for prediction alone' train --model q.safetensors --data "$set" \
    --max-steps 1 --out no
expect 4 'is quantised already' quantize q.safetensors qq.safetensors --data "$set" --limit 100

# ONNX has a form for it; other formats would make another network of it.
expect 0 '' export q.safetensors q.onnx -q
expect 0 'ONNX' info q.onnx
grep -q QuantizeLinear q.onnx || fail "q.onnx has no QuantizeLinear"
for options in "q9.onnx --opset 12" "qh.onnx --f16"; do
    # shellcheck disable=SC2086
    expect 4 'needs opset 13' export q.safetensors $options
done
expect 0 '' export q.safetensors q.c
for name in q.keras q.weights.h5 q.npz; do
    expect 4 'as .onnx, .c or a model file' export q.safetensors "$name"
    [ ! -e "$name" ] || fail "$name was written"
done

# Ranges from a single picture: where they are worse, nothing is written.
# The first of three networks and eight pictures; one in two is.
worse=
for try in 1 2 3 4 5 6 7 8; do
    for network in run run-1 run-2; do
        [ -z "$worse" ] || continue
        expect 0 '"drop"' quantize $network/best.safetensors one.safetensors --data "$set" --images 1 --seed $try \
            --max-drop 100 --limit 2000 --json
        grep -Eq '"drop": (-|0\.0,)' out || worse="$network/best.safetensors --seed $try"
    done
done
# shellcheck disable=SC2086 # a file and a flag
expect 1 'not written, because accuracy falls' quantize $worse worse.safetensors \
    --data "$set" --images 1 --max-drop 0 --limit 2000
[ ! -e worse.safetensors ] || fail "worse.safetensors was written"
expect 2 '--data is missing' quantize run/best.safetensors no.safetensors
expect 2 'ends in .safetensors' quantize run/best.safetensors no.onnx --data "$set"
expect 2 'max-drop' quantize run/best.safetensors no.safetensors --data "$set" --max-drop -1
expect 3 'nosuchset' quantize run/best.safetensors no.safetensors --data nosuchset
expect 4 'nosuch' quantize nosuch.safetensors no.safetensors --data "$set"
finish
