#!/bin/bash
# labels: quick
# `verify`: a file alone, two files of any format, where they part; `info FILE`.
. "$GN_SOURCE_DIR/tests/cli/cases.sh"

cat > tiny.net <<EOF
input 12 1
classes 3
conv a 4 3 2
inception i 2 2 3 1 2 2
mean
output
EOF
expect 0 '' export tiny.net a.safetensors -q
expect 0 'is whole: ' verify a.safetensors
expect 0 '' export a.safetensors a.onnx -q
expect 0 'equal within' verify a.safetensors a.onnx --layers
expect 0 '"first_layer": null' verify a.safetensors a.onnx --json
# The tolerance is a part of the largest answer: just above the difference, and just below it.
expect 0 '' export a.safetensors half.onnx --f16 -q
run verify a.safetensors half.onnx --json --tol 1
apart=$(sed -n 's/.*"max_abs": \([^,]*\),.*/\1/p' out)
largest=$(sed -n 's/.*"largest_logit": \([^,]*\),.*/\1/p' out)
expect 0 'equal within' verify a.safetensors half.onnx --tol "$(awk "BEGIN { print 1.01 * $apart / $largest }")"
expect 1 'not equal' verify a.safetensors half.onnx --tol "$(awk "BEGIN { print 0.99 * $apart / $largest }")"
# Normalisations are folded into the convolutions of the other file; layers are what prediction computes.
small="googlenet-small --size 32 --classes 3"
expect 0 '' export $small n.onnx -q
expect 0 '' export $small n.safetensors -q
expect 0 'layers  *none parts' verify n.safetensors n.onnx --layers
expect 0 '"top1_agreement": 1.0' verify a.safetensors a.onnx --json --limit 5 --seed 3
printf 'input 12 1\nclasses 3\nconv a 4 3 2\nmean\noutput\n' > other.net
expect 1 'not equal' verify a.safetensors other.net --layers
holds out 'differ in shape'
expect 1 'not equal' verify a.safetensors other.net --json
holds out '"within": false'
expect 2 'classes' verify a.safetensors googlenet
expect 4 'nosuch' verify a.safetensors nosuch.onnx
head -c 700 a.safetensors > cut.safetensors
expect 4 'cut.safetensors' verify cut.safetensors
expect 0 'safetensors .model file' info a.safetensors
expect 0 '"classes": 3' info a.safetensors --json
expect 0 'opset 13' info a.onnx
expect 0 'network as text' info tiny.net
# What Caffe's weights do not say is given as to `import`.
mkdir elsewhere
cp "$GN_SOURCE_DIR/tests/exchange/caffe/new.caffemodel" w.caffemodel
cp "$GN_SOURCE_DIR/tests/exchange/caffe/new.prototxt" elsewhere/n.prototxt
expect 0 '' import w.caffemodel w.safetensors --prototxt elsewhere/n.prototxt --mean 1,2,3
expect 0 'in different ways' verify w.caffemodel w.safetensors
expect 4 'nosuch.prototxt' verify w.caffemodel w.safetensors --prototxt nosuch.prototxt
expect 0 'in the same way' verify w.caffemodel w.safetensors --prototxt elsewhere/n.prototxt --mean 1,2,3
expect 0 '^network ' info w.caffemodel --prototxt elsewhere/n.prototxt --mean 1,2,3
holds out "by.:.1,2,3"
# A header that is no network of ours: what is missing is said in one line, without the library's fields.
printf '\002\000\000\000\000\000\000\000{}' >empty.safetensors
expect 0 '^note .*does not say which network' info empty.safetensors
grep -q 'hint\|?' out && fail "info of a foreign file: $(cat out)"
expect 4 'nosuch' info nosuch
finish
