#!/bin/sh
# Runs that version 0.1.0 began and this one resumes: the losses are those that version 0.1.0 had at
# the end of the same runs.
# labels: push
. "$GN_SOURCE_DIR/tests/cli/cases.sh"
old=$GN_SOURCE_DIR/tests/formats/v0.1.0

data set 48 20 3
mkdir net-run small-run
cp "$old/net-run.config.json" net-run/config.json
cp "$old/small-run.config.json" small-run/config.json
gunzip <"$old/net-run.checkpoint.gz" >net-run/checkpoint.safetensors
gunzip <"$old/small-run.checkpoint.gz.gz" | gunzip >small-run/checkpoint.safetensors

# losses DIR: accuracy, loss, val_accuracy, val_loss of every epoch, five digits each.
losses()
{
    tr -d '\r' <"$1/history.csv" | awk -F, '
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
        NR > 1 { printf "%.4f %.4f %.4f %.4f\n", $at["accuracy"], $at["loss"], $at["val_accuracy"],
                 $at["val_loss"] }'
}

expect 0 'after epoch 2' train --resume net-run --data set --max-steps 1000
[ "$(losses net-run)" = '0.3333 1.1063 0.3500 1.1002
0.2083 1.1064 0.3500 1.0982' ] || fail "net-run: $(losses net-run)"
expect 0 'after epoch 2' train --resume small-run --data set --max-steps 1000
[ "$(losses small-run)" = '0.3750 1.1024 0.3500 1.2440
0.3125 1.1082 0.3500 1.2402' ] || fail "small-run: $(losses small-run)"

# What such a run leaves is used without the .net text and resumed once more.
expect 0 'Model: "old.net" \(input 16x16x1, 3 classes\)' summary net-run/model.safetensors
expect 0 '' eval net-run/best.safetensors --data set
expect 0 'after epoch 3' train --resume net-run --data set --epochs 3

finish
