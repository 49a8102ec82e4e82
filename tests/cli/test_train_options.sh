#!/bin/sh
# Schedules, averages, fine-tuning, recipes, the sweep over learning rates and signals, by the
# program alone.
# labels: push
# timeout: 600
. "$GN_SOURCE_DIR/tests/cli/cases.sh"
small='--size 16 --batch 8'

data set 48 20 10
data four 24 8 4

# ---- Every option comes back from config.json: a cut run ends with the bytes of a straight one ----
options='--momentum 0.9 --nesterov --schedule cosine --lr-min 0.001 --warmup-epochs 0.5
    --weight-decay 0.001 --no-decay dense --no-decay *.p1_1.weight --clip-norm 1 --accumulate 2
    --label-smoothing 0.1 --ema 0.9 --lookahead 3:0.5 --whiten --plateau 0.5:1 --early-stop 9 --lr-scale b1=0.5'
set -f # the patterns are not names of files
# shellcheck disable=SC2086 # several words, here and below
expect 0 'test accuracy' train --data set $small $options --epochs 2 --log-steps 1 --out straight
# shellcheck disable=SC2086
expect 0 '"steps": 2' train --data set $small $options --epochs 2 --log-steps 1 --out cut \
    --max-steps 2 --json --threads 1
expect 0 'test accuracy' train --resume cut --max-steps 1000
set +f
for file in model best ema checkpoint; do
    same "straight/$file.safetensors" "cut/$file.safetensors"
done
holds straight/config.json '"no-decay": "dense,\*\.p1_1\.weight"'
holds straight/config.json '"plateau": "0.5:1"'
holds straight/config.json '"lookahead": "3:0.5"'
holds straight/config.json '"whiten": true'
holds straight/config.json '"accumulate": 2'
holds straight/config.json '"schedule": "cosine"'
holds straight/history.jsonl '"step":1,"loss":[0-9.]+,"lr":0\.0[0-9]+'
holds straight/history.jsonl '"val_ema_loss":[0-9.]+,"val_ema_accuracy":'
holds straight/history.csv '^epoch,accuracy,loss,val_accuracy,val_ema_accuracy,val_ema_loss,val_loss,grad_norm,lr'
holds err 'val_ema_accuracy'
for schedule in constant step polynomial one-cycle; do
    expect 0 '' train --data set $small --schedule "$schedule" --epochs 2 --max-steps 3 \
        --limit-val 0 --out schedules --overwrite
done

# ---- Time ----
expect 0 'after epoch [0-9]' train --data set $small --max-time 1s --epochs 100000 --out timed
[ -s timed/best.safetensors ] || fail '--max-time leaves no best.safetensors'
expect 0 'after epoch 1' train --data set $small --max-time 1.5h --epochs 1 --out hours
holds hours/config.json '"max-time": 5400'

# ---- Fine-tuning: a new head, frozen tensors ----
expect 0 'test accuracy' train --data four --model straight/model.safetensors --batch 8 --epochs 1 \
    --freeze 'b1,b2' --freeze 'b3.*' --out tuned
holds err 'straight/model.safetensors has another number of classes: its last layer .2 tensors.'
expect 0 '"\[4\]"|\[4\]' summary tuned/model.safetensors --json
expect 0 '"samples": 8' eval tuned/model.safetensors --data four --json
expect 0 'test accuracy' train --data set --classes 12 --model straight/model.safetensors --batch 8 \
    --max-steps 1 --out wider
expect 3 'label' train --data set --classes 4 --model straight/model.safetensors --out never
expect 2 'freeze: pattern "b3.inceptoin3a" names none' train --data four $small \
    --freeze b3.inceptoin3a --out never
expect 2 'nothing is left to train' train --data four $small --freeze '*' --out never
expect 2 'needs a factor' train --data four $small --lr-scale dense --out never

# ---- How pictures become numbers: the model's, unless the flags say otherwise; kept by a resume ----
expect 0 '' train --data set $small --short-side 20 --normalize 0.5/0.25 --max-steps 1 --out cropped
for run in cropped-straight cropped-cut; do
    case $run in *cut) steps='--max-steps 3' ;; *) steps= ;; esac
    # shellcheck disable=SC2086
    expect 0 '' train --data set --batch 8 --model cropped/model.safetensors --epochs 2 \
        --out $run $steps
done
expect 0 'test accuracy' train --resume cropped-cut --max-steps 1000
same cropped-straight/model.safetensors cropped-cut/model.safetensors
run summary cropped-cut/model.safetensors --json
holds out '"short": 20'
expect 0 '' train --data set --batch 8 --model cropped/model.safetensors --max-steps 1 \
    --short-side 0 --normalize none --out plain
