#!/bin/bash
# What a run will do is the same before it, in its files and after a resume: --dry-run --json tells
# every option that config.json keeps, and an input that is not square stays so.
# labels: quick
. "$GN_SOURCE_DIR/tests/cli/cases.sh"
data set 16 6 2
printf 'input 12 1\nconv conv 4 3 2\nmean\noutput\n' >tiny.net
train=(train --data set --model tiny.net --size 12 --width 16 --batch 8 --threads 1)
more=(--lr 0.25 --seed 18446744073709551615 --max-time 1.5h --plateau 0.5:3 --nesterov --momentum 0.9)

# ---- A dry run names all options ----
keys_of_plan() { grep -o '"options": {[^{}]*}' "$1" | sed 's/^"options": //' | grep -o '"[a-z-]*":' | sort; }
keys_of_run() { sed -n '/^  "options"/,/^  }/p' "$1" | grep -o '^    "[a-z-]*":' | tr -d ' ' | sort; }
expect 0 '"lr": 0\.25, ' "${train[@]}" "${more[@]}" --out run --dry-run --json
for part in '"input": \[12, 16, 1\]' '"resize": "tf1-legacy"' '"samples": 16' '"test_samples": 6' \
    '"steps_per_epoch": 2' '"out": "run"' '"seed": "18446744073709551615"' '"max-time": 5400' \
    '"plateau": "0\.5:3"' '"nesterov": true' '"size": 12, "width": 16' '"augment": null'; do
    holds out "$part"
done
[ ! -e run ] || fail 'a dry run made its folder'
cp out plan
expect 0 'after epoch 1' "${train[@]}" "${more[@]}" --epochs 1 --out run
keys_of_plan plan >a
keys_of_run run/config.json >b
[ -s a ] || fail 'a dry run names no options'
diff a b || fail 'other options before a run than in its config.json'

# ---- Height and width, also of a network that the library was given ----
holds run/config.json '"size": 12,'
holds run/config.json '"width": 16,'
expect 0 'after epoch 2' train --resume run --epochs 2 --threads 1
holds err '12x16x1'
expect 0 'input 12x16x1' summary run/model.safetensors
holds run/config.json '"width": 16,'

# ---- The library chooses the rule, the program says it ----
mkdir -p pictures/a pictures/b
for i in 1 2 3 4; do
    { printf 'P5 28 28 255\n' && tail -c $((i * 784)) set/train-images-idx3-ubyte | head -c 784; } >"pictures/a/$i.pgm"
    cp "pictures/a/$i.pgm" "pictures/b/$i.pgm"
done
pictures=(train --data pictures --model tiny.net --channels 1 --size 12 --batch 4 --epochs 1 --threads 1)
expect 0 '"resize": "pil-bilinear"' "${pictures[@]}" --dry-run --json
expect 0 'resize pil-bilinear' "${pictures[@]}" --out p
holds err 'resize pil-bilinear'
holds p/config.json '"resize": "pil-bilinear"'
holds p/config.json '"width": 12,'
expect 0 'resize pil-bilinear' train --resume p --epochs 2 --threads 1
expect 0 'resize half-pixel' "${pictures[@]}" --resize half-pixel --out h
holds h/config.json '"resize": "half-pixel"'
finish
