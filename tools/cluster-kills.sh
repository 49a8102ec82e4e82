#!/bin/bash
# cluster-kills.sh [FAILURES] [MPIRUN]: lets processes of a training fail so often (200), at random, and goes on after each
# failure with another number of processes (1 to 4; with MPIRUN, such as mpirun.openmpi, 1 and 2 by that launcher):
#
#   KILL, TERM or STOP (with --rank-timeout 1s) for a random process, among them rank 0
#
# STOP comes after the first step of a run: until then processes wait longer, for others may be reading pictures.
# Every run must end by itself within a minute, every checkpoint must be whole, and each training that comes to its end must have
# the bytes of one that nobody disturbed. SEED=N repeats a series. Prints one line of counts.
set -u
cd "$(dirname "$0")/.." || exit 1
program=${GOOGLENET:-$PWD/build/googlenet}
failures=${1:-200}
launcher=${2:-}
RANDOM=${SEED:-1}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
data=${DATA:-fashion-mnist}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
small="--data $data --limit-train 240 --limit-val 30 --model googlenet-small --size 16 --batch 24 --grain 3 --epochs 12
    --momentum 0.9 --threads 1 --checkpoint-steps 1 --quiet"

die() {
    echo "cluster-kills.sh: $* (SEED=${SEED:-1})" >&2
    cat "$work/err" >&2
    exit 1
}

# shellcheck disable=SC2086 # several words, here and below
"$program" train $small --out "$work/whole" >/dev/null 2>"$work/err" || die "the undisturbed training failed"
done=0
whole=0
declare -A count=([KILL]=0 [TERM]=0 [STOP]=0)
while [ "$done" -lt "$failures" ]; do
    n=$((RANDOM % 4 + 1))
    start=("$program")
    ranks="--processes $n"
    if [ -n "$launcher" ]; then
        n=$((RANDOM % 2 + 1))
        start=("$launcher" -n "$n" "$program")
        ranks=
    fi
    touch "$work/start"
    timeout -k 5 60 "${start[@]}" train --resume "$work/run" --or-start $small $ranks --rank-timeout 1s \
        >/dev/null 2>"$work/err" &
    run=$!
    sleep "$((RANDOM % 2)).$((RANDOM % 10))5"
    mapfile -t ranks < <(pgrep -f -- "^$program train --resume $work/run")
    began=0
    [ ! "$work/run/checkpoint.safetensors" -nt "$work/start" ] || began=1
    if [ "${#ranks[@]}" -gt 0 ]; then
        signals=(KILL KILL TERM STOP)
        signal=${signals[RANDOM % 4]}
        [ "${#ranks[@]}" -gt 1 ] && [ $began = 1 ] || [ "$signal" != STOP ] || signal=KILL # one alone just waits
        # Who was started by the shell and is stopped cannot end; the others do.
        if [ -z "$launcher" ] && [ "$signal" = STOP ]; then
            mapfile -t ranks < <(pgrep -f -- "^$program train --resume $work/run" | grep -vx "$(pgrep -P $run)")
        fi
        [ "${#ranks[@]}" -gt 0 ] && kill -"$signal" "${ranks[RANDOM % ${#ranks[@]}]}" 2>/dev/null && done=$((done + 1)) &&
            count[$signal]=$((count[$signal] + 1))
    fi
    { wait $run; } 2>/dev/null # without the shell's words on what was killed
    code=$?
    [ $code -ne 124 ] || die "a run of $n processes hung after $signal"
    pkill -KILL -f -- "^$program train --resume $work/run" # who is stopped stays
    for file in "$work"/run/checkpoint.safetensors "$work"/run/checkpoint.previous.safetensors; do
        [ ! -e "$file" ] || "$program" verify "$file" >/dev/null 2>"$work/err" || die "$file is damaged after $signal"
    done
    if [ $code -eq 0 ]; then
        for file in model best checkpoint; do
            cmp -s "$work/whole/$file.safetensors" "$work/run/$file.safetensors" || die "$file has other bytes"
        done
        whole=$((whole + 1))
        rm -rf "$work/run"
    fi
done
echo "$done failures (${count[KILL]} killed, ${count[TERM]} asked to end, ${count[STOP]} stopped): nothing hung, nothing lost," \
    "$whole trainings ended with the bytes of an undisturbed one"