run summary plain/model.safetensors --json
holds out '"preprocess": \[[^]]*"div", "by": 255\}, \{"step": "resize", "h": 16, "w": 16,[^]]*\}\], "stages"'
paper='--data set --model googlenet-paper --size 80 --batch 2 --max-steps 1 --limit-val 0 --limit-train 2'
# shellcheck disable=SC2086
expect 0 '' train $paper --channels 3 --normalize imagenet --short-side 80 --out paper
run summary paper/model.safetensors --json
holds out '"bgr"\}, \{"step": "div", "by": 255\}, \{"step": "resize", "short": 80'
holds out '"sub", "by": \["0x1.9fbe76p-2", "0x1.d2f1aap-2", "0x1.f0a3d8p-2"\]'
# shellcheck disable=SC2086
expect 0 '' train $paper --out grey
run summary grey/model.safetensors --json
holds out '"gray"\}, \{"step": "div", "by": 255\}, \{"step": "resize", "h": 80, "w": 80'
expect 2 'at least the network' train --data set $small --short-side 15 --out never
expect 2 'is not means, a slash' train --data set $small --normalize 1 --dry-run

# ---- A damaged newest checkpoint: the one before it, of a preset and of a text file ----
flip() # FILE: another byte 200 bytes before its end
{
    at=$(($(wc -c <"$1") - 200))
    old=$(dd if="$1" bs=1 skip=$at count=1 2>/dev/null | od -An -tu1 | tr -d ' ')
    # shellcheck disable=SC2059 # the format is the byte
    printf "\\$(printf '%03o' $((255 - old)))" | dd of="$1" bs=1 seek=$at conv=notrunc 2>/dev/null
}
cp "$GN_SOURCE_DIR/examples/tiny.net" own.net
for model in googlenet own.net; do
    rm -rf whole hurt
    expect 0 '' train --data set $small --model $model --epochs 3 --limit-val 0 --out whole
    expect 0 '' train --data set $small --model $model --epochs 2 --limit-val 0 --out hurt
    flip hurt/checkpoint.safetensors
    expect 0 'hint: using hurt/checkpoint.previous.safetensors .step' train --resume hurt --epochs 3
    same whole/model.safetensors hurt/model.safetensors
    same whole/checkpoint.safetensors hurt/checkpoint.safetensors
    rm hurt/checkpoint.safetensors
    expect 0 '' train --resume hurt --epochs 3
    same whole/model.safetensors hurt/model.safetensors
    flip hurt/checkpoint.safetensors
    truncate -s 1000 hurt/checkpoint.previous.safetensors
    expect 4 'hurt/checkpoint.safetensors: ' train --resume hurt --epochs 3
done

# ---- Frozen normalisations: the same bits for any number of threads and after a resume ----
frozen="--data set $small --model own.net --epochs 2 --limit-val 0 --freeze b1,b2"
# shellcheck disable=SC2086
{
    expect 0 '' train $frozen --threads 1 --out frozen-one
    expect 0 '' train $frozen --threads 2 --out frozen-two
    expect 0 '' train $frozen --max-steps 3 --out frozen-cut
}
expect 0 '' train --resume frozen-cut --max-steps 1000
same frozen-one/checkpoint.safetensors frozen-two/checkpoint.safetensors
same frozen-one/model.safetensors frozen-cut/model.safetensors

# ---- Whitened filters: said before, refused where they do not fit; steps of normalisations by a pattern ----
cp "$GN_SOURCE_DIR/examples/tiny.net" own.net
# shellcheck disable=SC2086
expect 0 '' train --data set $small --whiten --dry-run --out never
holds err "whiten    the first convolution's filters, from patches of at most 5000 training images"
expect 0 '"whiten": true' train --data set $small --whiten --dry-run --json --out never
for dry in '' --dry-run; do
    expect 2 '--whiten is for a fresh network, this one has weights from a file' train --data set --batch 8 \
        --model straight/model.safetensors --whiten $dry --out never
done
printf 'input 16 1\nmax first 3 2\nconv conv 4 3\nmean\noutput\n' >pool.net
expect 2 '--whiten makes filters for a convolution, the first layer of the network, first, is none' train \
    --data set --model pool.net --whiten --out never
expect 0 '' train --data set $small --model googlenet-24 --size 28 --lr-scale '*.beta=8' --epochs 1 --out fast-betas
expect 0 '' train --data set $small --model googlenet-24 --size 28 --epochs 1 --out betas
cmp -s fast-betas/model.safetensors betas/model.safetensors && fail '*.beta names nothing'

