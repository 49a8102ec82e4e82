#!/bin/sh
# Several seeds and folds: runs in folders of their own, resumed as a whole with equal bytes; class weights and the
# balanced sampler; one fold; what is wrong with each.
# labels: push
# timeout: 300
. "$GN_SOURCE_DIR/tests/cli/cases.sh"
data set 60 20 3
printf 'input 12 1\nconv conv 2 3 2\nmean\noutput\n' >tiny.net
train='train --data set --model tiny.net --size 12 --batch 8 --threads 1 --lr 0.2'

# shellcheck disable=SC2086 # several words, here and below
expect 0 '^mean +0\.[0-9]{4} +[0-9.]+$' $train --epochs 3 --seeds 3 --seed 5 --out whole
holds out '^seed-5 +0\.[0-9]{4}'
holds out '^95% interval to +'
# Student's t of two degrees of freedom, not the normal distribution's 1.96 (losses are not cut off at 1).
awk '/^mean /{ m = $3 } /^deviation /{ d = $3 } /^95% interval to/ { h = $5 }
    END { e = h - m - 4.303 * d / sqrt(3); exit !(d > 0 && e < 0.0004 && e > -0.0004) }' out ||
    fail "the interval is not Student's: $(cat out)"
for file in seed-5/card.md seed-6/best.safetensors seed-7/result.json summary.json sweep.json; do
    [ -s whole/$file ] || fail "whole/$file is not there"
done
# Each is the run that it would be alone.
expect 0 '' $train --epochs 3 --seed 6 --out alone
same alone/model.safetensors whole/seed-6/model.safetensors

# ---- Interrupted in the second run, from another folder, with equal bytes ----
"$GOOGLENET" $train --epochs 3 --seeds 3 --seed 5 --out cut -q >/dev/null 2>&1 &
pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
    [ -s cut/seed-5/result.json ] && break
    sleep 0.05
done
kill -9 $pid
wait $pid
rm -rf cut/seed-7
expect 0 '^mean' train --resume cut
for seed in 5 6 7; do
    same whole/seed-$seed/model.safetensors cut/seed-$seed/model.safetensors
    same whole/seed-$seed/history.csv cut/seed-$seed/history.csv
done
# Killed after the history of its last epoch was written, and before the checkpoint: it is not finished.
(cd cut/seed-6 && mv checkpoint.previous.safetensors checkpoint.safetensors && rm -f result.json model.safetensors)
expect 0 '"state": "stopped"' runs show cut/seed-6 --json
expect 0 '^mean' train --resume cut
same whole/seed-6/model.safetensors cut/seed-6/model.safetensors
rm -rf cut/seed-6
mkdir elsewhere
(cd elsewhere && "$GOOGLENET" train --resume ../cut -q >/dev/null) || fail 'not from elsewhere'
same whole/seed-6/model.safetensors cut/seed-6/model.safetensors
expect 0 'is finished' train --resume cut
expect 0 '"val_accuracy": \{"runs": 3, "mean": 0\.[0-9]+, "deviation": [0-9.]+, "interval": \[' \
    train --resume cut --epochs 4 --json
[ "$(grep -c epoch cut/seed-7/history.jsonl)" = 4 ] || fail 'not the epochs given anew'
expect 5 'already holds runs' $train --seeds 2 --out cut
# Student's interval of two runs is wide; it ends where an accuracy does.
expect 0 "" $train --epochs 1 --seeds 2 --limit-val 2 --out cut --overwrite
awk '/^95% interval/ { if ($4 < 0 || $4 > 1 || $5 < 0) exit 1; n++ } END { exit n != 2 }' out ||
    fail "an accuracy below 0 or above 1: $(cat out)"

# ---- Folds: every training sample validates once ----
expect 0 '^mean' $train --epochs 2 --folds 4 --seed 3 --out folds
holds err '45 training, 15 validation and 20 test images'
for fold in 1 2 3 4; do
    holds folds/fold-$fold/config.json '"validation_samples": 15'
done
expect 0 'folds/fold-2 +set +finished' runs list folds
# A fold's run is evaluated on what it has held back, wherever the weights lie; together all samples, each once.
for fold in 1 2 3 4; do
    best=$("$GOOGLENET" runs show folds/fold-$fold --json | sed 's/.*"best": {[^}]*"val_accuracy": \([0-9.]*\).*/\1/')
    run eval folds/fold-$fold --json
    holds out "^\{\"samples\": 15, .*\"accuracy\": ${best%??????}"
    holds out "\"split\": \"val\", \"fold\": \"$fold/4\""
    cp out byrun
    run eval folds/fold-$fold/best.safetensors --data set --fold $fold/4 --seed 3 --json --predictions fold-$fold.csv
    sed 's/"data": .*//' byrun >a # then only times
    sed 's/"data": .*//' out >b
    holds a '"confusion"'
    same a b
