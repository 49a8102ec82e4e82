#!/bin/bash
# A reader that has read enough (`... | head -1`) ends the program quietly with the code of its work; a
# full disk is an error with a sentence.
# labels: push
. "$GN_SOURCE_DIR/tests/cli/cases.sh"
data set 24 10 3
printf 'input 12 1\nconv conv 4 3 2\nmean\noutput\n' >tiny.net
run train --data set --model tiny.net --size 12 --batch 8 --max-steps 1 --out run
[ "$code" = 0 ] || fail "train: exit code $code: $(cat err)"

# unread CODE ARGS...: nobody reads the output; the program ends with CODE and without a word.
unread()
{
    wanted=$1
    shift
    { sleep 0.5; "$GOOGLENET" "$@" 2>err; echo $? >code; } | true
    [ "$(cat code)" = "$wanted" ] || fail "$1: exit code $(cat code), expected $wanted"
    [ "$wanted" != 0 ] || ! grep '^googlenet: ' err || fail "$1: complains of its reader"
}
unread 0 summary --json
unread 0 predict run/model.safetensors set/t10k-images-idx3-ubyte
unread 0 predict run/model.safetensors set/t10k-images-idx3-ubyte --json
unread 4 summary nosuch.safetensors

"$GOOGLENET" summary --json >/dev/full 2>err
[ $? = 5 ] || fail "a full disk: not 5"
grep -q '^googlenet: cannot write the results' err || fail "a full disk: $(cat err)"
"$GOOGLENET" predict run/model.safetensors set/t10k-images-idx3-ubyte >/dev/full 2>err
[ $? = 5 ] || fail "predict on a full disk: not 5"
finish
