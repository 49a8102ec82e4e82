#!/bin/sh
# With a limit nothing of an IDX file is unpacked after it, and that is said; the run can be resumed.
# labels: quick
. "$GN_SOURCE_DIR/tests/cli/cases.sh"
data set 600 40 3
printf 'input 12 1\nconv conv 2 3 2\nmean\noutput\n' >tiny.net
gzip set/train-images-idx3-ubyte
size=$(wc -c <set/train-images-idx3-ubyte.gz)
cp -r set cut
head -c $((size - 64)) set/train-images-idx3-ubyte.gz >cut/train-images-idx3-ubyte.gz
train='--model tiny.net --size 12 --batch 8 --threads 1'
for from in set cut; do
    run train --data $from $train --epochs 1 --limit-train 20 --limit-val 8 --out $from-run
    [ "$code" = 0 ] || fail "$from: exit code $code: $(cat err)"
    holds err 'data .*: 20 training and 8 test images'
    holds err 'training images: the first 20 of 600; the rest is not read'
    run train --resume $from-run --epochs 2
    [ "$code" = 0 ] || fail "$from: resumed: exit code $code: $(cat err)"
done
same set-run/model.safetensors cut-run/model.safetensors
expect 3 'cut/train-images-idx3-ubyte.gz: gzip: truncated' train --data cut $train --out whole
expect 3 'truncated' train --data cut $train --limit-train 599 --out whole
# What is within the limit is what it was.
run eval set-run/model.safetensors --data cut --split train --limit 20 --json
[ "$code" = 0 ] || fail "eval: exit code $code: $(cat err)"
holds err 'train images: the first 20 of 600'
run predict set-run/model.safetensors cut/train-images-idx3-ubyte.gz --limit 3 --top 1
[ "$code" = 0 ] || fail "predict: exit code $code: $(cat err)"
[ "$(wc -l <out)" = 3 ] || fail "predict: $(cat out)"
holds err 'train-images-idx3-ubyte.gz images: the first 3 of 600'
rm -r cut/train-images-idx3-ubyte.gz
run train --data set $train --epochs 1 --out all
grep -q 'the rest is not read' err && fail "everything was read: $(cat err)"

# The line before a training counts what pictures take, and a picture too large for the memory is named.
for i in 1 2 3 4; do
    for split in train/a train/b val/a val/b; do
        mkdir -p pictures/$split
        printf 'P2 3 3 9\n1 2 3 4 5 6 7 8 %d\n' $i >pictures/$split/$i.pgm
    done
done
memory() { sed -n 's/^memory  *about \([0-9.]*\) MiB.*/\1/p' err; }
run train --data pictures $train --channels 1 --out small --epochs 1
small=$(memory)
{ printf 'P5 6000 6000 255\n'; head -c 36000000 /dev/zero; } >pictures/train/a/large.pgm
run train --data pictures $train --channels 1 --out large --epochs 1 --dry-run
large=$(memory)
awk -v a="$small" -v b="$large" 'BEGIN { exit !(b - a > 100) }' ||
    fail "a picture of 36 megapixels: about $large MiB, without it $small MiB"
[ -n "$GN_SANITIZE" ] && finish
run predict googlenet-small pictures/train/a/large.pgm --classes 3 --threads 1
[ "$code" = 0 ] || fail "predict: exit code $code: $(cat err)"
(ulimit -v 400000 && "$GOOGLENET" predict googlenet-small pictures/train/a/large.pgm --classes 3 \
    --threads 1 >out 2>err)
code=$?
[ "$code" = 5 ] || fail "a picture too large: exit code $code: $(cat err)"
holds err 'large.pgm: PNM: .*width=6000 height=6000'
finish
