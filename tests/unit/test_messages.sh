#!/bin/sh
# The library's messages name members (".batch"), which the program shows as its flags: a flag in the
# text of the library would be wrong for every other program.
# labels: quick
# src/serve and src/hdf5 are parts of programs; gn_file_info.use names the program's command.
others="^$GN_SOURCE_DIR/src/\\(cli/\\|serve/\\|hdf5/\\|exchange/describe.c:\\)"
. "$GN_SOURCE_DIR/tests/cli/cases.sh"
# Comments may name flags: only texts in quotation marks are looked at. Style sheets have such names, too.
grep -rnE '"[^"]*(^|[^-])--[a-z][a-z-]+' --include='*.c' --include='*.h' "$GN_SOURCE_DIR/src" |
    grep -v "$others" | grep -vE '^[^:]*:[0-9]*: *(/\*|\*|//)|var\(--|--[a-z]+:' >found
[ -s found ] && fail "flags of the program in messages of the library: $(cat found)"
grep -rnE '"[^"]*googlenet (train|eval|predict|lr-find|data|info|bench|summary|runs|watch|explain|serve)' --include='*.c' "$GN_SOURCE_DIR/src" |
    grep -v "$others" >found
[ -s found ] && fail "commands of the program in messages of the library: $(cat found)"

# And back: what the library says about members, the program says about its flags.
data set 16 8 2
expect 2 '^googlenet: .*--warmup-steps .*--warmup-epochs' train --data set --warmup-steps 3 --warmup-epochs 1
grep -E '(^|[ (])\.[a-z_]+' err && fail "a member in a message of the program: $(cat err)"
finish
