#!/bin/bash
# A process that is killed at a call of the system, while a run begins or replaces an earlier one,
# leaves a folder that can be begun without --overwrite or resumed, and ends with the right bits.
#
# GN_FAULTS=N: at most N calls of each kind, evenly spread (default 8; 0: all).
# labels: push no-sanitize
# timeout: 600
. "$GN_SOURCE_DIR/tests/cli/cases.sh"
most=${GN_FAULTS:-8}
shim=$GN_BUILD_DIR/tests/libfault.so
if [ ! -e "$shim" ]; then
    echo "skipped: no $shim (it needs glibc)"
    exit 77
fi
data set 16 8 3
printf 'input 12 1\nnorm keras\nconv conv 4 3 2\nmean\noutput\n' >tiny.net
train=(train --data set --model tiny.net --size 12 --batch 8 --threads 1 --seed 1)
run "${train[@]}" --epochs 1 --out reference
[ "$code" = 0 ] || fail "reference: exit code $code: $(cat err)"
run "${train[@]}" --epochs 2 --lr 0.5 --ema 0.5 --out earlier
[ "$code" = 0 ] || fail "earlier: exit code $code: $(cat err)"

# killed KIND K ARGS...: the program is killed at its K-th call of that kind.
killed()
{
    local kind=$1 k=$2
    shift 2
    GN_FAULT="$kind:$k:kill" GN_FAULT_COUNT=count LD_PRELOAD="$shim" "$GOOGLENET" "$@" \
        >out 2>err </dev/null
}

# recovers FOLDER WHAT: begun without --overwrite, or resumed.
recovers()
{
    if [ -e "$1/checkpoint.safetensors" ] || [ -e "$1/checkpoint.previous.safetensors" ]; then
        run train --resume "$1" --threads 1
    else
        run "${train[@]}" --epochs 1 --out "$1"
    fi
    [ "$code" = 0 ] || fail "$2: neither begun nor resumed: exit code $code: $(head -n 3 err)"
    # The earlier run was finished, and its files were being removed: nothing is left to do.
    if [ "$mode" = overwrite ] && [ ! -e "$1/model.safetensors" ]; then return; fi
    cmp -s "$1/model.safetensors" reference/model.safetensors ||
        cmp -s "$1/model.safetensors" earlier/model.safetensors ||
        fail "$2: other bits than an undisturbed run's"
}

for mode in new overwrite; do
    for kind in open write sync rename unlink; do
        for k in 0 $(seq 1 "$most"); do
            rm -rf run
            extra=
            [ "$mode" = overwrite ] && cp -r earlier run && extra=--overwrite
            if [ "$k" = 0 ]; then # count the calls
                killed $kind 0 "${train[@]}" --epochs 1 --out run $extra
                calls=$(cat count)
                echo "$mode, $kind: $calls calls"
                [ "$calls" -gt 0 ] || [ "$mode $kind" = 'new unlink' ] ||
                    fail "$mode: no $kind call was seen, so nothing is tried"
                continue
            fi
            [ "$k" -le "$calls" ] || break
            at=$k
            [ "$calls" -gt "$most" ] && at=$((1 + (k - 1) * (calls - 1) / (most - 1)))
            killed $kind $at "${train[@]}" --epochs 1 --out run $extra 2>/dev/null
            recovers run "$mode, killed at $kind call $at"
        done
    done
done
finish
