#!/bin/sh
# fuzz.sh TARGET SECONDS: builds build-fuzz with clang and libFuzzer, and lets it work on one target of
# tests/fuzz, or on each for that time with TARGET "all". Inputs found so far are kept in
# build-fuzz/corpus/TARGET; one that breaks something in build-fuzz/found/TARGET-*: then the exit code
# is 1, and the same program with that file as its argument shows it again.
set -u
cd "$(dirname "$0")/.." || exit 1
target=${1:-}
seconds=${2:-60}
folder=build-fuzz
program=$folder/tests/fuzz

tools/build.sh $folder fuzz -DCMAKE_C_COMPILER=clang -DGN_FUZZ=ON -DGN_ASSERTS=ON || exit $?
all=$($program 2>&1 | sed 1d)
[ "$target" != all ] || target=$all
if [ -z "$target" ]; then
    printf 'fuzz.sh: say which target, or all:\n%s\n' "$all" >&2
    exit 2
fi

# What a target prints (the program's sentences) is not shown; a report of the sanitizers is.
# Memory: pictures of a million pixels, sanitizers and all; a reader that wants more is at fault.
found=0
mkdir -p $folder/found
for name in $target; do
    mkdir -p "$folder/corpus/$name"
    if ! GN_FUZZ_TARGET=$name GN_FUZZ_SEEDS=$folder/corpus/$name $program \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=512 \
        -close_fd_mask=2 -print_final_stats=0 -verbosity=0 \
        -artifact_prefix="$folder/found/$name-" "$folder/corpus/$name" >$folder/log 2>&1; then
        cat $folder/log
        echo "fuzz.sh: $name: broken, see $folder/found" >&2
        found=1
    else
        echo "fuzz.sh: $name: $(find "$folder/corpus/$name" -type f | wc -l) inputs, nothing found"
    fi
done
exit $found
