#!/bin/sh
# What train says about a batch that is larger than the one its rate was chosen for: a proposal, which it does not
# carry out, and a warning for networks without normalisation.
# labels: quick
. "$GN_SOURCE_DIR/tests/cli/cases.sh"

data set 2000 30 10
# says PATTERN FLAGS...: so much is said; the rate stays what it was.
says()
{
    said=$1
    shift
    expect 0 '' train --data set --dry-run "$@"
    holds err "$said"
}
# silent PATTERN FLAGS...: nothing of the kind is said.
silent()
{
    unsaid=$1
    shift
    run train --data set --dry-run "$@"
    [ "$code" = 0 ] || fail "$*: exit code $code"
    grep -Eq "$unsaid" err && fail "$*: $(cat err)"
    return 0
}

bn='--model googlenet-bn'
# shellcheck disable=SC2086 # several words, here and below
{
    says '^batch +512 = 4 x 128: --lr 0\.2 --warmup-epochs 5 are the usual choice \(--lr 0\.05 is that of 128\)$' \
        $bn --batch 512 --epochs 30
    holds err '^training .*lr 0\.05'
    says '^batch +192 = 1\.5 x 128: --lr 0\.075 --warmup-epochs 1 are the usual' $bn --batch 192
    says '^batch +256 = 2 x 128: --lr 0\.1 is the usual' $bn --batch 64 --accumulate 4 --warmup-steps 5
    says '^batch +256 = 2 x 128: --lr 0\.1 ' $bn --batch 256 --processes 2
    says '^batch +1024 = 4 x 256: --lr 0\.2 is the usual' --recipe fashion-mnist-fast --optimizer sgd --batch 1024
    silent '^batch ' $bn --batch 128
    silent '^batch ' $bn --batch 512 --lr 0.05
    silent '^batch ' $bn --batch 512 --optimizer lars
    silent '^batch ' $bn --batch 512 -q
    silent 'without batch normalisation' $bn --batch 512
}
says 'warning: batches of 512 are large for a network without batch normalisation: .*--optimizer lars' \
    --model googlenet --batch 512
says 'warning: batches of 512 are large .*; googlenet-bn or a smaller --batch may help$' \
    --model googlenet --batch 512 --optimizer lars
says 'warning: batches of 257 are large' --model googlenet --batch 257
silent 'without batch normalisation' --model googlenet --batch 256
finish
