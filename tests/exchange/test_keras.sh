#!/bin/bash
# Keras' files: what goes out comes back with the same bits, in both forms of the block and both formats, with
# normalisation and without; odd files are refused with a sentence. tools/exchange/check_keras.py compares with
# Keras itself.
# labels: quick
. "$GN_SOURCE_DIR/tests/cli/cases.sh"
run info --json
if ! grep -q '"hdf5": true' out; then
    expect 5 'googlenet-hdf5' export googlenet x.h5
    echo "this build has no libhdf5" >&2
    exit 77
fi
shape='stage b1\nconv conv 4 7 2\nmax pool 3 2\nstage b2\ninception i1 2 2 3 1 2 2\ninception i2 3 2 4 2 3 2\nmean\nstage\noutput dense\n'
# shellcheck disable=SC2059 # the shape has the line breaks
printf "input 32 1\nclasses 3\n$shape" >plain.net
# shellcheck disable=SC2059
printf "input 32 1\nclasses 3\nnorm keras\n$shape" >norm.net
for net in plain norm; do
    for file in a.weights.h5 a.h5 a.keras; do
        for block in layer model; do
            expect 0 "$file" export "$net.net" "$file" --keras-block "$block"
            [ -s a.py ] || fail "there is no a.py"
            expect 0 'preprocessing is the file' import "$file" back.safetensors --model "$net.net" --json
            expect 0 'equal within' verify "$net.net" back.safetensors --tol 0
            cp "$file" first
            expect 0 '' export "$net.net" "$file" --keras-block "$block" -q
            same first "$file"
        done
    done
done
holds a.py 'keras.saving.load_model'
expect 0 'Keras model' info a.keras
expect 0 '' export plain.net a.weights.h5 -q
expect 4 'tensors of the network do not fit' import a.weights.h5 back.safetensors
grep -q '^! ' err || fail "no table of both sides"
expect 0 'HDF5' info a.weights.h5
expect 2 'layer.* or .*model' export plain.net a.h5 --keras-block both
expect 4 'padding is not|not in the notebook' export googlenet-paper a.h5
echo 'precious = 1' >mine.py
expect 5 'mine.py: is there already and was not made by an export' export plain.net mine.weights.h5
[ "$(cat mine.py)" = 'precious = 1' ] || fail "an own Python file was replaced"
[ -e mine.weights.h5 ] && fail 'weights were written without their Python file'
for class in a b c; do
    printf "$class%030000d\n" 0
done >long.txt
expect 0 '' import a.weights.h5 long.safetensors --model plain.net --labels long.txt -q
expect 4 '3 class names take .* a Keras file holds at most' export long.safetensors long.h5
head -c 3000 a.weights.h5 >cut.h5
expect 4 'cut.h5: Keras: ' import cut.h5 back.safetensors
printf 'PK\003\004' >bad.keras
expect 4 'bad.keras: zip: ' import bad.keras back.safetensors
flip=$(grep -abo PK a.keras | sed -n 3p | cut -d: -f1) # the third member: the weights
{ head -c $((flip + 3000)) a.keras; printf x; tail -c +$((flip + 3002)) a.keras; } >flip.keras
expect 4 'flip.keras: zip: a member is damaged' import flip.keras back.safetensors --model norm.net
echo nothing >w.index
expect 4 'w.index: TensorFlow: this is no checkpoint|w.data-00000-of-00001: ' import w.index back.safetensors
echo nothing >none.h5
expect 4 'neither HDF5 nor a zip' import none.h5 back.safetensors
GOOGLENET_HDF5=./nosuch expect 5 'googlenet-hdf5 is not there' import a.weights.h5 back.safetensors --model plain.net
finish
