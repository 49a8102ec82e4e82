#!/usr/bin/env bash
# program.sh WINE BUILD HERE: the program for Windows in BUILD, run under Wine, does what that of this machine in
# HERE does, and its files have the same bytes. For tools/windows.sh.
set -u
wine=$1
program=$PWD/$2/googlenet.exe
here=$PWD/$3/googlenet
[ -x "$here" ] || { echo "program.sh: there is no $here to compare with: make build" && exit 77; }
data=/usr/share/datasets/fashion-mnist
[ -d $data ] || { echo "program.sh: the data set is not there (dataset-fashion-mnist)" && exit 77; }
place=$(mktemp -d "$PWD/$2/program.XXXXXX") || exit 1
trap 'rm -rf "$place"' EXIT
cd "$place" || exit 1

fail() {
    echo "program.sh: $*"
    exit 1
}
run() { "$wine" "$program" "$@"; }
# must COMMAND...: succeeds; what it says is in the file `said`.
must() {
    "$@" >said 2>&1 && return 0
    cat said
    fail "failed: $*"
}
# says CODE TEXT COMMAND...: the exit code, and a part of the sentence.
says() {
    local code=$1 text=$2
    shift 2
    "$@" >said 2>&1
    [ $? -eq "$code" ] && grep -qF "$text" said && return 0
    cat said
    fail "not code $code with \"$text\": $*"
}
same() { cmp "$1" "$2" || fail "$1 and $2 differ"; }

trains=(train --model googlenet-small --size 28 --data fashion-mnist --batch 2 --limit-train 60 --limit-val 20
    --seed 1 --overwrite --quiet --threads 1)

must run info
grep -q '^HTTP server   not built in' said || fail "info does not say what is left out"
must run summary googlenet --json
tr -d '\r' <said >there.json
"$here" summary googlenet --json >here.json
same here.json there.json

for set in generic avx2; do
    must env GOOGLENET_ISA=$set "$here" "${trains[@]}" --max-steps 30 --epochs 1 --out here-$set
    must env GOOGLENET_ISA=$set "$wine" "$program" "${trains[@]}" --max-steps 30 --epochs 1 --out there-$set
    same here-$set/model.safetensors there-$set/model.safetensors
done
must run runs list . --json

# Killed in the middle, and resumed. A name that is not ASCII, and separators of Windows.
must "$here" "${trains[@]}" --epochs 4 --out whole
"$wine" "$program" "${trains[@]}" --epochs 4 --out 'größe\läuft' >said 2>&1 &
pid=$!
for _ in $(seq 600); do
    [ -e größe/läuft/best.safetensors ] && break
    sleep 0.1
done
kill -KILL $pid
wait $pid 2>/dev/null
[ ! -e größe/läuft/result.json ] || fail "the run ended before it was killed"
must run train --resume größe/läuft --quiet --threads 1
same whole/model.safetensors größe/läuft/model.safetensors
same whole/best.safetensors größe/läuft/best.safetensors
[ -z "$(find größe -name '*.tmp.*')" ] || fail "something temporary stays"

# Ctrl-C, which Wine makes of SIGINT: a clean checkpoint, and code 130.
"$wine" "$program" "${trains[@]}" --epochs 99 --out gebeten >said 2>&1 &
pid=$!
for _ in $(seq 600); do
    [ -e gebeten/best.safetensors ] && break
    sleep 0.1
done
kill -INT $pid
wait $pid
[ $? -eq 130 ] && grep -q 'stopped on request' said && [ -e gebeten/result.json ] || fail "Ctrl-C does not end it well"

model=größe/läuft/best.safetensors
must run verify $model
must run eval $model --data fashion-mnist --limit 50 --json
tr -d '\r' <said | grep -o '"loss": *[0-9.e-]*' >there.txt
"$here" eval $model --data fashion-mnist --limit 50 --json 2>&1 | grep -o '"loss": *[0-9.e-]*' >here.txt
same here.txt there.txt
must run predict $model $data/t10k-images-idx3-ubyte.gz --limit 3 --json
for ending in onnx npz c; do
    must run export $model "weg ü.$ending"
    must "$here" export $model "weg h.$ending"
done
same "weg ü.onnx" "weg h.onnx"
same "weg ü.npz" "weg h.npz"
must run import "weg ü.onnx" zurück.safetensors
must run verify $model zurück.safetensors

# Pictures in folders of classes, written by this script: PPM.
for class in blau röt; do
    shade=$((${shade:-60} + 40))
    for i in 1 2 3 4 5 6; do
        mkdir -p bilder/train/$class bilder/val/$class
        for split in train val; do
            printf 'P6\n28 28\n255\n' >bilder/$split/$class/$i.ppm
            head -c 2352 /dev/zero | tr '\0' "\\$((shade + i))" >>bilder/$split/$class/$i.ppm
        done
    done
done
pictures=(train --model googlenet-small --size 28 --data bilder --batch 4 --epochs 1 --seed 1 --quiet --threads 1 --overwrite)
must "$here" "${pictures[@]}" --out bilder-h
must run "${pictures[@]}" --out bilder-w
same bilder-h/model.safetensors bilder-w/model.safetensors
must run predict bilder-w/model.safetensors bilder/val/röt/1.ppm
grep -q 'röt\|blau' said || fail "predict does not name the classes"

says 5 "cannot start processes" run "${trains[@]}" --processes 2 --out two
says 4 "neither a preset nor a model file that exists" run verify nichts.safetensors
run serve $model >said 2>&1 && fail "serve begins"
echo "program.sh: the program for Windows trains, resumes, answers and converts with the bytes of this machine's"
