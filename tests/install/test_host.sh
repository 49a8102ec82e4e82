#!/bin/sh
# The library inside of other programs: loaded and unloaded, among a program's own OpenMP, in C++ with each
# compiler that is here.
# labels: push
# timeout: 300
set -eu

if [ -n "$GN_SANITIZE" ]; then
    echo "SKIPPED: other programs are not built against a library with sanitizers"
    exit 77
fi
host=$GN_SOURCE_DIR/tests/install/host
flags="-I$GN_SOURCE_DIR/include -Wall -Wextra -Werror -O1"
link="-L$GN_BUILD_DIR -lgooglenet -Wl,-rpath,$GN_BUILD_DIR"
failures=0

# runs PROGRAM ARGUMENTS...
runs() {
    if "$@"; then
        echo "ok: $1"
    else
        echo "FAILED: $*" >&2
        failures=$((failures + 1))
    fi
}

# shellcheck disable=SC2086 # lists of flags
"$CC" -std=gnu11 $flags -o unload "$host/unload.c" -ldl
runs ./unload "$GN_BUILD_DIR/libgooglenet.so"

# shellcheck disable=SC2086
if "$CC" -std=gnu11 $flags -fopenmp -o openmp "$host/openmp.c" $link 2>openmp.log; then
    runs ./openmp
elif echo '#include <omp.h>' | "$CC" -fopenmp -xc -fsyntax-only - 2>/dev/null; then
    cat openmp.log >&2
    failures=$((failures + 1))
else
    echo "left out: $CC has no OpenMP"
fi

"$CC" -std=c11 -O1 -o make_idx "$GN_SOURCE_DIR/tests/install/consumer/make_idx.c"
mkdir tiny
./make_idx tiny
for compiler in g++ clang++; do
    command -v $compiler >/dev/null 2>&1 || continue
    # shellcheck disable=SC2086
    $compiler -std=c++17 -Wpedantic -Wconversion $flags -o "modern-$compiler" "$host/modern.cpp" $link
    runs "./modern-$compiler" tiny
done
exit $((failures > 0))
