#!/bin/sh
# A whole life of a run by the program alone: train, cut short, resume, interrupt, eval, predict,
# and what each does with bad input.
# labels: push
# timeout: 400
. "$GN_SOURCE_DIR/tests/cli/cases.sh"
small='--size 16 --batch 8'

data set 48 20 10

# ---- Training: all files, plain lines on stderr, one line of result on stdout ----
# shellcheck disable=SC2086 # several words, here and below
expect 0 '^test accuracy .*model: run/best.safetensors$' \
    train --data set $small --epochs 2 --seed 7 --log-steps 1 --out run
for file in model.safetensors best.safetensors checkpoint.safetensors history.csv history.jsonl \
    config.json; do
    [ -s "run/$file" ] || fail "run/$file is not there"
done
holds err '^epoch 1/2 step 1/6: loss [0-9.]+, accuracy [0-9.]+, [0-9]+ images/s, ETA [0-9:]+$'
holds err '^epoch 2/2: 6 steps, .* loss .* accuracy .* val_loss .* val_accuracy'
holds err '^machine  +[0-9]+ threads'
holds err '^memory  +about'
holds err '^data  +.*48 training and 20 test images of 28x28x1'
if grep -q "$(printf '[\r\033]')" err; then fail 'control characters in a log'; fi
[ "$(grep -c '"step"' run/history.jsonl)" = 12 ] || fail 'not 12 step records'
[ "$(grep -c '"epoch"' run/history.jsonl)" = 2 ] || fail 'not 2 epoch records'
holds run/config.json '"seed": 7,'
holds run/config.json '"lr": 0.05,'
holds run/config.json '"size": 16,'
holds run/config.json '"resize": "tf1-legacy"'

# A folder that holds a run is refused, or replaced on request; the bytes are those of before.
expect 5 'already holds a run' train --data set $small --epochs 2 --seed 7 --out run
cp run/model.safetensors first.safetensors
expect 0 '^run/best.safetensors$' train --data set $small --epochs 2 --seed 7 --log-steps 1 \
    --out run --overwrite --threads 1 -q
same run/model.safetensors first.safetensors
[ -s err ] && fail "--quiet speaks: $(cat err)"

# ---- Cut short inside an epoch, then resumed: equal bytes ----
expect 0 '"steps": 4' train --data set $small --epochs 2 --seed 7 --log-steps 1 --out cut \
    --max-steps 4 --json
holds out '^\{"epochs": 1, .*"val_accuracy": .*"model": "cut/best.safetensors"\}$'
for file in model.safetensors best.safetensors checkpoint.safetensors; do
    [ -s "cut/$file" ] || fail "cut/$file is not there"
done
expect 2 'cannot be given with --resume' train --resume cut --batch 4
expect 0 'test accuracy' train --resume cut --max-steps 1000
for file in model best checkpoint; do
    same "run/$file.safetensors" "cut/$file.safetensors"
done
holds cut/config.json '"max-steps": 1000'

# More epochs than planned at first.
expect 0 'after epoch 3' train --resume cut --epochs 3 --threads 2
[ "$(grep -c '"epoch"' cut/history.jsonl)" = 3 ] || fail 'not 3 epoch records'

# A table that cannot be written is a warning, with its hint in a line of its own, and makes the run
# fail if it is still missing at the end.
rm cut/history.csv && mkdir cut/history.csv
run train --resume cut --epochs 4
[ "$code" = 5 ] || fail "a run without its table ends with $code"
holds err '^googlenet: warning: cut/history.csv: '
holds err '^  hint: training goes on, another attempt follows$'
rmdir cut/history.csv

# A resumed run does not need to be where it was begun.
mkdir elsewhere
(cd elsewhere && "$GOOGLENET" train --resume ../cut --epochs 5 >out 2>err) || fail 'from elsewhere'

