#!/bin/sh
# From process start to the end of the first training step (96x96, batch 128), N times: when
# `googlenet train` reports its first step, how long the steps after it take (the mean of two), and
# the difference, which is what the start costs. Milliseconds, the last line has medians.
# Usage: bench/start.sh [N [PROGRAM [DATA]]]
set -eu

starts=${1:-5} program=${2:-build/googlenet} data=${3:-fashion-mnist}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkfifo "$folder/log"

echo "first step at, a step, start"
i=0
while [ "$i" -lt "$starts" ]; do
    begin=$(date +%s%N)
    "$program" train --data "$data" --out "$folder/run" --max-steps 3 --limit-val 1 --verbose \
        2>"$folder/log" >/dev/null &
    while read -r word _ step _; do
        [ "$word" = epoch ] && case $step in step) date +%s%N ;; esac
    done <"$folder/log" >"$folder/times" || true
    wait $!
    rm -rf "$folder/run"
    tr '\n' ' ' <"$folder/times" | awk -v begin="$begin" '{
        first = ($1 - begin) / 1e6; step = ($3 - $1) / 2e6
        printf "%.0f %.0f %.0f\n", first, step, first - step }'
    i=$((i + 1))
done | tee "$folder/all"
for column in 1 2 3; do
    cut -d ' ' -f $column "$folder/all" | sort -n | sed -n "$((starts / 2 + 1))p"
done | xargs echo median
