#!/bin/sh
# How the program takes its command line: help, typing errors, values, and the exit code of each.
# labels: quick
. "$GN_SOURCE_DIR/tests/cli/cases.sh"

# Help and version.
expect 0 '^Usage: googlenet COMMAND' --help
expect 0 '^Usage: googlenet COMMAND' help
expect 0 '^Usage: googlenet COMMAND' help --help
expect 0 '^Usage: googlenet COMMAND' -h
expect 0 '^googlenet [0-9]+\.[0-9]+\.[0-9]+$' --version
for command in train lr-find eval predict export import verify summary bench data info serve completion; do
    expect 0 "^Usage: googlenet $command" "$command" --help
    cp out by-flag
    expect 0 '^Examples:' help "$command"
    same out by-flag
    for flag in json quiet verbose no-color help; do
        holds out "--$flag"
    done
    run --help
    holds out "^  $command "
done
run
[ "$code" = 2 ] || fail "no command: exit code $code, expected 2"

# Words that are not known name the nearest one.
expect 2 'did you mean summary' sumary
expect 2 'did you mean train' trian --data x
expect 2 'unknown command "frobnicate"' frobnicate
expect 2 'unknown command' help frobnicate
expect 2 'unknown flag' --frobnicate
expect 2 'did you mean --epochs' train --data x --epocs 3
expect 2 'did you mean --batch' train --data x --bacth=3
expect 2 'did you mean --limit-' train --data x --limit 3
expect 2 'did you mean --walk' summary --wlak
expect 2 'did you mean --train' bench --trian
expect 2 'did you mean --limit' eval googlenet --data x --limt 3
expect 2 'did you mean --top' predict googlenet x --topp 3
expect 2 'unknown flag -x' info -x
expect 2 'did you mean sgd' train --data x --optimizer sgdd
expect 2 'did you mean half-pixel' train --data x --resize halfpixel
expect 2 'is not one of train, test' eval googlenet --data x --split vla
expect 2 'did you mean check' data chek

# Arguments and values that are missing or too many.
expect 2 'needs a value' train --data
expect 2 'needs a value' train --data --epochs 3
expect 2 'takes no value' summary --walk=yes
expect 2 '"" is empty' train --data=
expect 2 '--data is missing' train
printf 'conv c 8 3\nmaxx p 3 2\n' >wrong.net
expect 2 'wrong.net:2: "maxx" is not an instruction' summary wrong.net
expect 2 'wrong.net:2: "maxx" is not an instruction' bench --model wrong.net
expect 4 'missing.net: ' summary missing.net
printf 'stage a\nconv c 8 3 2\nmean\noutput\n' >small.net
expect 0 'a.c .Conv2D.' summary small.net
expect 0 'AveragePooling2D' summary googlenet-paper --aux
expect 2 '--data is missing' eval googlenet
expect 2 'MODEL is missing' eval --data x
expect 2 'is missing' predict googlenet
expect 2 'unexpected argument "b"' summary googlenet b
expect 2 'unexpected argument' train stray --data x
expect 2 'unexpected argument "--json"' info -- a --json
expect 2 'list, get, check or preview is missing' data
expect 2 'data get: the name' data get
expect 2 'data list: unexpected' data list all

# Numbers: negative, zero where it makes no sense, not finite, out of range, followed by others.
for flag in epochs batch size threads max-steps channels classes limit-train; do
    expect 2 "--$flag: 0 is out of range" train --data x --$flag 0
    expect 2 "--$flag: -1 is out of range" train --data x --$flag -1
    expect 2 "--$flag: \"3x\" is not a whole number" train --data x --$flag=3x
    expect 2 "--$flag: \"1.5\" is not a whole number" train --data x --$flag 1.5
    expect 2 "--$flag: \" 3\" is not a whole number" train --data x --$flag " 3"
    expect 2 "--$flag: 99999999999999999999 is out of range" train --data x --$flag \
        99999999999999999999
done
expect 2 '--limit-val: -3 is out of range' train --data x --limit-val -3
expect 2 '--seed: 18446744073709551616 is out of range' train --data x --seed 18446744073709551616
expect 2 '--seed: -1 is out of range' train --data x --seed -1
for flag in lr weight-decay momentum; do
    expect 2 "--$flag: -0.1 is out of range" train --data x --$flag -0.1
    expect 2 "--$flag: \"nan\" is not a finite number" train --data x --$flag nan
    expect 2 "--$flag: \"inf\" is not a finite number" train --data x --$flag inf
    expect 2 "--$flag: \"1e999\" is not a finite number" train --data x --$flag 1e999
    expect 2 "--$flag: \"0.1x\" is not a finite number" train --data x --$flag 0.1x
    expect 2 "--$flag: \"0x1p-3\" is not a finite number" train --data x --$flag 0x1p-3
