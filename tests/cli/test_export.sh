#!/bin/bash
# `export` and `import`: by the ending of the name, says what the caller must do, and refuses the rest.
# labels: quick
. "$GN_SOURCE_DIR/tests/cli/cases.sh"
printf 'input 12 1\nconv conv 4 3 2\nmean\noutput 3\n' >tiny.net
expect 0 'tiny.onnx' export tiny.net tiny.onnx
holds err 'the caller prepares pictures: \[\{"step":"decode"'
holds err 'warning: tiny.net is a preset: its weights are fresh'
expect 0 '"embedded": true' export tiny.net bytes.onnx --embed-preprocessing --json
expect 0 'tiny.c' export tiny.net tiny.c
holds tiny.c 'static float input\[TINY_INPUT\], output\[TINY_CLASSES\];'
expect 0 'my.c' export tiny.net my.c --name small --softmax
holds my.c 'int small_run.const float .input, float .output.;'
expect 2 'a letter first' export tiny.net my.c --name 2small
expect 2 '.name is for C' export tiny.net tiny.onnx --name small
expect 2 'are for ONNX' export tiny.net my.c --f16
expect 0 'C99 source of a network' info tiny.c
expect 0 'back.safetensors' import tiny.onnx back.safetensors
holds err 'the preprocessing is the file'
expect 0 '"note": "the preprocessing is the file' import tiny.onnx back.safetensors --json
expect 4 'nosuch.onnx: ONNX: ' import nosuch.onnx back.safetensors
expect 2 'only files whose names end in' import tiny.net back.safetensors
expect 0 'tiny.safetensors' export tiny.net tiny.safetensors
expect 0 'samples|Total|conv' summary tiny.safetensors
expect 2 'model.pth: a model is exported to a file whose name ends in' export tiny.net model.pth
expect 2 'opset' export tiny.net tiny.onnx --opset 8
expect 2 'OUT|arguments|missing' export tiny.net
expect 5 'nowhere' export tiny.net nowhere/tiny.onnx
finish
