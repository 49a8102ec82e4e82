#!/bin/bash
# What `eval` prints and writes: figures, files of answers, the page, requirements, two models; class
# and file names of strangers are inert in every one of them.
# labels: push
# timeout: 180
. "$GN_SOURCE_DIR/tests/cli/cases.sh"

# Classes with names that mean something to a page, a spreadsheet, a quoted cell.
names=('<img src=x onerror=alert(1)>' '=cmd()' 'say "a, b"')
for i in 0 1 2; do
    mkdir -p "set/train/${names[$i]}" "set/val/${names[$i]}"
    for k in 1 2 3 4; do
        for part in train val; do
            { printf 'P5 12 12 255\n'
              head -c 144 /dev/zero | tr '\0' "\\$(printf '%03o' $((i * 70 + k * 9)))"
            } >"set/$part/${names[$i]}/@$k<b>.pgm"
        done
    done
done
printf 'input 12 1\nconv conv 4 3 2\nmean\noutput\n' >tiny.net
run train --data set --model tiny.net --size 12 --batch 4 --max-steps 2 --out run
[ "$code" = 0 ] || fail "train: exit code $code: $(cat err)"

run eval run/model.safetensors --data set --predictions p.csv --report page
[ "$code" = 0 ] || fail "eval: exit code $code: $(cat err)"
grep -q '^accuracy  0\.[0-9]* ([0-9]* correct; 95% interval' out || fail "eval: no accuracy"
grep -q 'Most confused' out || fail "eval: no confusions"
[ "$(awk 'length > 80' out | grep -cv '^$')" = 0 ] || fail "eval: lines of more than 80 columns"
[ "$(head -1 p.csv)" = file,index,label,predicted,probability,correct ] || fail "CSV: $(head -1 p.csv)"
[ "$(wc -l <p.csv)" = 13 ] || fail "CSV: $(wc -l <p.csv) lines"
grep -qF "\"'=cmd()/@1<b>.pgm\",0,\"'=cmd()\"" p.csv || fail "CSV: a formula is not disarmed"
grep -q '"say ""a, b"""' p.csv || fail "CSV: a quoted name"
grep -q '<img src=x' page/index.html && fail "HTML: a name became a tag"
grep -q '&lt;img src=x onerror=alert(1)&gt;' page/index.html || fail "HTML: a name is missing"
grep -qE '<script|https?://' page/index.html && fail "HTML: a script, or an address of elsewhere"
grep -q 'data:image/png;base64,' page/index.html || ! "$GOOGLENET" info | grep -qi libpng ||
    fail "HTML: no pictures"

run eval run/model.safetensors --data set --predictions p.jsonl --json --tta mirror
[ "$code" = 0 ] || fail "eval --json: exit code $code: $(cat err)"
for key in samples loss accuracy top interval confusion classes macro weighted ece temperature worst; do
    grep -q "\"$key\":" out || fail "JSON: no $key"
done
grep -q '"tta": "mirror"' out || fail "JSON: views are not named"
[ "$(wc -l <p.jsonl)" = 12 ] || fail "JSONL: $(wc -l <p.jsonl) lines"

run eval run/model.safetensors --data set --require top1=0,macro_f1=0
[ "$code" = 0 ] || fail "requirements that are met: exit code $code"
run eval run/model.safetensors --data set --require top1=0.0,top3=1,accuracy=1
[ "$code" = 1 ] || fail "a missed requirement: exit code $code"
grep -q '^googlenet: eval: accuracy is 0.* below the required 1' err || fail "missed: $(cat err)"
for wrong in top1 top0=1 top1=x top1=2 cosiness=1 =1 ,; do
    expect 2 "eval: --require $wrong: a list of NAME=X" eval run/model.safetensors --data set \
        --require $wrong
done
expect 2 'p.txt: predictions are written' eval run/model.safetensors --data set --predictions p.txt

run eval run/model.safetensors run/best.safetensors --data set
[ "$code" = 0 ] || fail "two models: exit code $code: $(cat err)"
grep -q "^chance    p = 1.0000 (McNemar's exact test)" out || fail "two models: $(cat out)"
run eval run/model.safetensors tiny.net --data set --json --classes 3
[ "$code" = 0 ] || fail "two models: exit code $code: $(cat err)"
grep -q '"comparison": {"samples": 12' out || fail "two models: $(cat out)"
run eval run/model.safetensors run/best.safetensors --data set --report page
[ "$code" = 2 ] || fail "a report of two models: exit code $code"
finish
