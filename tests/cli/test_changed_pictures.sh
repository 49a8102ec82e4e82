#!/bin/sh
# Pictures that cannot be read, and pictures that change between the parts of a run: no step is lost,
# what may be repaired may be, and whatever has changed is named.
# labels: push
. "$GN_SOURCE_DIR/tests/cli/cases.sh"

# picture FILE VALUE: nine pixels, the first of which counts.
picture()
{
    mkdir -p "$(dirname "$1")"
    printf 'P2 3 3 99\n%02d 1 2 3 4 5 6 7 8\n' "$2" >"$1"
}
broken() { printf 'P2 3 3 99\n1 2 3\n' >"$1"; }

# set_of FOLDER: two classes, six pictures each for training and two for validation.
set_of()
{
    rm -rf "$1"
    for class in a b; do
        for i in 1 2 3 4 5 6; do picture "$1/train/$class/$i.pgm" $((i * 9)); done
        for i in 1 2; do picture "$1/val/$class/$i.pgm" $((i * 9)); done
    done
}
printf 'input 8 1\nnorm keras\nconv conv 4 3 2\nmean\noutput\n' >tiny.net
train()
{
    out=$1
    shift
    rm -rf "$out"
    run train --data set --model tiny.net --size 8 --batch 2 --epochs 2 --threads 1 --out "$out" "$@"
}
# steps DIR: the step at which a resumed run went on.
went_on_from() { sed -n 's/.* from step \([0-9]*\)$/\1/p' err | head -n 1; }
ends() { [ "$code" = "$1" ] || fail "$2: exit code $code, not $1: $(tail -n 4 err)"; }

# ---- A training picture that cannot be read ends the run, and nothing else ----
set_of set
train straight
ends 0 'straight'
lost=0
for accumulate in 1 2; do
    for seed in 0 1 2 3 4 5; do # it is in another batch each time, the second one of a step, too
        set_of set
        train undisturbed --accumulate $accumulate --seed $seed
        broken set/train/a/2.pgm
        train stopped --accumulate $accumulate --seed $seed
        ends 3 'a picture that cannot be read'
        holds err 'set/train/a/2.pgm: PNM: '
        holds err 'googlenet data check set '
        holds err '--resume stopped .*--on-bad-image skip'
        rm -rf skipped removed
        cp -r stopped skipped
        cp -r stopped removed
        picture set/train/a/2.pgm 18
        run train --resume stopped
        ends 0 'after the repair'
        holds err 'a/2.pgm: changed since the run began, which had not used it'
        [ "$(went_on_from)" ] || lost=$((lost + 1))
        same stopped/model.safetensors undisturbed/model.safetensors
        same stopped/best.safetensors undisturbed/best.safetensors
        same stopped/history.csv undisturbed/history.csv
    done
    # Or it is left out, or taken away.
    broken set/train/a/2.pgm
    run train --resume skipped --on-bad-image skip
    ends 0 'skipped'
    holds err 'left out: a/2.pgm'
    rm set/train/a/2.pgm
    run train --resume removed
    ends 0 'removed'
    holds err 'a/2.pgm: removed since the run began, left out'
    same skipped/model.safetensors removed/model.safetensors
    # It is said again each time, and the picture may come back.
    run train --resume removed --epochs 3
    ends 0 'removed for good'
    holds err 'a/2.pgm: removed since the run began, left out'
    picture set/train/a/2.pgm 18
    run train --resume removed --epochs 4
    ends 0 'come back'
    holds err 'a/2.pgm: changed since the run began'
done
[ "$lost" -lt 6 ] || fail "$lost of 12 runs began anew: the steps before the picture are lost"

# ---- A picture for validation is found before the first step ----
set_of set
broken set/val/b/2.pgm
train early
ends 3 'a picture for validation'
holds err 'set/val/b/2.pgm: PNM: '
grep -q 'step 1/' err && fail "steps were made before: $(cat err)"
rm -rf skipped
cp -r early skipped
run train --resume skipped --on-bad-image skip
ends 0 'skipped'
holds err 'left out: b/2.pgm'
picture set/val/b/2.pgm 18
run train --resume early
ends 0 'repaired'
holds err 'b/2.pgm: changed since the run began'
same early/model.safetensors straight/model.safetensors

# ---- A picture that was used must stay what it was ----
set_of set
train used
ends 0 'used'
for change in content size; do
    cp -p set/train/b/3.pgm kept.pgm
    [ $change = content ] && picture set/train/b/3.pgm 88
    [ $change = size ] && printf ' ' >>set/train/b/3.pgm
    touch -r kept.pgm set/train/b/3.pgm # the time of the last write says nothing
    cp used/checkpoint.safetensors before.safetensors
    expect 3 'set: 1 of 12 pictures are not those that the run has used, the first: b/3.pgm' \
        train --resume used --epochs 3
    same used/checkpoint.safetensors before.safetensors
    cp kept.pgm set/train/b/3.pgm
done
# The same content under another time, and at another place, is the same picture.
run train --resume used --epochs 3
ends 0 'the same content'
grep -q 'changed\|removed\|came after' err && fail "nothing has changed: $(cat err)"
mv set moved
picture moved/train/b/9.pgm 5
run train --resume used --epochs 4 --data moved
ends 0 'moved'
holds err '1 picture came after the run began and will not be used, the first: b/9.pgm'
rm -r moved/train/a
run train --resume used --epochs 5 --data moved
ends 3 'a class is missing'

# ---- A list of pictures is like a folder ----
set_of set
(cd set && for f in train/*/*.pgm; do printf '%s %s\n' "$f" "$(basename "$(dirname "$f")")"; done) >set/list.txt
run train --data set/list.txt --model tiny.net --size 8 --batch 2 --epochs 1 --out listed --threads 1
ends 0 'list'
grep -v 'train/a/4' set/list.txt >set/new.txt
run train --resume listed --data set/new.txt --epochs 2
ends 0 'a shorter list'
holds err 'train/a/4.pgm: removed since the run began, left out'
# A run without the file, as of version 0.1.0, knows names and sizes.
rm listed/pictures.tsv
run train --resume listed --data set/list.txt --epochs 3
ends 0 'without pictures.tsv'
[ -e listed/pictures.tsv ] || fail 'pictures.tsv is not written again'
printf 'nonsense' >listed/pictures.tsv
run train --resume listed --data set/list.txt --epochs 4
ends 0 'damaged pictures.tsv'
holds err 'pictures.tsv: list of pictures: damaged'

# ---- Names with any character ----
set_of set
odd=$(printf 'set/train/a/o\\d\td\nn.pgm')
picture "$odd" 7
train odd
ends 0 'odd names'
rm "$odd"
run train --resume odd --epochs 3
ends 0 'odd names'
holds err 'removed since the run began'
[ "$(grep -c 'removed' err)" = 1 ] || fail "one line for one picture: $(cat err)"
finish
