#!/bin/sh
# One training by several processes: the same files, byte for byte, for any number of them, at every resume with
# another number, and one sentence when one of them is lost.
# labels: push no-sanitize
# timeout: 600
. "$GN_SOURCE_DIR/tests/cli/cases.sh"

data set 100 30 10
small='--data set --size 16 --batch 24 --grain 3 --epochs 2 --threads 1'
cat >own.net <<'NET'
input 16 1
stage b1
conv conv 16 3
lrn lrn 5
max pool 3 2
stage b2
conv wide 32 3
aux 0.3 2 8 16 0.5
dropout drop 0.3
conv last 16 1
mean
output
NET

# all NAME FLAGS...: all numbers of processes write the same.
numbers='1 2 3 4'
all()
{
    name=$1
    shift
    for n in $numbers; do
        # shellcheck disable=SC2086 # several words, here and below
        expect 0 '' train $small "$@" --processes $n --out "$name-$n"
        for file in model best checkpoint; do
            same "$name-1/$file.safetensors" "$name-$n/$file.safetensors"
        done
    done
}

all norm --model googlenet-small --momentum 0.9
all adamw --model googlenet-small --optimizer adamw --ema 0.9 --clip-norm 1
all whitened --model googlenet-small --whiten --lookahead 3:0.5 --ema 0.9
all lars --model googlenet-small --optimizer lars --clip-norm 1
all muon --model googlenet-small --optimizer muon --nesterov --ema 0.99
ghost='--model googlenet-small --bn-group grain --accumulate 2 --optimizer adamw --ema 0.9 --epochs 1'
# shellcheck disable=SC2086
all ghost $ghost
all mixed --model googlenet-small --augment mixup:0.4,cutmix:0.4,shift:2 --accumulate 2
numbers='1 2 3 4 8'
all heads --model own.net --clip-norm 0.5
all small --model googlenet-small --limit-train 50 --limit-val 10 --momentum 0.9 --epochs 1 --batch 20 --grain 2
numbers='1 2 3 4'
all plain --model googlenet --limit-train 50 --limit-val 10 --epochs 1

# Statistics of each grain alone: other bits than those of the batch, whatever the number of threads.
# shellcheck disable=SC2086
{
    expect 0 '' train $small $ghost --threads 2 --out ghost-threads
    expect 0 '' train $small $ghost --bn-group batch --out whole
}
same ghost-1/checkpoint.safetensors ghost-threads/checkpoint.safetensors
cmp -s ghost-1/model.safetensors whole/model.safetensors && fail '--bn-group grain changes nothing'
holds ghost-1/config.json '"bn-group": "grain"'
expect 2 '--bn-group is grain, but the network has no batch normalisation' train $small --model googlenet \
    --bn-group grain --out refused
expect 0 '' eval ghost-1/model.safetensors --data set

# ---- Pictures, some of which cannot be read ----
picture()
{
    awk -v s="$2" 'BEGIN { print "P3 20 20 255"
        for (i = 0; i < 1200; i++) print (i * s * 7 + s) % 256 }' </dev/null >"$1"
}
for class in a b; do
    mkdir -p "pictures/$class"
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        picture "pictures/$class/$i.ppm" $((i + $(printf '%d' "'$class")))
    done
done
truncate -s 300 pictures/a/3.ppm pictures/b/17.ppm
pictures='--data pictures --size 16 --batch 12 --grain 2 --epochs 2 --threads 1 --model googlenet-small'
for n in 1 2 3 8; do # of 6 grains
    # shellcheck disable=SC2086
    expect 0 'left out: a/3.ppm' train $pictures --augment mirror,mixup:0.4 --on-bad-image skip \
        --processes $n --out skip-$n
    for file in model.safetensors checkpoint.safetensors pictures.tsv bad-images.txt; do
        same skip-1/$file skip-$n/$file
    done
    # shellcheck disable=SC2086
    expect 3 'cannot be read|truncated|ends' train $pictures --processes $n --out stop-$n
    cp err "stop-$n.err"
    same stop-1/checkpoint.safetensors stop-$n/checkpoint.safetensors
done

# ---- A run goes on with another number of processes ----
# shellcheck disable=SC2086
{
    expect 0 '' train $small --model googlenet-small --momentum 0.9 --processes 3 --max-steps 3 --out moved
    expect 0 '' train --resume moved --processes 2 --max-steps 6 --threads 1
    expect 0 '' train --resume moved --max-steps 1000 --threads 2
}
for file in model best checkpoint; do
    same norm-1/$file.safetensors moved/$file.safetensors
done

# ---- One line for a batch job ----
for i in 1 2; do
    # shellcheck disable=SC2086
    expect 0 '' train --resume job --or-start $small --model googlenet-small --momentum 0.9 \
        --max-steps $((i * 4)) --processes $i
done
# shellcheck disable=SC2086
expect 2 '--momentum is not what the run began with' train --resume job --or-start $small \
    --model googlenet-small --momentum 0.8
# shellcheck disable=SC2086
expect 2 '--bn-group is not what the run began with' train --resume job --or-start $small \
    --model googlenet-small --momentum 0.9 --bn-group grain
expect 2 'or-start goes with --resume' train --or-start --data set
# shellcheck disable=SC2086
expect 0 '' train --resume job --or-start $small --model googlenet-small --momentum 0.9 \
    --max-steps 1000
