#!/usr/bin/env bash
# small.sh KIND [BUILD]: builds the library for prediction alone (-Dtraining=off), which needs no other library,
# for another processor or C library, and runs it there: its answers must be those of the whole library of this
# machine (BUILD, build/), bit for bit.
#
#   musl      x86-64 Linux with musl, statically linked
#   riscv64   in qemu's emulator, which is slow: one small network, by the generic kernels
#
# As root of a Debian it installs the compiler. Exit code 77: something is missing, with a sentence.
set -u
cd "$(dirname "$0")/.." || exit 1
kind=${1:?small.sh: say for what: musl or riscv64}
whole=${2:-build}
emulator= flags= sets=generic presets=googlenet-small
case $kind in
musl)
    compiler=musl-gcc processor=x86_64 packages=musl-tools flags=-static
    sets='generic avx2' presets='googlenet-small googlenet-bn'
    ;;
riscv64)
    compiler=riscv64-linux-gnu-gcc processor=riscv64
    packages='gcc-riscv64-linux-gnu libc6-dev-riscv64-cross qemu-user'
    emulator='qemu-riscv64 -L /usr/riscv64-linux-gnu'
    ;;
*)
    echo "small.sh: $kind is neither musl nor riscv64" >&2
    exit 2
    ;;
esac

skip() {
    echo "small.sh: $*"
    exit 77
}
if ! command -v "$compiler" >/dev/null; then
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || skip "only root of a Debian can install $packages"
    # shellcheck disable=SC2086 # words
    apt-get -qq install -y --no-install-recommends $packages >/dev/null 2>&1 || skip "$packages cannot be installed"
fi
[ -x "$whole/googlenet" ] || skip "there is no $whole/googlenet to compare with: make build"

folder=build-small-$kind
[ -x "$(command -v cc)" ] || skip "no compiler for this machine"
tools/build.sh "$folder" all -Dtraining=off -DGN_WERROR=ON -DCMAKE_BUILD_TYPE=Release -DCMAKE_SYSTEM_NAME=Linux \
    -DCMAKE_SYSTEM_PROCESSOR=$processor -DCMAKE_C_COMPILER="$compiler" || exit 1
program=$folder/logits
# shellcheck disable=SC2086 # words
"$compiler" -std=gnu11 -O1 -Iinclude $flags -o "$program" tests/install/prediction/logits.c \
    "$folder/libgooglenet.a" -lm -lpthread || exit 1
cc -std=gnu11 -O1 -Iinclude -o "$folder/whole" tests/install/prediction/logits.c -L"$whole" -lgooglenet \
    -Wl,-rpath,"$PWD/$whole" || exit 1

[ -z "$emulator" ] || command -v "${emulator%% *}" >/dev/null || skip "compiled, not run: no ${emulator%% *}"
for preset in $presets; do
    model=$folder/$preset.safetensors
    "$whole/googlenet" export $preset "$model" >/dev/null 2>&1 || exit 1
    for isa in $sets; do
        GOOGLENET_ISA=$isa "$folder/whole" "$model" >"$folder/expected" || skip "this machine has no AVX2"
        # shellcheck disable=SC2086 # words
        GOOGLENET_ISA=$isa $emulator "$program" "$model" >"$folder/answers" || exit 1
        cmp "$folder/expected" "$folder/answers" || exit 1
        echo "small.sh: $kind, $isa: $preset answers with the same bits"
    done
done