# ---- Without --out: a new folder each time ----
expect 0 'runs/1-googlenet-set/' train --data set/ $small --max-steps 1 --limit-val 0
holds out '^training loss'
expect 0 'runs/2-googlenet-set/' train --data set $small --max-steps 1 --limit-val 8
if grep -q val_ runs/1-googlenet-set/history.jsonl; then fail 'validation despite --limit-val 0'; fi
expect 0 '' train --data set $small --dry-run
holds err '^output +runs/3-googlenet-set$'
[ -d runs/3-googlenet-set ] && fail 'a dry run made a folder'

# ---- Options that reach the training ----
expect 0 '' train --data set $small --max-steps 2 --out frozen --lr 0 --seed 1 --limit-val 0
expect 0 '' train --data set $small --max-steps 2 --out moved --seed 1 --limit-val 0
cmp -s frozen/model.safetensors moved/model.safetensors && fail '--lr 0 trains'
for flags in '--optimizer adamw' '--momentum 0.9 --nesterov' '--shuffle window:5' \
    '--shuffle none' '--resize half-pixel' '--model run/best.safetensors' \
    '--limit-train 8 --weight-decay 0.01 --decay-all'; do
    rm -rf other
    expect 0 '' train --data set $small --max-steps 2 --out other --seed 1 --limit-val 0 $flags
    cmp -s other/model.safetensors moved/model.safetensors && fail "$flags changes nothing"
done
expect 1 'googlenet: .*lower the learning rate|googlenet: .*lr' train --data set $small \
    --epochs 5 --lr 1e30 --out diverged --limit-val 0
expect 5 'needs about [0-9.]+ TiB of memory' train --data set --batch 1000000000 --out large
expect 5 'size 100000: one image needs' train --data set --size 100000 --out large
[ -e large/config.json ] && fail 'a run that never began left a config.json'

