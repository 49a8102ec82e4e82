#!/usr/bin/env bash
# cluster-model.sh [MODEL]: what a step of several machines like this one should take, from measurements of this one alone:
# a table of efficiencies (images a second of R machines over R times those of one) for 128 and for 32 images a machine.
#
#   bench/cluster-model.sh [MODEL=googlenet]
#   bench/cluster-model.sh --check RATE [PAIRS=15] [MODEL=googlenet]
#
# With --check it is compared with what it should tell: steps of two processes in two network namespaces, without a limit and at
# RATE ("1gbit"), alternately (tools/cluster-net.sh, as root). Needs an idle machine.
#
# The model. The gradient of n bytes goes in eight parts, in the order in which the backward pass finishes them; part k is final
# d_k before its end. Each machine sends and receives 2 n_k (R - 1) / R bytes of it in 2 (R - 1) messages, one part after the
# other:  end_k = max(end_(k-1), -d_k) + 2 n_k (R - 1) / R / rate + 2 (R - 1) o + 2 l,
# and a step takes what it takes alone plus what is left at the end, max(0, end_8). o: seconds a message, l: latency. It leaves out
# machines that are late, switches that are shared, and the files.
set -eu
cd "$(dirname "$0")/.."
program=${GOOGLENET:-$PWD/build/googlenet}

# numbers JSON KEY: of the first such key, an array's separated by spaces.
numbers() {
    sed -n "s/.*\"$2\": *\[*\([-0-9., ]*\).*/\1/p" "$1" | head -1 | tr -d ','
}

median() {
    tr ' ' '\n' | grep . | sort -n | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

# What awk knows of the model: left(R, n, rate, o, l, scale) is max(0, end_8) in ms; d[0..7] in ms.
model='
function left(R, n, rate, o, l, scale,   k, end, ready) {
    end = -1e9
    for (k = 0; k < 8; k++) {
        ready = -d[k + 1] * scale
        end = (end > ready ? end : ready) + 1e3 * (2 * n / 8 * (R - 1) / R / rate + 2 * (R - 1) * o + 2 * l)
    }
    return end > 0 ? end : 0
}'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
runs=5

# of NAME KEY: that of all runs NAME.
of() {
    for i in $(seq "$runs"); do numbers "$work/$1.$i" "$2"; done
}

# final NAME: d_1 to d_8.
final() {
    for k in 1 2 3 4 5 6 7 8; do of "$1" ms_final | cut -d' ' -f$k | median; done | tr '\n' ' '
}

# alone NAME: a step without waiting for others.
alone() {
    for i in $(seq "$runs"); do
        echo "$(numbers "$work/$1.$i" ms_step) $(numbers "$work/$1.$i" ms_waiting)" | awk '{ print $1 - $2 }'
    done | median
}

if [ "${1:-}" = --check ]; then
    rate=${2:?RATE}
    runs=${3:-15}
    net=${4:-googlenet}
    for i in $(seq "$runs"); do
        for link in full "$rate"; do
            tools/cluster-net.sh "$link" bench "$net" --train --team --batch 64 --threads 1 --rounds 3 --json \
                2>/dev/null >"$work/$link.$i"
        done
    done
    d=$(final full)
    for i in $(seq "$runs"); do
        echo "$(numbers "$work/full.$i" ms_step) $(numbers "$work/full.$i" ms_waiting) $(numbers "$work/full.$i" bytes)" \
            "$(numbers "$work/$rate.$i" ms_step) $(numbers "$work/$rate.$i" ms_waiting)"
    done | awk -v final="$d" -v rate="$rate" "$model"'
        BEGIN { split(final, d, " ") }
        { wait = left(2, $3 / 2, 117e6 * (rate + 0) / (rate ~ /gbit/ ? 1 : 1000), 20e-6, 50e-6, 1)
          print $1 - $2, $1 - $2 + wait, $4, $4 / ($1 - $2 + wait), wait, $5 }' >"$work/pairs"
    column() { cut -d' ' -f"$1" "$work/pairs" | median; }
    printf '2 machines, medians of %d pairs: a step without the exchange %.0f ms; at %s predicted %.0f ms, measured %.0f ms, ' \
        "$runs" "$(column 1)" "$rate" "$(column 2)" "$(column 3)"
    printf 'of a pair %.2f times; waiting predicted %.0f ms, measured %.0f ms\n' "$(column 4)" "$(column 5)" "$(column 6)"
    exit
fi

net=${1:-googlenet}
for i in $(seq "$runs"); do
    for batch in 128 32; do
        "$program" bench "$net" --train --batch $batch --rounds 3 --json -q 2>/dev/null >"$work/$batch.$i"
    done
    "$program" bench "$net" --train --team --processes 2 --threads 1 --batch 64 --rounds 3 --json -q 2>/dev/null \
        >"$work/team.$i"
done
echo "$(of 128 ms_median | median) $(of 32 ms_median | median) $(alone team) $(of team bytes | median)" |
    awk -v final="$(final team)" -v net="$net" "$model"'
    { split(final, d, " ")
      n = $4 / 2; scale = $2 / $3
      printf "%s: a step of 128 images %.0f ms, of 32 %.0f ms; a gradient of %.1f MB\n\n", net, $1, $2, n / 1e6
      print "| machines | 1 Gb/s, 128 each | 32 each | 10 Gb/s, 128 | 32 | 100 Gb/s, 128 | 32 |"
      print "| --- | --- | --- | --- | --- | --- | --- |"
      split("117e6 1.17e9 11.5e9", rate, " "); split("20e-6 10e-6 1.5e-6", o, " "); split("50e-6 20e-6 2e-6", l, " ")
      for (R = 2; R <= 1024; R *= 2) {
          printf "| %d |", R
          for (i = 1; i <= 3; i++)
              for (j = 1; j <= 2; j++)
                  printf " %.2f |", $j / ($j + left(R, n, rate[i] + 0, o[i] + 0, l[i] + 0, scale))
          print ""
      } }'
