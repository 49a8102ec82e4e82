#!/usr/bin/env bash
# examples.sh valgrind|asan|tsan [NAME...]: runs the programs of examples/ (those named, all otherwise) the way a
# user's programs are checked. Every finding is an error.
#
#   valgrind   memcheck over the ordinary build (BUILD, build/): bad memory, values that nobody set, memory that is
#              lost (what is still reachable at the end is not: libpixman's tables, the library's idle threads).
#              The kernels are the generic ones: memcheck calls a function for each fused multiplication, so that
#              those for AVX2 take ten times as long (GOOGLENET_ISA=avx2 asks for them; it knows no AVX-512)
#   asan       built in build-asan with AddressSanitizer, LeakSanitizer and UBSan; without the C++ ones
#   tsan       built in build-tsan with ThreadSanitizer; generic kernels, which it knows best
#
# All of them, measured on two cores of a shared machine: valgrind 7.5 minutes of a processor; asan 5 with the build (a
# minute and a half of tests); tsan 25 with the build, 44 of the clock, when three of them still trained on 256 images.
# The longest: learning_rate, tiny_inception.
#
# As root of a Debian it installs valgrind. Exit code 77: something is missing, with a sentence.
set -u
cd "$(dirname "$0")/.." || exit 1
kind=${1:?examples.sh: say with what: valgrind, asan or tsan}
shift
folder=build-$kind flags=-DGN_ASSERTS=ON
case $kind in
asan) flags="$flags -DGN_SANITIZE=address,undefined" ;;
tsan)
    flags="$flags -DGN_SANITIZE=thread"
    export GOOGLENET_ISA=generic
    ;;
valgrind)
    folder=${BUILD:-build} flags=
    if ! command -v valgrind >/dev/null; then
        [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null &&
            apt-get -qq install -y --no-install-recommends valgrind libc6-dbg >/dev/null 2>&1 || {
            echo "examples.sh: valgrind is missing, and only root of a Debian can install it"
            exit 77
        }
    fi
    GN_UNDER="valgrind --quiet --error-exitcode=99 --leak-check=full"
    GN_UNDER="$GN_UNDER --show-leak-kinds=definite,indirect,possible --errors-for-leak-kinds=definite,indirect,possible"
    export GN_UNDER="$GN_UNDER --num-callers=30 --fair-sched=try"
    ;;
*)
    echo "examples.sh: $kind is none of valgrind, asan, tsan" >&2
    exit 2
    ;;
esac

# shellcheck disable=SC2086 # words
tools/build.sh "$folder" examples $flags || exit 1
if [ "$kind" = valgrind ]; then
    [ -x "$folder/googlenet" ] || tools/build.sh "$folder" product || exit 1
    export GOOGLENET_ISA=${GOOGLENET_ISA:-generic}
    "$folder/googlenet" info >/dev/null || exit 1 # says that this machine does not have it
fi
[ $# -gt 0 ] || set -- '.*'
names=$(printf '|%s' "$@")
ctest --test-dir "$folder" --output-on-failure --no-tests=error -j 2 \
    -R "^examples/(${names#|})\$" -E '^examples/every_function$'
