#!/bin/sh
# Splits of folders of pictures: what each is for, by whatever name; a test set of its own is measured
# once and chooses nothing; folders that could be meant in two ways, flat folders, files that are no
# pictures.
# labels: push
# timeout: 300
. "$GN_SOURCE_DIR/tests/cli/cases.sh"
small='--model googlenet-small --size 28 --batch 8 --threads 1 --lr 0.02'

# pictures FOLDER SEED N: N small PPMs.
pictures()
{
    mkdir -p "$1"
    i=0
    while [ "$i" -lt "$3" ]; do
        {
            printf 'P6\n8 8\n255\n'
            awk -v s=$(($2 + i)) 'BEGIN { for (i = 0; i < 192; i++) printf "%c", 33 + (s * 31 + i * (s % 9 + 2)) % 90 }' \
                </dev/null
        } >"$1/$2-$i.ppm"
        i=$((i + 1))
    done
}

# ---- train, val and test ----
pictures set/Training/a 10 8
pictures set/Training/b 110 8
pictures set/VALID/a 210 4
pictures set/VALID/b 310 4
pictures set/Test/a 410 3
pictures set/Test/b 510 4
# shellcheck disable=SC2086 # several words, here and below
expect 0 '^validation accuracy [0-9.]+ after epoch 3, best [0-9.]+ in epoch [1-3]; test accuracy [0-9.]+; took' \
    train --data set $small --epochs 3 --out run
holds err '^data +set: 16 training, 8 validation and 7 test colour pictures, 2 classes'
holds err '^splits +VALID/ chooses the best epoch, Test/ is measured once, at the end$'
holds err '^test +7 samples, measured once with the model of epoch [1-3]: loss [0-9.]+, accuracy [0-9.]+$'
accuracy=$(sed 's/.*test accuracy \([0-9.]*\);.*/\1/' out)
expect 0 "^accuracy +$accuracy " eval run/best.safetensors --data set --split test
expect 0 '"samples": 8' eval run/best.safetensors --data set --split val --json
holds run/test.json '"samples": 7,'
cp run/test.json first.json
# It chooses nothing: with other test pictures the same bits.
cp -r set other
rm -r other/Test
pictures other/Test/a 710 2
pictures other/Test/b 810 2
expect 0 '"test": \{"samples": 4, "loss": [0-9.]+, "accuracy": [0-9.]+\}' \
    train --data other $small --epochs 3 --out again --json
for file in model best; do same "run/$file.safetensors" "again/$file.safetensors"; done
# A finished run that is resumed has it still, and one that goes on has a new one.
rm run/test.json
expect 0 "test accuracy $accuracy;" train --resume run
same run/test.json first.json
expect 0 'after epoch 4, .*; test accuracy' train --resume run --epochs 4
expect 0 '' train --data set/Training $small --epochs 1 --out run --overwrite
[ -e run/test.json ] && fail '--overwrite left test.json'
expect 0 '^training loss' train --data set $small --epochs 1 --limit-val 0 --out blind
[ -e blind/test.json ] && fail 'tested without validation'
# The check looks at all three.
cp set/Training/a/10-0.ppm set/VALID/a/copy.ppm
cp set/VALID/b/310-0.ppm set/Test/b/copy.ppm
expect 1 'set: 2 pictures are in two splits' data check set
holds out 'leak .*set/VALID/a/copy.ppm is for validation and equals set/Training/a/10-0.ppm, which is for training'
holds out 'leak .*set/Test/b/copy.ppm is for testing and equals set/VALID/b/310-0.ppm, which is for validation'
holds out '^class  a +8 training, +5 validation, +3 test$'

# ---- What could be meant in two ways ----
pictures mixed/train/a 10 2
pictures mixed/train/b 20 2
pictures mixed/cats 30 2
expect 3 'mixed: data set: holds train/, which looks like a split, next to cats/, which looks like a class' \
    train --data mixed $small --dry-run
mkdir -p mixed/val
cp -r mixed/train/* mixed/val
expect 3 'next to cats/, which looks like a class' train --data mixed $small --dry-run
mkdir mixed/more
mv mixed/cats mixed/more
expect 0 '' train --data mixed $small --dry-run
holds err '^not used +mixed/train: 1 file: 1 folder next to the splits$'
pictures names/Train 10 2
pictures names/Test 20 2
expect 3 'names/Train: data set: by its name this is a split .*a class must have another name' \
    train --data names $small --dry-run

# ---- Flat folders, files that are no pictures ----
pictures flat 10 12
expect 3 'flat: data set: a flat folder: 12 pictures and no folder of a class' train --data flat $small
holds err 'hint: put the pictures of each class into a folder of its own, or name them in a list'
pictures kinds/a 10 9
pictures kinds/b 20 9
for file in a/notes.txt a/deep/more.TXT b/data.csv b/README a/.hidden .also top.md; do
    mkdir -p "$(dirname "kinds/$file")"
    echo text >"kinds/$file"
done
cp kinds/a/10-0.ppm kinds/top.ppm
cp kinds/a/10-1.ppm kinds/a/picture-without-a-name
expect 0 '' train --data kinds $small --dry-run
holds err '^data +kinds: 17 training and 2 test'
for kind in '8 files: ' '2 hidden' '1 \.md' '1 picture outside of a class' '2 \.(txt|TXT)' '1 \.csv' \
    '1 no extension'; do
    holds err "^not used +kinds: .*$kind"
done
rm kinds/a/picture-without-a-name
expect 0 '' data check kinds
holds err '^not used +kinds: 8 files'
expect 0 '^files +18 \.ppm$' data check kinds
expect 0 '"unused": \{.*"\.csv": 1' data check kinds --json
expect 0 '' predict googlenet-small kinds --size 28 --channels 3
holds err '^not used +kinds: 7 files'

finish
