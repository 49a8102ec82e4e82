#!/bin/sh
# Folders of runs: listed, shown, compared, drawn, watched, exported and removed; states; hostile names are inert,
# and only a run's own files are removed.
# labels: push
# timeout: 300
. "$GN_SOURCE_DIR/tests/cli/cases.sh"
data set 60 20 3
printf 'input 12 1\nconv conv 2 3 2\nmean\noutput\n' >tiny.net
train='train --data set --model tiny.net --size 12 --batch 8 --threads 1'

run runs list
[ "$code" = 0 ] && [ ! -s out ] || fail "no runs: $code $(cat out err)"
# shellcheck disable=SC2086 # several words, here and below
for seed in 1 2; do
    expect 0 accuracy $train --epochs 3 --seed $seed --lr 0.$seed
done
expect 0 '' $train --epochs 9 --max-steps 4 --out runs/3-cut

# ---- A line a run ----
expect 0 '^runs/1-tiny.net-set +set +finished +3 +0\.[0-9]{4}' runs list
run runs list --json
[ "$(wc -l <out)" = 3 ] || fail "not a line a run: $(cat out)"
holds out '^\{"run": "runs/2-tiny.net-set", "model": "tiny.net", "data": "set", "state": "finished", "epochs": 3, "val_accuracy": 0.[0-9]+, "val_loss": [0-9.]+, "seconds": [0-9.]+\}$'
run runs list --sort val_accuracy --json
sed 's/.*"val_accuracy": \([0-9.]*\).*/\1/' out >order
sort -rn order | cmp -s - order || fail "not the best first: $(cat order)"
expect 2 'not one of run, model' runs list --sort beauty
expect 2 'did you mean list' runs lsit
"$GOOGLENET" runs list | awk 'length > 80 { exit 1 }' || fail 'runs list is wider than 80 columns'

# ---- One, several ----
expect 0 '^state +finished$' runs show runs/1-tiny.net-set
holds out '^  lr +0.1$'
holds out '^data_fingerprint +[0-9a-f]{8}$'
expect 0 '"state": "finished".*"best": \{"epoch": ' runs show runs/1-tiny.net-set --json
expect 0 '^lr +0.1 +0.2' runs compare runs/1-tiny.net-set runs/2-tiny.net-set
grep -q '^epochs ' out && fail "what is the same is shown: $(cat out)"
awk 'length > 80 { exit 1 }' out || fail 'runs compare is wider than 80 columns'
expect 0 '^\{"kind": "option", "name": "seed", "values": \[1, 2\]\}$' runs compare --json \
    runs/1-tiny.net-set runs/2-tiny.net-set
expect 2 'two runs or more' runs compare runs/1-tiny.net-set
if "$GOOGLENET" info | grep -q '^curves .*built in (cairo)'; then
    expect 0 '^all.svg$' runs plot runs --out all.svg
    holds all.svg '<svg'
fi

# ---- Watching ----
expect 0 'finished$' watch runs/1-tiny.net-set --once
holds out '^epoch 3 of 3, val_accuracy 0\.[0-9]{4}, best 0\.[0-9]{4} in epoch [123]$'
holds out '^loss +\. training +o validation$'
awk 'length > 80 { exit 1 }' out || fail 'watch is wider than 80 columns'
grep -q "$(printf '\033')" out && fail 'control characters in a pipe'
expect 0 '"epochs_planned": 3' watch runs/1-tiny.net-set --json
expect 3 'not the folder of a run' watch set

# ---- TensorBoard from the history ----
expect 0 '^runs/1-tiny.net-set/tensorboard$' runs export runs/1-tiny.net-set --tensorboard
[ -s runs/1-tiny.net-set/tensorboard/validation/events.out.tfevents.googlenet ] || fail 'no events'
expect 5 'already' runs export runs/1-tiny.net-set --tensorboard
expect 0 '^other$' runs export runs/1-tiny.net-set --tensorboard --out other
expect 2 'say what' runs export runs/1-tiny.net-set

# ---- States ----
expect 0 '' $train --epochs 200000 --out runs/4-killed --max-time 2s
printf 'x' >>runs/4-killed/history.jsonl # torn
rm runs/4-killed/result.json
expect 0 '"run": "runs/4-killed".*"state": "stopped"' runs list --json
cp runs/1-tiny.net-set/config.json saved
rm runs/1-tiny.net-set/result.json # as of version 0.1.0
expect 0 '"run": "runs/1-tiny.net-set".*"state": "finished"' runs list --json
"$GOOGLENET" $train --epochs 2000000 --out runs/5-now -q >/dev/null 2>&1 &
pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ -s runs/5-now/history.jsonl ] && break
    sleep 0.2
done
expect 0 '"run": "runs/5-now".*"state": "running"' runs list --json
expect 5 'another process trains here' runs rm runs/5-now
expect 5 'a process trains here' runs export runs/5-now --tensorboard
"$GOOGLENET" watch runs/5-now --interval 0.1 >watched 2>&1 &
watch=$!
sleep 1
kill -INT $pid
wait $pid
wait $watch || fail 'watch ends when the run ends'
holds watched '^epoch [0-9]+ of 2000000'
expect 0 '"run": "runs/5-now".*"state": "stopped"' runs list --json
expect 1 'diverged|not finite|infinite|not a number' $train --epochs 50 --lr 3e38 --out runs/6-bad
if [ -f runs/6-bad/config.json ] && [ -f runs/6-bad/result.json ]; then
    expect 0 '"state": "failed"' runs list runs/6-bad --json
fi

# ---- Hostile names and files ----
bad=$(printf 'runs/7-\033[31mred')
cp -r runs/2-tiny.net-set "$bad"
run runs list
grep -q "$(printf '\033')" out err && fail 'an escape of a name reaches the terminal'
printf '{"epoch":1,"loss":"x","\033]0;t":1}\n{"epoch":99999999999,"loss":1}\n[1,2]\nnull\n{"epoch":2,"loss":1e999}\n{"epoch":3,"val_loss":1,"val_accuracy":0.5}' \
    >"$bad/history.jsonl"
run runs show "$bad"
grep -q "$(printf '\033')" out err && fail 'an escape of a metric reaches the terminal'
printf '{' >"$bad/config.json"
run runs list
[ "$code" = 0 ] || fail "a damaged run hides the others: $(cat err)"
expect 3 'config.json' runs show "$bad"

# ---- Removing ----
touch runs/2-tiny.net-set/mine
expect 0 '^runs/2-tiny.net-set$' runs rm runs/2-tiny.net-set
holds err 'holds files that are not the run'
[ "$(ls -A runs/2-tiny.net-set)" = mine ] || fail "left: $(ls -A runs/2-tiny.net-set)"
expect 0 '^runs/1-tiny.net-set$' runs rm runs/1-tiny.net-set
[ -e runs/1-tiny.net-set ] && fail "still there: $(ls -AR runs/1-tiny.net-set)"
expect 3 'not the folder of a run' runs rm set
[ -s set/train-images-idx3-ubyte ] || fail 'the data are gone'
finish