done
expect 0 '^fold +2/4 of the training' eval folds/fold-2 --limit 4
holds out '^samples +4 '
expect 0 '^samples +20 ' eval folds/fold-2 --split test
expect 0 '^samples +45 ' eval folds/fold-2 --split train
expect 0 'comparison|chance' eval folds/fold-1 folds/fold-2 --split test
expect 2 'holds several runs; name one' eval folds
expect 2 'folds/fold-2: it has trained with samples that fold 1/4 holds back' eval folds/fold-1 folds/fold-2
expect 2 'fold 5/4: write K/N' eval folds/fold-1/best.safetensors --data set --fold 5/4
expect 2 'eval: --data is missing' eval folds/fold-1/best.safetensors
expect 0 '^samples +20 ' eval alone
expect 0 '^folds$' runs rm folds
[ -e folds ] && fail "left: $(ls -AR folds)"

# Pictures by class, without a division of their own.
for class in a b; do
    mkdir -p pictures/$class
    for i in 1 2 3 4 5 6; do
        printf 'P2 3 3 9\n1 2 3 4 5 6 7 8 %d\n' $i >pictures/$class/$i.pgm
    done
done
expect 0 '' train --data pictures --model tiny.net --size 12 --batch 4 --epochs 1 --fold 2/3 --out one
holds err '8 training and, as fold 2/3, 4 validation'
expect 0 '' train --resume one --epochs 2

# ---- Weights ----
printf '# a line a class\n0 2\n\n 2   0.5\n' | sed 's/^ //' >weights
expect 0 '' $train --epochs 1 --class-weights weights --balanced-sampler --out weighted
holds weighted/config.json '"class-weights": "0=2,2=0.5"'
rm weights
expect 0 '' train --resume weighted --epochs 2
expect 0 '' $train --epochs 2 --class-weights 0=2,2=0.5 --balanced-sampler --out other
same weighted/model.safetensors other/model.safetensors
expect 0 '' $train --epochs 2 --out plain
cmp -s plain/model.safetensors other/model.safetensors && fail 'weights change nothing'
# Of equally many the weights are 1.
expect 0 '' $train --epochs 2 --class-weights balanced --out balanced
same plain/model.safetensors balanced/model.safetensors

# ---- All of it together, cut off within an epoch: the same bits, and no value twice ----
all="--class-weights 0=2,2=0.5 --balanced-sampler --fold 2/4 --tensorboard --histograms --log-steps 1 --seed 4"
expect 0 '' $train --epochs 3 $all --out one-go
for cut in 3 8 11; do
    expect 0 '' $train --epochs 3 $all --max-steps $cut --out parts-$cut
    expect 0 '' train --resume parts-$cut --max-steps 1000
    for file in model best checkpoint; do
        same one-go/$file.safetensors parts-$cut/$file.safetensors
    done
    for part in train validation; do
        file=tensorboard/$part/events.out.tfevents.googlenet
        [ "$(stat -c %s one-go/$file)" = "$(stat -c %s parts-$cut/$file)" ] || fail "$cut: $file has another length"
    done
done

# ---- What is wrong ----
expect 2 'neither "balanced", nor CLASS=X, nor a file' $train --class-weights nothing
expect 2 'names none of the 3 classes' $train --class-weights 7=2 --out no
expect 2 'above 0' $train --class-weights 1=-2 --out no
printf 'a\n' >weights
expect 2 'line 1 is not a class and a factor' $train --class-weights weights
expect 2 'write K/N' $train --fold 6/5
expect 2 'give one of them' $train --folds 3 --seeds 2
expect 2 'order of its own' $train --balanced-sampler --shuffle none --out no
expect 3 'cannot be divided into 50 folds' $train --limit-train 20 --fold 1/50 --out no
printf '{"format":1,"kind":"seeds","runs":-3,"seed":0,"words":[1]}' >whole/sweep.json
expect 3 'not the plan of several runs' train --resume whole
[ -e no ] && fail 'a refused run leaves a folder'
finish
