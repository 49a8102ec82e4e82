#!/bin/sh
# labels: push
# timeout: 400
#
# Sixty links that lead to each other make a million paths: the walk ends with a sentence, soon. A picture
# without a suffix is one; the check of a set with a picture under two labels ends with 1.
set -eu

fail() {
    echo "$*" >&2
    exit 1
}

# picture FILE VALUE
picture() { printf 'P2 2 2 9\n1 2 3 %d\n' "$2" >"$1"; }

mkdir -p links/a links/b
picture links/a/1.pgm 1
picture links/b/2.pgm 2
for level in 1 2 3 4 5 6; do
    mkdir "level$level"
    for i in 0 1 2 3 4 5 6 7 8 9; do
        ln -s "../level$((level + 1))" "level$level/$i"
    done
done
mkdir level7
ln -s ../../level1 links/b/more
code=0
"$GOOGLENET" data check links >out 2>err || code=$?
[ "$code" -eq 3 ] || fail "links: exit code $code"
grep -q 'links: data set: more than [0-9]* folders or [0-9]* files below it' err || fail "$(cat err)"

mkdir -p set/a set/b
for i in 1 2 3; do
    picture "set/a/$i" "$i" # recognised by its first bytes
    picture "set/b/$i.pgm" $((i + 3))
done
echo 'a note' >set/a/note
"$GOOGLENET" data check set --json >out || fail "a sound set: exit code $?"
grep -q '"label": *"a", *"train": *3' out || fail "pictures without a suffix: $(cat out)"
picture set/b/7.pgm 1
code=0
"$GOOGLENET" data check set >out 2>err || code=$?
[ "$code" -eq 1 ] || fail "a picture under two labels: exit code $code"
grep -q '1 under two labels' err || fail "$(cat err)"
