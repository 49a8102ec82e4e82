#!/bin/sh
# The model card of a finished run: front matter, figures, hashes, a command that gives the same bytes; names of classes
# are inert in it.
# labels: push
# timeout: 200
. "$GN_SOURCE_DIR/tests/cli/cases.sh"
data set 60 20 3
printf 'input 12 1\nconv conv 2 3 2\nmean\noutput\n' >tiny.net
expect 0 '' train --data set --model tiny.net --size 12 --batch 8 --epochs 2 --lr 0.2 --seed 3 --out run
card=run/card.md
[ "$(head -n 1 $card)" = --- ] || fail 'no front matter'
[ "$(grep -c '^---$' $card)" = 2 ] || fail 'front matter does not end'
for line in 'library_name: googlenet' 'pipeline_tag: image-classification' '    - type: accuracy' \
    '\| accuracy \| 0\.[0-9]{4} \(95% interval 0\.[0-9]{4} to 0\.[0-9]{4}\) \|' \
    '\| calibration error \(ECE\) \|' '^These samples have chosen the epoch' '\| `--lr` \| 0.2 \|' \
    '\| googlenet \| '; do
    holds $card "^ *$line|$line"
done
digest=$(sha256sum run/best.safetensors | cut -d ' ' -f 1)
holds $card "best.safetensors.*$digest"
value=$("$GOOGLENET" eval run/best.safetensors --data set --json 2>err |
    sed 's/.*"loss": [0-9.]*, "accuracy": \([0-9.]*\), "correct.*/\1/')
holds $card "      value: $(printf '%.6f' "$value")"
interval=$("$GOOGLENET" eval run/best.safetensors --data set 2>err |
    sed -n 's/^accuracy .*95% interval \(0[.0-9]* to [01][.0-9]*\)).*/\1/p')
[ -n "$interval" ] && grep -qF "(95% interval $interval)" $card ||
    fail "the card has another interval than eval, $interval: $(grep interval $card)"
grep -q "$PWD" $card && fail 'the card says where files lay'

# Its command gives the same bytes.
again=$(sed -n 's/^googlenet \(train .*\)/\1/p' $card)
# shellcheck disable=SC2086 # it is words
expect 0 '' $again --out again
same run/model.safetensors again/model.safetensors

# A resumed run has none until it is finished again.
expect 0 '' train --resume run --epochs 3
holds $card '^3 epochs took'

# ---- Hostile names ----
mkdir pictures
for class in 'a<script>alert(1)</script>' '=1+1|x' '[click](http://evil)' '```'; do
    mkdir -p "pictures/$(printf %s "$class" | tr / _)"
    for i in 1 2 3 4 5 6; do
        printf 'P2 3 3 9\n1 2 3 4 5 6 7 8 %d\n' $i >"pictures/$(printf %s "$class" | tr / _)/$i.pgm"
    done
done
expect 0 '' train --data pictures --model tiny.net --size 12 --batch 8 --epochs 1 --val-fraction 0.3 --out evil
grep -q "$(printf '\033')" evil/card.md && fail 'an escape in the card'
grep -q '<script' evil/card.md && fail 'HTML in the card'
grep -q '\](http' evil/card.md && fail 'a link in the card'
grep -c '^```' evil/card.md | grep -qx 2 || fail 'a fence in the card'
finish
