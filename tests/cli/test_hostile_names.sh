#!/bin/sh
# Names of files, folders, classes, layers and data sets that hold an escape, a newline, C1 controls, marks
# of direction or bytes that are not UTF-8: whatever is printed, on stdout and stderr, as text and as
# JSON, steers no terminal and forges no line; where such a name would be stored, it is refused.
# labels: push
# timeout: 300
. "$GN_SOURCE_DIR/tests/cli/cases.sh"

forged=FORGED
esc=$(printf '\033') del=$(printf '\177') c1=$(printf '\302\233') rlo=$(printf '\342\200\256')
evil=$(printf 'e%s[31m\n%s%s%s%sv\377' "$esc" "$forged" "$c1" "$rlo" "$del")
# The same without what no JSON text can hold.
odd=$(printf 'e%s[31m\n%s%s%s%sv' "$esc" "$forged" "$c1" "$rlo" "$del")

# clean WHAT: no stream of the last call has such bytes, or a line that begins in a name.
clean()
{
    for stream in out err; do
        for bad in "$esc" "$del" "$(printf '\302[\200-\237]')" "$rlo" "$(printf '\377')" "^$forged" \
            "$(printf '[\001-\010\013-\037]')"; do
            if LC_ALL=C grep -aq -e "$bad" $stream; then
                fail "$1: $stream holds $(printf '%s' "$bad" | od -c | head -1): $(od -c $stream | head -20)"
            fi
        done
    done
}

# quietly CODE ARGS...: the call ends with CODE, or any with "-", and its streams are clean.
quietly()
{
    wanted=$1
    shift
    run "$@"
    [ "$wanted" = - ] || [ "$code" = "$wanted" ] ||
        fail "googlenet $1: exit code $code, expected $wanted: $(head -n 3 err)"
    clean "$*"
}

# picture FILE VALUE
picture() { printf 'P2 4 4 9\n1 2 3 %d 4 5 6 7 8 1 2 3 4 5 6 %d\n' "$2" "$2" >"$1"; }

# ---- Pictures and folders: the names stay the user's ----
for split in train val; do
    for class in a b; do
        mkdir -p "$evil/$split/$class"
        for i in 1 2 3 4; do
            picture "$evil/$split/$class/$odd-$i.pgm" "$i"
        done
    done
done
small='--size 16 --batch 4 --epochs 1 --model googlenet-small'
quietly - data check "$evil" # the same pictures in both splits
holds out 'is for validation and equals'
quietly - data check "$evil" --json
holds out '\\u001B.*FORGED.*\\u009b\\u202e\\u007f'
quietly 0 data preview "$evil" --out "$evil.png"
quietly 0 data preview "$evil" --out "$odd.png" --json
quietly 2 data check --data-dir "$evil"
quietly 3 data check "$evil-missing"
quietly 2 data "$evil"
GOOGLENET_DATA=$PWD/$evil quietly 0 data list
GOOGLENET_DATA=$PWD/$evil quietly 0 data list --json
GOOGLENET_DATA=$PWD/$evil quietly 0 info
mkdir -p "sets/$evil/mnist"
data "sets/$evil/mnist" 4 4 2
GOOGLENET_DATA=$PWD/sets/$evil quietly 0 data list
GOOGLENET_DATA=$PWD/sets/$evil quietly 0 info
GOOGLENET_DATA=$PWD/sets/$evil quietly - data get mnist --offline
# shellcheck disable=SC2086 # several words, here and below
quietly 0 train --data "$evil" $small --out "$evil-run"
quietly 0 train --data "$evil" $small --out "$evil-run-2" -q
quietly 0 train --data "$evil" $small --out "$odd-run" --json
quietly 5 train --data "$evil" $small --out "$evil-run"
quietly 0 train --data "$evil" $small --out "$evil-run-3" --dry-run
model="$evil-run/model.safetensors"
quietly 0 eval "$model" --data "$evil" --split test
quietly 0 eval "$model" --data "$evil" --split test --json
for file in "$evil/train/a" "$evil/train/a/$odd-1.pgm"; do
    quietly 0 predict "$model" "$file"
    quietly 0 predict "$model" "$file" --json
