#!/bin/bash
# Every command of the README's list runs as it is printed there, in a folder that holds what it names: small
# sets under the names of large ones, a trained model, pictures. Long ones are cut short by flags
# after them. The Chinese README lists the same commands.
# labels: push no-sanitize
# timeout: 600
. "$GN_SOURCE_DIR/tests/cli/cases.sh"

# commands FILE: the lines of its code blocks that begin with the program, without their comments.
commands()
{
    awk '/^```/ { block = !block; next } block && /^googlenet / { sub(/ +#.*/, ""); print }' "$1"
}

commands "$GN_SOURCE_DIR/README.md" >list
[ "$(wc -l <list)" -ge 25 ] || fail "only $(wc -l <list) commands in README.md"
commands "$GN_SOURCE_DIR/README.zh-CN.md" >list.zh
same list list.zh

has()
{
    "$GOOGLENET" info --json | grep -q "\"$1\": *true"
}

# What the commands name.
picture=$GN_SOURCE_DIR/docs/curves.png
if ! "$GOOGLENET" info | grep -q '^PNG  *built in'; then
    echo "skipped: the pictures here are PNG files"
    exit 77
fi
data fashion-mnist 24 10 10
mkdir -p DIR/train/a DIR/train/b DIR/test/a DIR/test/b pictures
number=0
for folder in DIR/train/a DIR/train/b DIR/test/a DIR/test/b; do
    for i in 1 2 3 4; do
        number=$((number + 1)) # no two are alike
        { printf 'P5\n32 32\n255\n' && awk -v n=$number 'BEGIN { for (i = 0; i < 1024; i++)
            printf "%c", 32 + (i * n + int(i / 7) * n * n) % 95 }' </dev/null; } >"$folder/$i.pgm"
    done
done
cp "$picture" cat.jpg
cp "$picture" dog.png
cp "$picture" pictures/a.png
cp "$picture" pictures/b.png
run train --data DIR --model googlenet-small --size 32 --epochs 1 --batch 4 --limit-train 8 --limit-val 4 --out first
[ "$code" = 0 ] || fail "no model to begin with: $(cat err)"
cp first/model.safetensors my.safetensors
cp first/model.safetensors FILE
cp first/model.safetensors OLD
cp first/best.safetensors NEW
run export my.safetensors their.onnx
cut_short="--epochs 1 --limit-train 8 --limit-val 4 --batch 4 --max-steps 1"
seen=0

# Puts the flags after the command, and the data that fit the model in the place of a named set.
adapted()
{
    set -- "${1/MODEL/my.safetensors}"
    case $1 in
    *" eval my.safetensors --data fashion-mnist"*) echo "${1/fashion-mnist/DIR}" ;;
    *" train "*) echo "$1 $cut_short" ;;
    *" lr-find "*) echo "$1 --model googlenet-small --size 32 --batch 4 --limit-train 8 --steps 10 --out lr" ;;
    *" bench "*) echo "$1 --batch 2" ;;
    *" quantize "*) echo "$1 --max-drop 100" ;; # a handful of pictures says nothing
    *" verify "*) echo "$1 --tol 1e-3" ;;
    *bvlc_googlenet*) echo ;; # 50 MB that nobody may ship; tests/exchange reads small ones
    *torchvision*) echo ;;    # of that preset alone
    *" serve "*) echo ;;      # tests/serve
    *.keras) has hdf5 && echo "$1" || echo ;;
    *explain* | *preview*) has cairo && echo "$1" || echo ;;
    *) echo "$1" ;;
    esac
}

googlenet()
{
    "$GOOGLENET" "$@" </dev/null
}

while read -r line; do
    short=$(adapted " $line")
    [ -n "$short" ] || continue
    seen=$((seen + 1))
    eval "$short" >out 2>err
    code=$?
    [ "$code" = 0 ] || fail "$line: exit code $code: $(head -n 3 err)"
done <list
echo "ran $seen of $(wc -l <list) commands"
[ "$seen" -ge 20 ] || fail "only $seen commands ran"
finish
