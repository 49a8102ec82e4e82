#!/bin/sh
# Small sets of pictures: epochs, batch and the momentum of batch normalisation are chosen where nobody
# says them, said, and kept; other sets have the notebook's.
# labels: push
# timeout: 300
. "$GN_SOURCE_DIR/tests/cli/cases.sh"

# pictures FOLDER N: N pictures of 4x4.
pictures()
{
    mkdir -p "$1"
    i=0
    while [ "$i" -lt "$2" ]; do
        printf 'P5\n4 4\n255\n%s%s' "abcdABCD" "$(printf '%08d' $((i * 7919)))" >"$1/$i.pgm"
        i=$((i + 1))
    done
}
pictures few/a 20
pictures few/b 20
pictures many/a 300
pictures many/b 300
small='--size 16 --threads 1 --val-fraction 0.1'

# shellcheck disable=SC2086 # several words, here and below
line()
{
    wanted=$1
    shift
    expect 0 '' train $small "$@" --dry-run
    holds err "$wanted"
}
line '^training  100 epochs of 5 steps, batch 8, .* \(epochs and batch as suit so many\)$' --data few
line '^training  30 epochs of 34 steps, batch 16, ' --data many
line '^training  3 epochs of 5 steps, batch 8, .* \(batch as suits so many\)$' --data few --epochs 3
line '^training  100 epochs of 2 steps, batch 18, .* \(epochs as suit so many\)$' --data few --batch 18
line '^training  3 epochs of 2 steps, batch 18, .*seed 0$' --data few --batch 18 --epochs 3
line 'warning: the run has 6 steps \(--epochs 3 --batch 18\), .*--batch 8 --epochs 100 make 500$' \
    --data few --batch 18 --epochs 3
line 'warning: the run has 5 steps .*--batch 8 --epochs 100 make 500' --data few --epochs 1
expect 0 '' train --data few $small --dry-run --epochs 1 --max-steps 3
grep -q 'warning: the run' err && fail "who cuts a run short is warned: $(cat err)"
run train --data few $small --dry-run --epochs 1 -q
grep -q 'warning' err && fail "--quiet: $(cat err)"

# Images in memory, and so the named sets, have the notebook's.
data set 600 20 10
line '^training  5 epochs of 5 steps, batch 128, .*seed 0$' --data set --model googlenet-bn
grep -q '^norm' err && fail "running statistics of IDX files: $(cat err)"
line 'warning: the run has 25 steps' --data set

# ---- Running statistics ----
line '^norm +its running statistics keep 0\.8 of themselves a step, .* an epoch has 5 steps; .* own 0\.99 ' \
    --data few --model googlenet-bn
line '^norm .* keep 0\.941 of .* an epoch has 34 steps' --data many --model googlenet-bn
line '^training .* batch 2' --data many --model googlenet-bn --batch 2
grep -q '^norm' err && fail "270 steps an epoch: $(cat err)"
line '^training' --data few --model googlenet-bn --bn-momentum 0.95
grep -q '^norm' err && fail "what is given is chosen: $(cat err)"
line '^training' --data few --model googlenet
grep -q '^norm' err && fail "a network without normalisation: $(cat err)"

# Kept: a run that was cut goes on with the same bits, whatever the set has become by the rule.
bn="--data few --model googlenet-bn --epochs 2 --seed 3"
expect 0 '' train $small $bn --out whole
holds whole/config.json '"bn-momentum": 0\.8,'
expect 0 '' train $small $bn --out cut --max-steps 3
expect 0 '' train --resume cut --max-steps 10
for file in model best checkpoint; do same "whole/$file.safetensors" "cut/$file.safetensors"; done
expect 0 '' train $small $bn --out given --bn-momentum 0.8
same whole/model.safetensors given/model.safetensors
expect 0 '' train $small $bn --out other --bn-momentum 0.99
cmp -s whole/model.safetensors other/model.safetensors && fail '--bn-momentum changes nothing'
holds err 'warning: batch normalisation: after the 10 steps of this run 90% of its running statistics'
holds err 'hint: take more steps, or --bn-momentum 0.79$'
expect 0 '' train $small --data few --epochs 2 --out chosen --max-steps 1
holds chosen/config.json '"batch": 8,'

# ---- A picture that cannot be read, in a sweep over learning rates ----
cp -r few damaged
echo 'no picture' >damaged/a/x.jpg
sweep='--model googlenet-small --size 16 --threads 1 --steps 10 --batch 20'
expect 3 'x.jpg' lr-find --data damaged $sweep
expect 0 'learning rate|no suggestion' lr-find --data damaged $sweep --on-bad-image skip

finish
