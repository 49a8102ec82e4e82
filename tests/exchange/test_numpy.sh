#!/bin/bash
# NumPy's archives: what goes out comes back with the same bits, network, labels and all; what NumPy itself wrote
# (tools/exchange/make_numpy.py) in float16, 32 and 64, packed and in Fortran's order is the same network; what is
# not read is named by its array.
# labels: quick
. "$GN_SOURCE_DIR/tests/cli/cases.sh"
theirs=$GN_SOURCE_DIR/tests/exchange/numpy
cat >net.net <<'NET'
input 12 1
classes 4
stage b1
conv conv 2 3 2
stage b2
inception i1 2 1 2 1 2 3
mean
stage
output dense
NET
expect 0 'out.npz' export net.net out.npz
expect 0 'preprocessing is the file' import out.npz back.safetensors --json
expect 0 'equal within' verify net.net back.safetensors --tol 0
expect 0 '' import out.npz back.safetensors --model net.net -q
expect 0 'equal within' verify net.net back.safetensors --tol 0
expect 0 '' export back.safetensors again.npz -q
cp out.npz first.npz
expect 0 '' export net.net out.npz -q
same first.npz out.npz
expect 0 'NumPy arrays' info out.npz
printf 'a\nb "quoted"\nc\nd\n' >labels.txt
expect 0 '' import out.npz labelled.safetensors --labels labels.txt -q
expect 0 '' export labelled.safetensors labelled.npz -q
expect 0 '' import labelled.npz back.safetensors -q
expect 0 'b .*quoted' predict back.safetensors "$GN_SOURCE_DIR/docs/curves.png" --json

expect 0 'assumed' import "$theirs/f4.npz" f4.safetensors --model net.net --json
for kind in f2 f8 fortran packed; do
    expect 0 '' import "$theirs/$kind.npz" "$kind.safetensors" --model net.net -q
    expect 0 'equal within' verify f4.safetensors "$kind.safetensors" --tol 0
done
expect 1 'differ' verify f4.safetensors net.net # other weights, so the comparison can fail
expect 4 'few.npz: NumPy: .*tensors of the network do not fit' import "$theirs/few.npz" x.safetensors --model net.net
grep -q '^! ' err || fail "no table of both sides"
expect 4 'big_endian.npz: NumPy: numbers of type >f4' import "$theirs/big_endian.npz" x.safetensors --model net.net
expect 4 'objects.npz: NumPy: numbers of type .O' import "$theirs/objects.npz" x.safetensors --model net.net
expect 4 'do not fit' import out.npz x.safetensors --model googlenet
head -c 2000 out.npz >cut.npz
expect 4 'cut.npz: zip: no directory' import cut.npz x.safetensors
sed 's/googlenet.json/googlenet.jsom/g' out.npz >other.npz
expect 4 'other.npz: NumPy: the array "googlenet.jsom" holds text' import other.npz x.safetensors
[ -e x.safetensors ] && fail "a refused file has left another"
finish
