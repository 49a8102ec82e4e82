#!/bin/sh
# Classes are matched by name or not at all: fine-tuning, evaluation and resuming with other classes,
# fewer classes, another order; labels with gaps and a single class.
# labels: push
# timeout: 300
. "$GN_SOURCE_DIR/tests/cli/cases.sh"
small='--model googlenet --size 32 --epochs 1 --batch 8 --threads 1'

# picture FILE SEED: a small PPM of a colour that belongs to the seed.
picture()
{
    mkdir -p "$(dirname "$1")"
    {
        printf 'P6\n8 8\n255\n'
        awk -v s="$2" 'BEGIN { for (i = 0; i < 192; i++) printf "%c", 33 + (s * 31 + i * 7) % 90 }' \
            </dev/null
    } >"$1"
}

# set FOLDER CLASS...: six pictures a class; those of a class are the same in every set.
set_of()
{
    folder=$1
    shift
    for class; do
        seed=$(printf '%d' "'$class")
        for i in 0 1 2 3 4 5; do picture "$folder/$class/$i.ppm" $((seed * 6 + i)); done
    done
}
set_of abc a b c
set_of bcd b c d
set_of cab a b c
set_of ab a b
set_of xyz x y z
# shellcheck disable=SC2086 # several words, here and below
expect 0 '' train --data abc $small --out run --lr 0.02 --val-fraction 0
model=run/model.safetensors

# ---- Fine-tuning ----
tune="--model $model --epochs 1 --batch 8 --threads 1 --val-fraction 0 --lr 0 --limit-val 0"
expect 0 '' train --data bcd $tune --out tuned
holds err "^network +$model has other classes: its last layer keeps by name the weights of b, c; begins anew with d; leaves out a$"
expect 0 '' train --data abc $tune --out same
grep -q 'last layer' err && fail "the same classes: $(cat err)"
expect 0 '' train --data xyz $tune --out other
holds err 'knows none of the classes x, y, z \(its own are a, b, c\)'
# With a rate of zero a known class keeps its logits.
expect 0 '' predict "$model" abc/b/0.ppm --logits --json
before=$(sed 's/.*"logits": \[\([^,]*\), \([^,]*\), .*/\2/' out)
expect 0 '' predict tuned/model.safetensors abc/b/0.ppm --logits --json
after=$(sed 's/.*"logits": \[\([^,]*\), .*/\1/' out)
[ "$before" = "$after" ] || fail "the logit of b was $before and is $after"
# As many classes as the model has, but fewer in the data: by name, and the missing one is named.
expect 0 '' train --data ab $tune --classes 3 --out fewer
holds err 'warning: ab: 1 of 3 classes has no training sample: c$'
expect 0 '' predict fewer/model.safetensors abc/b/0.ppm --top 1
holds out '[abc] [01]'
expect 3 'the class "d" is not one that the model knows \(the set has b, c, d; the model a, b, c\)' \
    eval "$model" --data bcd --val-fraction 1

# ---- Evaluation: in the order of the model, whatever that of the folders ----
expect 0 '' eval "$model" --data abc --val-fraction 1 --json
all=$(sed 's/.*"loss": \([^,]*\),.*/\1/' out)
awk 'BEGIN { split("c a b", n); for (k = 1; k <= 3; k++) for (i = 0; i < 6; i++)
    print n[k] "/" i ".ppm " n[k] }' </dev/null >abc/list.txt
expect 0 "\"loss\": ${all%????}" eval "$model" --data abc/list.txt --val-fraction 1 --json
expect 0 '' eval "$model" --data ab --val-fraction 1
holds err 'warning: ab: 1 of 3 classes has no test sample: c$'
expect 3 'the class "x" is not one .*the model a, b, c' eval "$model" --data xyz --val-fraction 1
# A renamed folder is another class, for a resumed run, too.
expect 0 '' train --data cab $small --out again --max-steps 1 --limit-val 0
mv cab/a cab/zebra
expect 3 'the class "zebra" is not one that the model knows' train --resume again --max-steps 2

# ---- Labels with gaps, and a single class ----
awk 'BEGIN { for (i = 0; i < 6; i++) print "a/" i ".ppm 1\nb/" i ".ppm 2" }' </dev/null >abc/gaps.txt
expect 0 '' train --data abc/gaps.txt $small --dry-run
holds err 'warning: abc: 1 of 3 classes has no training sample: 0 \(classes are counted from 0\)$'
awk 'BEGIN { for (i = 0; i < 6; i++) print "a/" i ".ppm 0\nb/" i ".ppm 1"; print "c/0.ppm 99" }' \
    </dev/null >abc/stray.txt
expect 0 '' train --data abc/stray.txt $small --dry-run --val-fraction 0
holds err 'warning: abc: 97 of 100 classes have no training sample: 2, 3, 4, .* more\)'
set_of one a
expect 0 '' train --data one $small --dry-run
holds err 'warning: one: holds one class only'
expect 0 '' train --data abc $small --dry-run --val-fraction 0.34
grep -q 'warning: abc: ' err && fail "a sound set: $(cat err)"
# The first samples of a folder are those of its first classes.
expect 0 '' train --data abc $small --dry-run --limit-train 5
holds err 'warning: abc: 2 of 3 classes have no training sample: b, c$'

# ---- Names that a model file cannot hold ----
mkdir latin
cp -r abc/a latin/a
cp -r abc/b "latin/$(printf 'caf\351')"
expect 3 'the class "caf\\xe9" has a name that is not UTF-8' train --data latin $small --out never

finish
