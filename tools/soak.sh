#!/bin/sh
# soak.sh [SECONDS] [KIND...]: the server under good and hostile load (tests/serve/test_load.c) for so long,
# built with each of the sanitizers: address (with UBSan), thread. A finding is the exit code 1.
set -u
cd "$(dirname "$0")/.." || exit 1
seconds=${1:-600}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- address thread

found=0
for kind in "$@"; do
    case $kind in
    address) folder=build-asan flags=address,undefined isa= ;;
    thread) folder=build-tsan flags=thread isa=generic ;;
    *) echo "soak.sh: $kind is neither address nor thread" >&2 && exit 2 ;;
    esac
    tools/build.sh $folder program -DGN_SANITIZE=$flags -DGN_ASSERTS=ON &&
        tools/build.sh $folder test_serve_load || exit $?
    # The environment of the test is CTest's; its limit of time is not.
    environment="GOOGLENET=$PWD/$folder/googlenet GN_BUILD_DIR=$PWD/$folder GN_SANITIZE=$flags
        GN_LOAD_SECONDS=$seconds ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
        UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
        TSAN_OPTIONS=die_after_fork=0:suppressions=$PWD/tests/support/tsan.supp"
    # shellcheck disable=SC2086 # words
    if env $environment ${isa:+GOOGLENET_ISA=$isa} tests/run.sh \
        "$PWD/$folder/tests/test_serve_load"; then
        echo "soak.sh: $kind: $seconds s, nothing found"
    else
        echo "soak.sh: $kind: something was found" >&2
        found=1
    fi
done
exit $found