same norm-1/checkpoint.safetensors job/checkpoint.safetensors

# ---- Ranks that are lost ----
# begin FLAGS...: a run of three that will not end by itself; its processes are then $parent and $child.
begin()
{
    rm -rf lost
    # shellcheck disable=SC2086
    "$GOOGLENET" train $small --model googlenet-small --epochs 100000 --checkpoint-steps 1 \
        --processes 3 --out lost "$@" >out 2>err </dev/null &
    parent=$!
    i=0
    while [ ! -s lost/checkpoint.previous.safetensors ] && [ $i -lt 300 ]; do
        sleep 0.1
        i=$((i + 1))
    done
    child=$(ps -o pid= --ppid "$parent" | tail -n 1 | tr -d ' ')
}

# ends CODE PATTERN: it ends so, with one sentence, and can go on.
ends()
{
    wait "$parent"
    code=$?
    [ "$code" = "$1" ] || fail "exit code $code instead of $1: $(tail -n 3 err)"
    holds err "$2"
    sentences=$(grep '^googlenet: ' err | grep -vc '^googlenet: warning: ')
    [ "$sentences" = 1 ] || fail "$sentences sentences: $(cat err)"
    sleep 0.2
    # shellcheck disable=SC2009
    left=$(ps -o pid= --ppid "$parent" | wc -l)
    [ "$left" = 0 ] || fail "$left processes are left"
    expect 0 '' verify lost/checkpoint.safetensors
}

begin
kill -9 "$child"
ends 5 'rank 2 \(.*\) has ended in step [0-9]+$'
begin --rank-timeout 1s
kill -STOP "$child"
ends 5 'rank 2 \(.*\) has not answered for [0-9]+ s in step [0-9]+$'
begin
kill -TERM "$child"
ends 130 'stopped on request at step'
begin
kill -INT "$parent"
ends 130 'stopped on request at step'
begin
kill -9 "$parent"
wait "$parent" 2>/dev/null
for i in 1 2 3 4 5 6 7 8 9 10; do
    sleep 0.5
    ps -p "$child" -o pid= >/dev/null || break
done
holds err 'rank 0 \(.*\) has ended in step [0-9]+$'
[ "$(ps -p "$child" -o pid= | wc -l)" = 0 ] || fail "a rank outlives rank 0"

# ---- Shares: who computes what is nothing to the result ----
for share in 3,1,1 0.01,1,5 auto; do
    # shellcheck disable=SC2086
    expect 0 'shares of a batch 0' train $small --model googlenet-small --momentum 0.9 --processes 3 --share $share \
        --out shared --overwrite
    for file in model best checkpoint; do
        same norm-1/$file.safetensors shared/$file.safetensors
    done
done
for share in 3,1 1,2,x fast 0,1,1 1,1,1,; do
    # shellcheck disable=SC2086
    expect 2 'write equal, auto' train $small --model googlenet-small --processes 3 --share $share --out refused
done

# ---- What it costs ----
expect 0 '[0-9]+% before the backward pass ended' bench googlenet-small --size 16 --batch 130 --train --team \
    --processes 2 --threads 1 --rounds 3
holds err 'has nothing to do \(try a larger --batch, or --grain 65\)'

# hides WORDS...: of a step of two processes, many bytes move before the backward pass ends (1% when none is sent early; a busy
# machine that lets one process wait has three tries). The gradient has eight parts: each is final before the next one, the first
# a while before the last.
hides()
{
    for try in 1 2 3; do
        run bench "$@" --train --team --processes 2 --threads 1 --rounds 3 --json
        ! grep -Eq '"overlap_percent": ([2-9][0-9]|100)' out || break
    done
    for key in processes grains grain ms_step ms_exchange ms_waiting bytes; do
        holds out "\"$key\": [0-9]"
    done
    holds out '"overlap_percent": ([2-9][0-9]|100)'
    sed -n 's/.*"ms_final": \[\([^]]*\)\].*/\1/p' out | tr -d ' ' | awk -F, '
        { for (k = 2; k <= NF; k++) bad += $k > $(k - 1); exit !(NF == 8 && !bad && $1 > 0 && $8 == 0) }
        END { if (NR != 1) exit 1 }' || fail "ms_final: $(cat out)"
}
hides googlenet --batch 64
hides googlenet-small --size 16 --batch 130 --grain 10 # the statistics of a batch need all its images at each layer
expect 2 'from 1 to the batch of 8' bench --batch 8 --grain 9 --train --size 32
expect 2 'of a training step' bench --batch 8 --grain 2 --size 32
expect 2 'of several processes' bench googlenet-small --size 16 --train --team
expect 2 'is for --train' bench googlenet-small --size 16 --processes 2
expect 0 'a batch of 4 is 1 grain of 4 images: 1 of 2 processes has nothing to do' train --data set --size 16 --batch 4 \
    --model googlenet-small --max-steps 2 --processes 2 --out idle

# ---- What makes no sense ----
expect 2 'out of range' train --data set --processes 65
expect 2 'is for one run' train --data set --processes 2 --seeds 2
# shellcheck disable=SC2086
expect 2 'more than the batch' train $small --batch 2 --out refused
expect 3 'no-such-set' train --data no-such-set --processes 2
finish
