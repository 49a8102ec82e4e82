#!/bin/bash
# Every command of the pages in docs/ runs as it is printed there, and every program in C or C++ is compiled
# against the installed library and run, in a folder that holds what they name; the README's program, too
# (its commands: test_readme.sh). Long ones are cut short by flags after them. What cannot run is listed, with
# the reason, in docs_not_run.txt. A block without a language consists of commands.
# labels: push no-sanitize
# timeout: 600
. "$GN_SOURCE_DIR/tests/cli/cases.sh"

pages=$GN_SOURCE_DIR/docs
not_run=$GN_SOURCE_DIR/tests/cli/docs_not_run.txt
if [ -n "$GN_EMULATOR" ]; then
    echo "SKIPPED: programs are compiled here for this machine"
    exit 77
fi
if ! "$GOOGLENET" info | grep -q '^PNG  *built in'; then
    echo "SKIPPED: the pictures here are PNG files"
    exit 77
fi

# commands PAGE: the lines of its blocks without a language, without comments; continued ones are one.
commands()
{
    awk '/^```/ { block = !block; runs = block && $0 == "```"; next }
        runs && /^  / { line = line " " $0; next }
        runs { if (line != "") print line; line = $0; sub(/  +#.*/, "", line) }
        !block && line != "" { print line; line = "" }
        END { if (line != "") print line }' "$1"
}

# programs PAGE PREFIX: writes each block of C or C++ to PREFIX-NUMBER.c or .cpp.
programs()
{
    awk -v prefix="$2" '/^```/ { if (name != "") close(name); name = ""; block = !block
            if (block && ($0 == "```c" || $0 == "```cpp")) name = prefix "-" ++n "." substr($0, 4)
            next }
        name != "" { print >name }' "$1"
}

# Data under the names of large sets, pictures of two classes, a trained model, runs, an installed library.
home=$PWD
mkdir -p world/pictures/a world/pictures/b
data world/fashion-mnist 24 10 10
for number in 1 2 3 4 5 6 7 8 9 10 11 12; do
    if [ $number -gt 6 ]; then class=b; else class=a; fi
    { printf 'P6\n32 32\n255\n' && awk -v n=$number 'BEGIN { for (i = 0; i < 3072; i++)
        printf "%c", 32 + (i * n + int(i / 7) * n * n) % 95 }' </dev/null; } >world/pictures/$class/$number.ppm
done
cd world || exit 1
short="--epochs 1 --limit-train 8 --limit-val 4 --batch 4 --max-steps 1 --quiet"
cp -r pictures D
cp "$GN_SOURCE_DIR/examples/tiny.net" my.net
cp "$GN_SOURCE_DIR/docs/curves.png" cat.png
cp cat.png FILE
ln -s "$GN_SOURCE_DIR/examples" examples
# shellcheck disable=SC2086 # flags
run train --data D --model googlenet-small --size 32 $short --out A
[ "$code" = 0 ] || fail "no model to begin with: $(cat err)"
cp -r A B
cp -r A C
mkdir runs
cp -r A runs/1-googlenet-mnist
cp A/model.safetensors model.safetensors
cp A/model.safetensors best.safetensors
run export model.safetensors theirs.onnx
programs "$pages/guide.md" product
cp product-2.c product.c
rm product-*
head -c 12288 /dev/zero >inputs.f32
cd ..
cmake --install "$GN_BUILD_DIR" --prefix "$PWD/prefix" >log 2>&1 || fail "not installed: $(tail -n 3 log)"
export PKG_CONFIG_PATH=$PWD/prefix/lib/pkgconfig LD_LIBRARY_PATH=$PWD/prefix/lib
export PATH=$PWD/prefix/bin:$PATH
cc()
{
    "$CC" "$@"
}

# adapted COMMAND: with what makes it short, and with names in the place of placeholders; the rest of a train
# without a network is a small one.
adapted()
{
    local line=${1//NAME-S/fashion-mnist-best-1}
    line=${line/--recipe NAME --seed S/--recipe fashion-mnist-best --seed 1}
    case $line in
    "googlenet train --resume"*) echo "$line --quiet" ;;
    "googlenet train"*--recipe* | "googlenet train"*"--model examples"*) echo "$line $short" ;;
    "googlenet train"*) line=${line/--model googlenet-bn --size 96/} && echo "$line --model googlenet-small --size 32 $short" ;;
    *) echo "$line" ;;
    esac
}

# Whether docs_not_run.txt excuses a command of a page.
excused()
{
    awk -F '\t' -v page="$1" -v line="$2" '
        !/^#/ && $1 == page && index(line, $2) == 1 { print FILENAME; found = 1 }
        END { exit !found }' "$not_run" >/dev/null
}

ran=0
left_out=0
for page in "$pages"/*.md; do
    name=$(basename "$page")
    rm -rf here && cp -r world here && cd here || exit 1
    programs "$page" "${name%.md}"
    commands "$page" >commands
    while read -r line; do
        [ -n "$line" ] || continue
        if excused "$name" "$line"; then
            left_out=$((left_out + 1))
            continue
        fi
        case $line in
        googlenet\ * | cc\ * | [A-Z]*=*\ googlenet\ *) ;;
        *) fail "$name: neither a command that is known here nor in docs_not_run.txt: $line" && continue ;;
        esac
        eval "$(adapted "$line")" >out 2>err </dev/null
        code=$?
        [ "$code" = 0 ] || fail "$name: $line: exit code $code: $(head -n 3 err)"
        ran=$((ran + 1))
        [ -e A ] || cp -r ../world/A A # "runs rm A"
    done <commands
    if [ "$name" = embedding.md ]; then
        programs "$GN_SOURCE_DIR/README.md" README
    fi
    for program in "${name%.md}"-*.c README-*.c "${name%.md}"-*.cpp; do
        [ -e "$program" ] || continue
        objects= # what `cc -c` made of an exported model
        grep -q MODEL_DECLARATIONS "$program" && objects=model.o
        case $program in
        *.cpp)
            command -v c++ >/dev/null || continue
            # shellcheck disable=SC2046 # flags
            c++ -std=c++17 -Wall -Wextra -Werror "$program" $(pkg-config --cflags --libs googlenet) -o program 2>err
            ;;
        *)
            # shellcheck disable=SC2046,SC2086
            cc -std=gnu11 -Wall -Wextra -Werror "$program" $objects $(pkg-config --cflags --libs googlenet) -lm -o program 2>err
            ;;
        esac || { fail "$program is not compiled: $(head -n 5 err)" && continue; }
        ./program >out 2>err </dev/null || fail "$program: exit code $?: $(head -n 3 err)"
        echo "ok: $program"
        ran=$((ran + 1))
    done
    cd ..
done
# Each excuse is needed.
grep -v '^#' "$not_run" | while IFS='	' read -r name begins why; do
    commands "$pages/$name" | grep -qF -e "$begins" || echo "$name: no command begins with $begins"
    [ -n "$why" ] || echo "$name: $begins: no reason"
done >needless
[ ! -s needless ] || fail "docs_not_run.txt: $(cat needless)"
cd "$home" || exit 1
echo "ran $ran commands and programs, $left_out are listed as not run"
[ "$ran" -ge 30 ] || fail "only $ran ran"
finish
