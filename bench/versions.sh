#!/usr/bin/env bash
# Compares the speed of two builds of the program: every measurement alternately, PAIRS times, each pair in
# the other order than the one before, so that neither program gains by a drift of the machine. Printed are
# the medians, their ratio, the ratio of the least times (what is left when other machines on the host
# disturb both), and the least and largest ratio of a pair, all old over new: above 1 the new version is
# faster. Needs an idle machine.
#
#   bench/versions.sh OLD_PROGRAM NEW_PROGRAM [PAIRS=8] [PATTERN]
#
# PATTERN chooses measurements by name, as grep does (for example 'train' or 'b1 ').
set -eu
old=$1
new=$2
pairs=${3:-8}
pattern=${4:-.}

# Name, then the flags of `googlenet bench`. The number of rounds is fixed, so that every run of a pair
# does the same work.
measurements() {
    cat <<LIST
train 96 b128 |--train --size 96 --batch 128 --rounds 3
train 224 b32 |--train --size 224 --batch 32 --rounds 2
train small 28 b64 |googlenet-small --train --size 28 --batch 64 --rounds 40
forward 96 b128 |--size 96 --batch 128 --rounds 5
forward 224 b32 |--size 224 --batch 32 --rounds 4
forward 96 b1 |--size 96 --batch 1 --rounds 150
forward 224 b1 |--size 224 --batch 1 --rounds 40
LIST
}

# Median and least time of one run.
one() {
    # shellcheck disable=SC2086 # the flags are words
    "$1" bench $2 --json -q 2>/dev/null |
        sed -n 's/.*"ms_median": *\([0-9.]*\).*"ms_min": *\([0-9.]*\).*/\1 \2/p' | head -1
}

median() {
    sort -n | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

printf '%-20s %10s %10s %8s %12s %16s\n' "$pairs pairs" "old, ms" "new, ms" "old/new" "of the least" "of pairs"
measurements | grep -e "$pattern" | while IFS='|' read -r name flags; do
    times=$(for i in $(seq "$pairs"); do
        if [ $((i % 2)) = 1 ]; then
            a=$(one "$old" "$flags")
            b=$(one "$new" "$flags")
        else
            b=$(one "$new" "$flags")
            a=$(one "$old" "$flags")
        fi
        echo "$a $b"
    done)
    a=$(echo "$times" | cut -d' ' -f1 | median)
    b=$(echo "$times" | cut -d' ' -f3 | median)
    least=$(echo "$times" | awk 'NR == 1 { a = $2; b = $4 } { if ($2 < a) a = $2; if ($4 < b) b = $4 }
        END { printf "%.3f", a / b }')
    range=$(echo "$times" | awk '{ printf "%.3f\n", $1 / $3 }' | sort -n | sed -n '1p;$p' | paste -sd' ')
    awk -v n="$name" -v a="$a" -v b="$b" -v l="$least" -v r="$range" \
        'BEGIN { printf "%-20s %10.2f %10.2f %8.3f %12s %16s\n", n, a, b, a / b, l, r }'
done