# ---- Values and combinations that make no sense ----
expect 2 'STEPS:SHARE' train --data set --lookahead 5
expect 2 'out of range' train --data set --lookahead 5:2
expect 2 'did you mean cosine' train --data set --schedule cosin
expect 2 '--warmup-steps is 3 and --warmup-epochs is 1; give one' train --data set \
    --warmup-steps 3 --warmup-epochs 1
expect 2 'give --rise' train --data set --schedule one-cycle --warmup-steps 3
expect 2 'is not a time' train --data set --max-time soon
expect 2 'is not a time' train --data set --max-time -5
expect 2 'out of range' train --data set --max-time 0
expect 2 'FACTOR:PATIENCE' train --data set --plateau 0.1
expect 2 'out of range' train --data set --plateau 1.5:2
expect 2 'out of range' train --data set --plateau 0.5:0
expect 2 'out of range' train --data set --ema 1
expect 2 'out of range' train --data set --label-smoothing 1
expect 2 'out of range' train --data set --accumulate 0
expect 2 'out of range' train --data set --rise 0
expect 2 'not a finite number|not a number' train --data set --clip-norm nan
expect 2 'early-stop needs validation' train --data set --early-stop 2 --limit-val 0
expect 2 'cannot be given with --resume' train --resume straight --ema 0.5
[ -e never ] && fail 'a usage error made a folder'

# ---- Recipes ----
expect 0 '^fashion-mnist-best ' train --list-recipes
expect 0 '"name": "fashion-mnist", .*"shuffle": "window:1000"' train --list-recipes --json
expect 2 'did you mean fashion-mnist' train --recipe fashion-mnits
expect 0 '' train --recipe fashion-mnist --data set $small --max-steps 1 --limit-val 0 --out recipe
holds recipe/config.json '"recipe": "fashion-mnist"'
holds recipe/config.json '"shuffle": "window:1000"'
holds recipe/config.json '"size": 16'
expect 0 '' train --resume recipe --max-steps 2
expect 2 'cannot be given with --resume' train --resume recipe --recipe fashion-mnist
# The recipe for folders learns pictures in folders by class.
for class in light dark; do
    mkdir -p folder/$class
    for i in 1 2 3 4 5 6 7 8; do
        if [ $class = light ]; then shades='wxyzwxyzwxyzwxyz'; else shades='abcdabcdabcdabcd'; fi
        printf 'P5\n4 4\n255\n%s' "$shades" >folder/$class/$i.pgm
    done
done
expect 0 'test accuracy|validation accuracy' train --recipe folder --data folder --epochs 2 --out by-folder
holds by-folder/config.json '"model": "googlenet-24"'
# A recipe's whitening is for fresh weights: those of a file keep their first filters, which is said.
expect 0 '"whiten": false' train --recipe fashion-mnist-fast --data set --model straight/model.safetensors --batch 8 \
    --dry-run --json --out never
holds err 'whiten +left out of the recipe: straight/model.safetensors brings its own first filters'
expect 0 '"whiten": true' train --recipe fashion-mnist-fast --data set $small --dry-run --json --out never

# ---- The sweep over learning rates ----
expect 0 'suggest' lr-find --data set $small --steps 12 --out sweep
[ "$(wc -l <sweep/lr-find.csv)" -ge 2 ] || fail 'lr-find.csv holds no points'
holds sweep/lr-find.csv '^step,lr,loss,smoothed$'
expect 0 '^\{"suggestion": .*"points": \[\{"lr": 1e-05|"lr": 1.0e-05|"lr": 1.0000' \
    lr-find --data set $small --steps 10 --json
expect 2 'data is missing' lr-find
expect 2 'is not above --from' lr-find --data set --from 1 --to 0.5
expect 2 'out of range' lr-find --data set --steps 3
expect 5 'cannot create' lr-find --data set $small --out set/train-images-idx3-ubyte/x

# ---- Signals: HUP saves and goes on, USR1 also says where the run stands ----
: >err
"$GOOGLENET" train --data set $small --epochs 100000 --limit-val 0 --out asked >out 2>err &
pid=$!
wait_for()
{
    tries=0
    while ! grep -Eq "$1" err && [ "$tries" -lt 600 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
}
wait_for '^epoch 1/'
kill -HUP "$pid"
wait_for '^epoch 2/'
kill -USR1 "$pid"
sleep 1
kill -TERM "$pid"
wait "$pid"
code=$?
[ "$code" = 130 ] || fail "after HUP, USR1 and TERM: exit code $code, expected 130: $(cat err)"
holds err 'resume asked'
[ "$(grep -c ' step ' err)" -ge 2 ] || fail "USR1 shows no step: $(cat err)"

finish
