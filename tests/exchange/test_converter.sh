#!/bin/bash
# The process around libhdf5 can open no file, reach no network and start no program while it works: its limits
# and its filter of system calls are seen from outside while it waits for its reader.
# labels: quick no-sanitize
. "$GN_SOURCE_DIR/tests/cli/cases.sh"
run info --json
if ! grep -q '"hdf5": true' out; then
    echo "skipped: this build has no libhdf5" >&2
    exit 77
fi
if [ "$(uname -m)" != x86_64 ] || ! [ -r /proc/self/limits ]; then
    echo "skipped: the filter is for Linux on x86-64" >&2
    exit 77
fi
expect 0 '' export googlenet-small large.h5 --size 28 --classes 10 -q
# What it reads begins with the size, in eight bytes.
size=$(wc -c <large.h5)
for shift in 0 8 16 24 32 40 48 56; do
    # shellcheck disable=SC2059 # an octal escape
    printf "\\$(printf %03o $((size >> shift & 255)))"
done >input
cat large.h5 >>input
mkfifo answer
"$GN_BUILD_DIR/googlenet-hdf5" read <input >answer &
converter=$!
exec 5<answer
for _ in $(seq 100); do # until it has closed its doors; then it waits, since the pipe is full
    cp "/proc/$converter/status" status
    grep -q '^Seccomp:[[:space:]]*2$' status && break
    sleep 0.1
done
cp "/proc/$converter/limits" limits
exec 5<&-
wait "$converter"
grep -q '^Seccomp:[[:space:]]*2$' status || fail "no filter of system calls: $(grep Seccomp status)"
grep -q '^NoNewPrivs:[[:space:]]*1$' status || fail "it may gain rights"
grep -Eq '^Max open files +3 +3 ' limits || fail "it may open files: $(grep 'open files' limits)"
grep -Eq '^Max file size +0 +0 ' limits || fail "it may write files: $(grep 'file size' limits)"
grep -Eq '^Max address space +[0-9]+ ' limits || fail "its memory has no limit"
grep -Eq '^Max cpu time +[0-9]+ ' limits || fail "its time has no limit"
finish
