#!/bin/sh
# Two machines, which are network namespaces, with a link that is slow, loses packets, or is cut: the same bytes, or one
# sentence in time.
# labels: push no-sanitize
# timeout: 300
. "$GN_SOURCE_DIR/tests/cli/cases.sh"

net="$GN_SOURCE_DIR/tools/cluster-net.sh"
data set 100 30 10
small="--data $PWD/set --size 16 --batch 24 --grain 3 --epochs 2 --threads 1 --model googlenet-small --momentum 0.9"

# shellcheck disable=SC2086 # several words, here and below
expect 0 '' train $small --out one

# ends_as_one NAME RATE: a training over that link has the files of one process.
ends_as_one()
{
    # shellcheck disable=SC2086
    timeout 120 "$net" "$2" train $small --out "$PWD/$1" >out 2>err
    code=$?
    [ $code != 77 ] || {
        tail -n 1 err
        exit 77
    }
    [ $code = 0 ] || fail "$1: exit code $code: $(tail -n 5 err)"
    for file in model best checkpoint; do
        cmp "one/$file.safetensors" "$1/$file.safetensors" || fail "$1: $file has other bytes"
    done
    rm -rf "$1"
}

ends_as_one fast full
ends_as_one slow 50mbit
export DELAY=2 LOSS=2
ends_as_one lossy full
unset LOSS

# A link that is cut: the processes end by themselves. Open MPI's own mpirun goes on waiting for its daemon, so the test ends it.
# shellcheck disable=SC2086
DELAY=1 CUT="$PWD/cut/best.safetensors" timeout 90 "$net" full train $small --epochs 100000 --rank-timeout 3s --out "$PWD/cut" >out 2>err &
run=$!
tries=0
until grep -Eq '^googlenet: .*rank [01] \([ab]\) has not answered for [0-9.]+ s in step [0-9]+' err || [ $tries = 80 ]; do
    sleep 1
    tries=$((tries + 1))
done
kill $run 2>/dev/null
wait $run
[ $tries -lt 80 ] || fail "no sentence about the cut link: $(cat err)"
finish
