#!/bin/bash
# The program writes, prints and reads the same bytes in every locale, though it calls no setlocale: a
# preloaded object does (preload.c). Every command and every file is compared with that of the C locale,
# where times are replaced if they are numbers with a point.
# labels: push no-sanitize
. "$GN_SOURCE_DIR/tests/cli/cases.sh"
preload=$GN_BUILD_DIR/tests/libpreload.so
names='de_DE fr_FR ungrouped ps_AF'
if ! why=$("$GN_SOURCE_DIR/tests/support/locale.sh" $names); then
    echo "skipped: $why"
    exit 77
fi

data set 24 10 3
cat >tiny.net <<'NET'
input 12 1
norm keras
weights normal 0.125 0.05
stage b1
conv conv 4 3 2
lrn lrn 3
inception one 4 2 4 2 2 2
aux 0.3 2 2 4 0.5
mean
dropout drop 0.25
output
NET
# Pictures of two classes; in Turkish the letters of VALIDATION are not those of validation.
for split in TRAIN VALIDATION; do
    for class in a b; do
        mkdir -p "pictures/$split/$class"
        for i in 1 2 3; do
            { printf 'P5 16 14 255\n' && head -c 224 set/t10k-images-idx3-ubyte; } \
                >"pictures/$split/$class/$i.PGM"
        done
    done
done
printf 'TRAIN/a/1.PGM\tx\nTRAIN/b/2.PGM\ty\n' >pictures/list.txt

n='[0-9]+(\.[0-9]+)?(e[-+][0-9]+)?'
times() # replaces times and what depends on the machine's load
{
    sed -E -e "s/\"(seconds|images_per_second|ms|ms_[a-z0-9]+|gflops|speedup)\": ?$n/\"\1\":T/g" \
        -e "s/(images_per_second|time     ) $n( s)?/\1 T/g" -e "s/$n (images\/s|s,|ms)/T \3/g" \
        -e 's/(took|ETA) [0-9:]+/\1 T/' -e 's/"started": "[^"]*"/"started": T/' \
        -e "s/, $n images a second/, T images a second/" \
        -e "s/of $n ([KMGT]iB)/of T/" -e "s/process $n [KMG]iB/process T/" \
        -e 's/"(peak_rss|memory)_bytes": ?[0-9]+/T/' -e "s/memory        $n [KMGT]iB/memory T/" "$@"
}
# say NAME ARGS...: the program's streams and exit code become NAME.*; $locale is its locale.
say()
{
    local name=$1
    shift
    env LC_ALL="$locale" LOCPATH="$GN_BUILD_DIR/tests/locales" LD_PRELOAD="$preload" \
        "$GOOGLENET" "$@" >raw.out 2>raw.err </dev/null
    echo $? >"$name.code"
    times raw.out >"$name.out"
    times raw.err >"$name.err"
    rm raw.*
}

everything()
{
    local flags='--size 12 --batch 8 --threads 1'
    say train train --data ../set --model ../tiny.net $flags --epochs 1 --lr 0.05 --momentum 0.9 \
        --ema 0.9 --weight-decay 1e-4 --augment crop:0.8,rotate:7.5,mixup:0.2 --plateau 0.5:3 \
        --normalize 0.5/0.25 --label-smoothing 0.1 --log-steps 1 --max-time 1.5h --verbose --out run
    say resume train --resume run --epochs 3 --threads 1 --json
    say pictures train --data ../pictures --model ../tiny.net $flags --channels 1 --val-fraction 0.25 \
        --normalize 0.1,0.2,0.3/0.5 --epochs 1 --out pictures
    say list train --data ../pictures/list.txt --model ../tiny.net $flags --channels 1 --limit-val 0 \
        --epochs 1 --out list
    say dry train --data ../set --model ../tiny.net $flags --lr 0.25 --dry-run --json
    say lr-find lr-find --data ../set --model ../tiny.net $flags --from 1e-4 --to 0.5 --steps 20 --out lr
    say lr-json lr-find --data ../set --model ../tiny.net $flags --to 0.5 --steps 10 --json
    say eval eval run/best.safetensors --data ../set --threads 1
    say eval-json eval run/best.safetensors --data ../set --threads 1 --json
    say predict predict run/best.safetensors ../set/t10k-images-idx3-ubyte --limit 3 --logits
    say predict-json predict run/best.safetensors ../set/t10k-images-idx3-ubyte --limit 3 --logits --json
    say summary summary ../tiny.net
    say summary-json summary run/model.safetensors --json
    say walk summary ../tiny.net --walk
    say bench bench ../tiny.net $flags --size 12 --rounds 2
    say bench-json bench ../tiny.net $flags --size 12 --rounds 2 --json
    say check data check ../set --json # the images are the same in both splits: exit code 3
    say help train --help
    say info info
    say info-json info --json
    say comma train --data ../set --lr 0,05
    say range train --data ../set --momentum 1.5
    say short-comma train --data ../set --model ../tiny.net --normalize 0,5/0,25 --out no
    say large bench --size 100000
    say larger train --data ../set --batch 1000000000 --out no
    for file in */history.jsonl */config.json */result.json */card.md; do times "$file" >times && mv times "$file"; done
}

mkdir C && cd C && locale=C && everything
cd ..
for name in train resume pictures list dry lr-find lr-json eval predict summary walk bench help; do
    [ "$(cat C/$name.code)" = 0 ] || fail "$name in the C locale: $(cat C/$name.err)"
done
for file in model best ema checkpoint; do
    [ -s C/run/$file.safetensors ] || fail "there is no $file.safetensors to compare"
done
for name in $names; do
    mkdir "$name" && cd "$name" && locale=$name.UTF-8 && everything
    cd ..
    diff -r -x .lock C "$name" >difference 2>&1 || fail "$name: $(head -n 20 difference)"
done
finish
