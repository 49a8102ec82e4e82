#!/bin/sh
# What is written about runs and models: pages, drawings, tables, cards, event files. Names of classes, files, runs
# and layers that are markup, formulas, links, quotes or shell words are only text in each of them.
# labels: push
# timeout: 300
. "$GN_SOURCE_DIR/tests/cli/cases.sh"

# picture FILE VALUE
picture() { printf 'P2 4 4 9\n1 2 3 %d 4 5 6 7 8 1 2 3 4 5 6 %d\n' "$2" "$2" >"$1"; }

markup='<img src=x onerror=alert(1)>'
# Each of these means something in one of the formats; the wide sign is a formula to some spreadsheets.
i=0
for class in "$markup" '=1+1' '+1' '-1' '@SUM(A1)' "$(printf '\357\274\2351+1')" '"quoted", and' "it's" \
    '](javascript:alert(1))' '|`*_#' '&lt;b&gt;' '${x}$(touch pwned)' 'a: [b, {c}] # d' '%s%n' '\n\q"'; do
    mkdir -p "set/train/$class" "set/val/$class"
    for split in train val; do
        for k in 1 2; do
            picture "set/$split/$class/=$class $k.pgm" $(((i + k) % 10))
        done
    done
    i=$((i + 1))
done
printf 'input 12 1\nconv a<b>&"\\c;]-- 4 3\nmean\noutput\n' >'=e"v<i>l.net'
net='=e"v<i>l.net'
run1='r<b>1:"#x' run2="=r'2&"
for run in "$run1" "$run2"; do
    expect 0 accuracy train --data set --model "$net" --size 12 --batch 8 --epochs 2 --out "$run" --seed ${#run} \
        --tensorboard --histograms
done
model=$run1/best.safetensors

# no_formula FILE: no cell begins as a formula does.
no_formula()
{
    if LC_ALL=C grep -nE "(^|,)\"?([=+@-]|$(printf '\357\274\235'))" "$1"; then
        fail "$1 has a cell that is a formula"
    fi
}

# no_markup FILE: of the names nothing is a tag or an attribute.
no_markup()
{
    grep -nF -e '<img src=x' -e '<b>1:' -e '<i>l' -e 'a<b>' "$1" && fail "$1 holds markup of a name"
    :
}

# ---- Evaluation and report ----
expect 0 accuracy eval "$model" --data set --report page --predictions p.csv
expect 0 accuracy eval "$model" --data set --predictions p.jsonl --json
no_formula p.csv
[ "$(wc -l <p.csv)" = 31 ] && [ "$(wc -l <p.jsonl)" = 30 ] || fail 'a name makes lines'
awk -F'"' 'NF % 2 == 0 { exit 1 }' p.csv || fail 'a cell of p.csv is not closed'
holds p.csv "\"'=1\\+1\""
holds p.csv '"""quoted"", and"'
holds p.jsonl '"label":"\\"quoted\\", and"'
holds p.jsonl '"label":"\\\\n\\\\q\\""'
no_markup page/index.html
holds page/index.html '&lt;img src=x onerror=alert\(1\)&gt;'
holds page/index.html '&amp;lt;b&amp;gt;'
grep -qE " on[a-z]+=\"|javascript:[^a]|href=" page/index.html && fail 'the page has a link or a handler'
expect 0 pgm eval "$run1" "$run2/model.safetensors" --data set

# ---- Runs ----
for command in 'list' 'compare' 'show'; do
    if [ "$command" = show ]; then set -- "./$run1"; else set -- "./$run1" "./$run2"; fi
    expect 0 '' runs $command "$@"
    expect 0 '' runs $command "$@" --json
done
holds out 'r<b>1:\\"#x'
expect 0 '' watch "./$run1" --once
if "$GOOGLENET" info | grep -q '^curves .*built in (cairo)'; then
    expect 0 '' runs plot "./$run1" "./$run2" --out all.svg
    no_markup all.svg
    holds all.svg '<svg'
fi

# ---- Cards ----
card=$run1/card.md
# Within the quotes of the front matter and the fence of the command a name is text as it is.
awk '/^---$/ { front++; next } /^```/ { fence = !fence; next } front == 2 && !fence' "$card" >text.md
no_markup text.md
holds text.md '&lt;b&gt;'
[ "$(grep -c '^---$' "$card")" = 2 ] || fail 'the front matter does not end once'
holds "$card" '^- name: "r<b>1:\\"#x"$|^- name: "r.*"$'
grep -nE '\]\(javascript|(^|[^\\])`\*_|^#[^ #]' text.md && fail 'the card takes a name for Markdown'

# ---- TensorBoard ----
grep -aqF 'weights/a<b>&"\c;]--.weight' "$run1/tensorboard/train/events.out.tfevents.googlenet" ||
    fail 'the tag is not the name of the tensor'
expect 0 '' runs export "./$run2" --tensorboard --out board

# ---- Drawings ----
expect 0 '<svg' summary "$model" --svg
no_markup out
cp out net.svg
expect 0 digraph summary "$model" --dot
holds out 'label="a<b>&\\"\\\\c;\]--\\n'
cp out net.dot
if command -v dot >/dev/null; then
    dot -Tsvg net.dot >dot.svg || fail 'Graphviz does not read it'
    no_markup dot.svg
    [ "$(grep -c '<g id="node' dot.svg)" -ge 3 ] || fail 'Graphviz draws too few boxes'
fi
if command -v xmllint >/dev/null; then
    for file in net.svg all.svg "$run1/curves.svg"; do
        [ ! -e "$file" ] || xmllint --noout "$file" || fail "$file is not XML"
    done
fi

# ---- Explaining, profile, export ----
expect 0 'rows' features "$model" "set/val/$markup" --layer 'a<b>&"\c;]--' --out f.csv
sed 's/,.*//' f.csv >files
no_formula files
expect 0 '' nearest "$model" "set/val/$markup" set/val/=1+1 --top 2 --json
if "$GOOGLENET" info | grep -q 'built in (cairo)'; then
    expect 0 '' explain "$model" "set/val/=1+1" --out drawn
    [ "$(find drawn -name '*.png' | wc -l)" = 2 ] || fail "names of pictures: $(ls drawn)"
fi
expect 0 '' bench "$model" --batch 2 --rounds 2 --trace t.json --memory
holds t.json '"name":"a<b>&\\"\\\\c;\]--"'
expect 0 '' export "$model" m.onnx
grep -aqF 'a<b>&"\c;]--' m.onnx || fail 'the name of the layer is not in the ONNX file'
expect 0 '' import m.onnx back.safetensors
[ -e pwned ] && fail 'a name was run'
finish
