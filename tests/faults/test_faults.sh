#!/bin/bash
# Every call of the system and every allocation fails once, in turn, while a run begins and while it
# goes on and saves (tests/faults/fault.c):
#
#   the exit code is one of the documented ones, and one sentence says why;
#   a folder is never left that can neither be begun nor resumed;
#   the files of before are whole, and the resumed run ends with the bits of an undisturbed one.
#
# GN_FAULTS=N: at most N calls of each kind, evenly spread (default 4; 0: all).
# GN_FAULT_KINDS="open memory": only these kinds.
# labels: push no-sanitize
# timeout: 900
. "$GN_SOURCE_DIR/tests/cli/cases.sh"
most=${GN_FAULTS:-4}
shim=$GN_BUILD_DIR/tests/libfault.so
if [ ! -e "$shim" ]; then
    echo "skipped: no $shim (it needs glibc)"
    exit 77
fi
data set 24 10 3
cat >tiny.net <<'NET'
input 12 1
norm keras
stage b1
conv conv 4 3 2
inception one 4 2 4 2 2 2
aux 0.3 2 2 4 0.5
mean
dropout drop 0.2
output
NET
train=(train --data set --model tiny.net --size 12 --batch 8 --momentum 0.9 --ema 0.9 --threads 1)

run "${train[@]}" --epochs 2 --out reference
[ "$code" = 0 ] || fail "reference: exit code $code: $(cat err)"
run "${train[@]}" --epochs 1 --out begun
[ "$code" = 0 ] || fail "begun: exit code $code: $(cat err)"

# disturbed KIND K ARGS...: runs the program with the K-th call of that kind failing.
disturbed()
{
    local kind=$1 k=$2
    shift 2
    timeout 60 env GN_FAULT="$kind:$k:${errno:-5}" GN_FAULT_COUNT=count LD_PRELOAD="$shim" \
        "$GOOGLENET" "$@" >out 2>err </dev/null
    code=$?
    case $code in
    0 | 1 | 3 | 4 | 5 | 130) ;;
    *) fail "$kind call $k: exit code $code: $(head -n 3 err)" ;;
    esac
    if [ "$code" != 0 ] && [ "$(grep -c '^googlenet: ' err)" = 0 ]; then
        fail "$kind call $k: exit code $code without a sentence"
    fi
    if [ "$kind" = memory ] && [ "$code" != 0 ] && [ "$code" != 5 ]; then
        fail "memory $k: exit code $code, not 5: $(head -n 3 err)"
    fi
}

# recovers FOLDER WHAT: afterwards the run can be begun or resumed, and ends with the right bits.
recovers()
{
    if [ -e "$1/checkpoint.safetensors" ] || [ -e "$1/checkpoint.previous.safetensors" ]; then
        run train --resume "$1" --epochs 2 --threads 1
    else
        run "${train[@]}" --epochs 2 --out "$1"
    fi
    [ "$code" = 0 ] || fail "$2: cannot go on: exit code $code: $(head -n 3 err)"
    # The best epoch may be another one: what could not be saved cannot be the best.
    for file in model ema; do
        cmp -s "$1/$file.safetensors" "reference/$file.safetensors" ||
            fail "$2: $file.safetensors has other bits than an undisturbed run's"
    done
    # Histories have no gap, whichever record failed.
    cmp -s "$1/history.csv" reference/history.csv || fail "$2: history.csv differs"
    [ "$(grep -c '^{"epoch":' "$1/history.jsonl")" = 2 ] ||
        fail "$2: history.jsonl: $(cat "$1/history.jsonl")"
}

# whole FOLDER WHAT: every model file that is there can be read.
whole()
{
    for file in model best checkpoint ema; do
        [ -e "$1/$file.safetensors" ] || continue
        run summary "$1/$file.safetensors"
        [ "$code" = 0 ] || fail "$2: $file.safetensors is damaged: $(head -n 2 err)"
    done
}

# chosen N: numbers from 1 to N, at most $most of them.
chosen()
{
    local n=$1 wanted=$most i
    if [ "$wanted" = 0 ] || [ "$n" -le "$wanted" ]; then
        seq 1 "$n"
    else
        for i in $(seq 0 $((wanted - 1))); do
            echo $((1 + i * (n - 1) / (wanted - 1)))
        done
    fi
}

for kind in ${GN_FAULT_KINDS:-open read write sync rename mkdir unlink truncate stat folder stdio close memory}; do
    errno=5 # EIO
    case $kind in write | sync | mkdir) errno=28 ;; esac # ENOSPC
    rm -rf start && disturbed $kind 0 "${train[@]}" --epochs 2 --out start
    begin=$(cat count)
    rm -rf again && cp -r begun again && disturbed $kind 0 train --resume again --epochs 2 --threads 1
    again=$(cat count)
    echo "$kind: $begin calls in a new run, $again in a resumed one"
    for k in $(chosen "$begin"); do
        rm -rf start && disturbed $kind "$k" "${train[@]}" --epochs 2 --out start
        whole start "$kind call $k of a new run"
        recovers start "$kind call $k of a new run"
    done
    for k in $(chosen "$again"); do
        rm -rf again && cp -r begun again
        disturbed $kind "$k" train --resume again --epochs 2 --threads 1
        whole again "$kind call $k of a resumed run"
        recovers again "$kind call $k of a resumed run"
    done
done

# Without memory an answer is the whole answer, or there is none and the code is 5.
case " ${GN_FAULT_KINDS:-memory} " in *' memory '*) ;; *) finish ;; esac
errno=12
for command in 'summary reference/model.safetensors --json' \
    'predict reference/model.safetensors set/t10k-images-idx3-ubyte --limit 2 --json'; do
    # shellcheck disable=SC2086 # words
    disturbed memory 0 $command
    calls=$(cat count)
    cp out answer
    echo "memory: $calls calls in $command"
    for k in $(chosen "$calls"); do
        # shellcheck disable=SC2086
        disturbed memory "$k" $command
        [ "$code" != 0 ] || cmp -s out answer || fail "memory call $k of $command: another answer"
    done
done
finish