# ---- Interrupts ----
interrupt()
{
    : >err # or the lines of an earlier run would end the wait below before this one has begun
    "$GOOGLENET" train --data set $small --epochs 100000 --limit-val 0 --out "$2" >out 2>err &
    pid=$!
    tries=0
    while ! grep -q '^epoch 1/' err && [ "$tries" -lt 600 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    kill "-$1" "$pid"
    wait "$pid"
    code=$?
    [ "$code" = 130 ] || fail "SIG$1: exit code $code, expected 130: $(cat err)"
    holds err "resume $2"
    [ -s "$2/checkpoint.safetensors" ] || fail "SIG$1: no checkpoint"
}
interrupt TERM stopped
interrupt INT stopped-too

# ---- eval ----
expect 0 '^samples +20 ' eval run/best.safetensors --data set
expect 0 '^\{"samples": 5, "loss": [0-9.]+, "accuracy": ' eval run/best.safetensors --data set \
    --limit 5 --json
expect 0 '"samples": 48,' eval run/best.safetensors --data set --split train --json
loss=$(sed -n 's/.*"epoch":2.*"val_loss":\([0-9.]*\).*/\1/p' run/history.jsonl)
expect 0 "\"loss\": $loss" eval run/model.safetensors --data set --json
expect 0 '"samples": 20' eval googlenet --data set --size 16 --json

# ---- predict ----
expect 0 '^set/t10k-images-idx3-ubyte\[0\]: ' predict run/model.safetensors \
    set/t10k-images-idx3-ubyte
[ "$(wc -l <out)" = 20 ] || fail 'not one line an image'
gzip -c set/t10k-images-idx3-ubyte >packed.gz
expect 0 '^\{"file": "packed.gz", "index": 0, "top": \[\{"label": "[0-9]", "index": [0-9], "probability": 0\.[0-9]+\}\]\}$' \
    predict run/model.safetensors packed.gz --json --top 1 --limit 3
[ "$(wc -l <out)" = 3 ] || fail '--limit 3 gives other than three lines'
expect 0 '"logits": \[' predict run/model.safetensors packed.gz set/t10k-images-idx3-ubyte --json \
    --logits --limit 2 --top 99
[ "$(wc -l <out)" = 4 ] || fail 'two images of two files are not four lines'
[ "$(head -n 1 out | grep -o '"label"' | wc -l)" = 10 ] || fail '--top 99 is not all ten classes'
"$GOOGLENET" predict run/model.safetensors packed.gz --logits --json --weights f32 >whole 2>err
"$GOOGLENET" predict run/model.safetensors packed.gz --logits --json >usual 2>err
cmp -s whole usual || fail '--weights f32 is not the default'
"$GOOGLENET" predict run/model.safetensors packed.gz --logits --json --weights f16 >half 2>err ||
    fail "--weights f16: $(cat err)"
cmp -s whole half && fail '--weights f16 changes no bit'
expect 0 '"weights": "f16"' eval run/model.safetensors --data set --json --weights f16
expect 2 '"f8" is not one of f32, f16' predict run/model.safetensors packed.gz --weights f8
images large.idx 2 64
expect 0 'large.idx\[1\]' predict run/model.safetensors large.idx
"$GOOGLENET" predict run/model.safetensors packed.gz --json 2>err | head -n 1 >/dev/null

# ---- Bad data (3) ----
damaged()
{
    rm -rf bad
    cp -r set bad
}
damaged && rm bad/t10k-labels-idx1-ubyte
expect 3 't10k-labels' train --data bad $small --out never
damaged && gzip bad/train-images-idx3-ubyte
truncate -s 300 bad/train-images-idx3-ubyte.gz
expect 3 'train-images.*gz' train --data bad $small --out never
# Both splits are read at once; of two errors that of the first is reported.
gzip bad/t10k-images-idx3-ubyte
truncate -s 300 bad/t10k-images-idx3-ubyte.gz
expect 3 'train-images.*gz' train --data bad $small --out never
damaged && gzip bad/t10k-images-idx3-ubyte
truncate -s 300 bad/t10k-images-idx3-ubyte.gz
expect 3 't10k-images.*gz' train --data bad $small --out never/deep/
mkdir ours
expect 3 't10k-images.*gz' train --data bad $small --out ours
rmdir ours || fail 'bad data took a folder that was there'
[ -s err ] && grep -q '^data ' err && fail 'a run on bad data was announced'
damaged && labels bad/train-labels-idx1-ubyte 47 10
expect 3 '48.*47|47.*48' train --data bad $small --out never
damaged && images bad/train-images-idx3-ubyte 0 28
expect 3 'train-images' train --data bad $small --out never
damaged && mkfifo pipe && mv pipe bad/train-images-idx3-ubyte
expect 3 'train-images' train --data bad $small --out never
expect 3 'label' train --data set $small --classes 5 --out never

[ -e never ] && fail 'bad data made a folder'
truncate -s 1000 packed.gz
expect 3 'packed.gz' predict run/model.safetensors packed.gz

# ---- Bad models (4) ----
head -c 100000 run/model.safetensors >short.safetensors
expect 4 'short.safetensors' eval short.safetensors --data set
cp run/model.safetensors flipped.safetensors
printf 'X' | dd of=flipped.safetensors bs=1 seek=5000000 conv=notrunc 2>/dev/null
expect 4 'flipped.safetensors' predict flipped.safetensors large.idx
expect 4 'set/train-labels' summary set/train-labels-idx1-ubyte

# ---- Output that cannot be written (5) ----
: >file
expect 5 'file/below' train --data set $small --out file/below
expect 5 '^googlenet: file:' train --data set $small --out file
expect 5 'file/far/below.*Not a directory' train --data set $small --out file/far/below
# Not even the first checkpoint fits: no run is left behind, so the folder may be named again.
(ulimit -f 2000 && "$GOOGLENET" train --data set $small --out tight >out 2>err)
code=$?
[ "$code" = 5 ] || fail "no room for a checkpoint: exit code $code, expected 5: $(cat err)"
holds err '^googlenet: tight/checkpoint.safetensors: '
expect 0 '' train --data set $small --out tight --max-steps 1 --limit-val 0 --val-fraction 0.2 -q
if [ "$(id -u)" != 0 ]; then
    mkdir sealed && chmod a-w sealed
    expect 5 'sealed' train --data set $small --out sealed/run
fi

finish