done
expect 2 '--momentum: 1 is out of range' train --data x --momentum 1
expect 2 '--val-fraction: 1.5 is out of range' train --data x --val-fraction 1.5
expect 2 '--adam-eps: 0 is out of range' train --data x --adam-eps 0
expect 2 '--shuffle: 0 is out of range' train --data x --shuffle window:0
expect 2 '--shuffle: "windows" is not one of' train --data x --shuffle windows
expect 2 '--size: 0 is out of range' summary --size 0
expect 5 'size 100000: one image needs about [0-9.]+ [GT]iB of memory' bench --size 100000
expect 5 'size 2000000000: one image needs' eval googlenet --data x --size 2000000000
expect 2 '--batch: 0 is out of range' bench --batch 0
expect 2 '--threads: 0 is out of range' bench --threads 0
expect 2 '--top: 0 is out of range' predict googlenet x --top 0
expect 2 '--limit: 0 is out of range' eval googlenet --data x --limit 0

# Contradictions.
expect 2 '^googlenet: fit: --momentum and --nesterov belong to sgd, lars and muon' train --data x --optimizer adamw --momentum 0.9
expect 2 'needs a --momentum' train --data x --nesterov
expect 2 '--layers is of one thread count, --scaling of several' bench --scaling --layers
expect 2 'contradicts the preset' summary googlenet --preset lenet
expect 2 'cannot be given with --resume' train --resume x --lr 0.1
expect 2 'cannot be given with --resume' train --resume x --out y

# Kernel sets.
GOOGLENET_ISA=sse9
export GOOGLENET_ISA
for command in info summary 'bench --rounds 1' 'train --data x' 'eval googlenet --data x'; do
    # shellcheck disable=SC2086 # several words
    expect 2 'sse9' $command
done
expect 0 '^Usage' info --help
GOOGLENET_ISA=generic
expect 0 '^kernels +generic' info
unset GOOGLENET_ISA

# Models that are neither preset nor file.
expect 4 'the nearest preset is googlenet' summary googlent
expect 4 'the nearest preset is googlenet' summary frobnicate
expect 4 'no/such.safetensors: neither' eval no/such.safetensors --data x
expect 4 'missing.safetensors: neither' predict missing.safetensors x
expect 4 'neither' train --data x --model missing.safetensors
mkdir folder
expect 4 'folder' summary folder
echo 'no model' >text
expect 4 'text' summary text
: >empty
expect 4 'empty' summary empty

# Data that is not there.
expect 3 'nowhere' train --data ./nowhere
expect 3 'did you mean fashion-mnist' eval googlenet --data fashion-mnst
expect 3 'folder' train --data folder
expect 3 'no.idx' predict googlenet no.idx
printf '\211PNG\r\n\032\n' >picture.png
expect 3 'picture.png: PNG: truncated' predict googlenet picture.png
expect 2 'data preview: the name' data preview
expect 2 'did you mean mirror' data preview folder --augment miror
expect 2 'did you mean mirror' train --data folder --augment miror
expect 3 'folder' predict googlenet folder

# Runs.
expect 3 'cannot resume' train --resume nowhere
expect 3 'holds no checkpoint' train --resume folder
mkdir run
: >run/checkpoint.safetensors
expect 3 'run/config.json' train --resume run
echo '{"format": 1, "options": {"epoch": 3}}' >run/config.json
expect 3 'unknown option' train --resume run
echo '{"format": 1, "options": {"epochs": "many"}}' >run/config.json
expect 3 'epochs: "many"' train --resume run
echo '{"format": 2, "options": {}}' >run/config.json
expect 3 'format 2 is newer' train --resume run
echo '{"format": 1,' >run/config.json
expect 3 'JSON' train --resume run
expect 5 'already holds a run' train --data x --out run

# Streams that cannot be written.
if [ -w /dev/full ]; then
    "$GOOGLENET" summary >/dev/full 2>err
    code=$?
    [ "$code" = 5 ] || fail "full disk: exit code $code, expected 5"
    holds err 'cannot write the results'
fi
"$GOOGLENET" summary >&- 2>err
code=$?
[ "$code" = 5 ] || fail "closed stdout: exit code $code, expected 5"

# Names cannot reach the terminal as escapes.
expect 4 'a\?\[31mb' summary "$(printf 'a\033[31mb')"

finish