done
holds out '"file": ".*\\u001B\[31m\\nFORGED\\u009b\\u202e\\u007fv'
printf 'no picture' >"$evil/train/a/$odd-5.pgm"
quietly 3 predict "$model" "$evil/train/a"
quietly 3 predict "$model" "$evil/train/a" --on-bad-image skip
quietly 3 data check "$evil"
quietly - train --data "$evil" $small --out "$evil-run-4" --on-bad-image skip
quietly 4 predict "$evil.safetensors" "$evil"
quietly 4 summary "$evil"
quietly 2 "$evil"
quietly 2 "--$evil"
quietly 2 train --optimizer "$evil" --data x
quietly 3 train --resume "$evil-nowhere"
quietly 2 train --data x --augment "$evil"
rm "$evil/train/a/$odd-5.pgm"
quietly - lr-find --data "$evil" --model googlenet-small --size 16 --batch 4 --steps 3 --out "$evil-lr"

# ---- Networks: their file may be called anything, their layers may not ----
printf 'input 8 1\nclasses 2\nconv c 4 3 2\nmean\noutput\n' >"$evil.net"
quietly 0 summary "$evil.net"
quietly 0 summary "$evil.net" --walk
quietly 0 summary "$evil.net" --json
quietly 0 bench --model "$evil.net" --layers --batch 2 --rounds 1
quietly 0 bench --model "$evil.net" --layers --batch 2 --rounds 1 --json
quietly 0 bench --model "$evil.net" --scaling --batch 2 --rounds 1
quietly 0 train --data "$evil" --model "$evil.net" --batch 4 --epochs 1 --out "$evil-net"
quietly 0 summary "$evil-net/model.safetensors"
quietly 0 eval "$evil-net/model.safetensors" --data "$evil" --split test
# A long name of characters of two bytes, cut off in one of them, could not be saved.
long=$(printf 'x\303\274%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25)
cp "$evil.net" "$long.net"
quietly 0 train --data "$evil" --model "$long.net" --batch 4 --epochs 1 --out long-run
for bad in "$(printf 'c\013')" "$(printf 'c\033')" "$(printf 'c\302\205')" "$(printf 'c\342\200\250')" \
    "$(printf 'c\177')" "$(printf 'c\200')"; do
    printf 'input 8 1\nclasses 2\nconv %s 4 3 2\nmean\noutput\n' "$bad" >layer.net
    quietly 2 summary layer.net
    holds err 'layer.net:3: .*name is UTF-8 without control characters'
    printf 'input 8 1\nclasses 2\nstage %s\nconv c 4 3 2\nmean\noutput\n' "$bad" >stage.net
    quietly 2 summary stage.net
done

# ---- Classes: their names go into the model, so they are refused before any training ----
for bad in "$odd" "$(printf 'cl\377ss')" "$(printf 'cl\302\233ss')" "$(printf 'cl\nss')"; do
    rm -rf classes refused
    mkdir -p "classes/$bad" classes/good
    for i in 1 2 3 4 5 6 7 8 9 10; do
        picture "classes/$bad/$i.pgm" "$i"
        picture "classes/good/$i.pgm" $((i + 20))
    done
    quietly 3 data check classes
    quietly 3 data preview classes
    # shellcheck disable=SC2086
    quietly 3 train --data classes $small --out refused
    holds err '^googlenet: classes: data set: the class .* has a name that is not UTF-8'
    [ -e refused ] && fail 'a run was begun with a name that no model can hold'
done
printf 'a.pgm good\na.pgm b\303\250d\302\233\n' >list.txt
picture a.pgm 1
# shellcheck disable=SC2086
quietly 3 train --data list.txt $small --out refused
holds err 'data set: the class .* has a name that is not UTF-8'

finish
