#!/usr/bin/env bash
# small.sh KIND [BUILD]: builds the library for prediction alone (-Dtraining=off), which needs no other library,
# for another processor or C library, and runs it there: its answers must be those of the whole library of this
# machine (BUILD, build/), bit for bit.
#
#   musl      x86-64 Linux with musl, statically linked
#   riscv64   in qemu's emulator, which is slow: one small network, by the generic kernels
#   windows   x86-64 Windows with mingw-w64; the static library and the DLL, in Wine. Where there is no Wine, it is
#             compiled and linked: code 77
#
# As root of a Debian it installs the compiler. Exit code 77: something is missing, with a sentence.
set -u
cd "$(dirname "$0")/.." || exit 1
kind=${1:?small.sh: say for what: musl, riscv64 or windows}
whole=${2:-build}
emulator= flags= system=Linux sets=generic presets=googlenet-small
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
windows)
    compiler=x86_64-w64-mingw32-gcc-posix processor=x86_64 packages='gcc-mingw-w64-x86-64-posix wine64' system=Windows
    flags='-static -D__USE_MINGW_ANSI_STDIO=1' sets='generic avx2' presets='googlenet-small googlenet-bn'
    emulator=$(command -v wine64 || command -v /usr/lib/wine/wine64 || echo wine64)
    ;;
*)
    echo "small.sh: $kind is none of musl, riscv64, windows" >&2
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
tools/build.sh "$folder" all -Dtraining=off -DGN_HALF=ON -DGN_WERROR=ON -DCMAKE_BUILD_TYPE=Release -DCMAKE_SYSTEM_NAME=$system \
    -DCMAKE_SYSTEM_PROCESSOR=$processor -DCMAKE_C_COMPILER="$compiler" || exit 1
programs=$folder/logits
# shellcheck disable=SC2086 # words
own() {
    "$compiler" -std=gnu11 -O1 -Wall -Wextra -Werror -Iinclude $flags -o "$@" -lm -lpthread || exit 1
}
own "$programs" tests/install/prediction/logits.c "$folder/libgooglenet.a"
if [ $kind = windows ]; then # the DLL is found in the program's folder
    own "$folder/logits-dll" tests/install/prediction/logits.c "$folder/libgooglenet.dll.a"
    own "$folder/windows" tests/install/prediction/windows.c "$folder/libgooglenet.dll.a"
    programs="$folder/logits.exe $folder/logits-dll.exe"
    export WINEPREFIX=$PWD/$folder/wine WINEDEBUG=-all
    "$emulator" wineboot --init >"$folder/wine.log" 2>&1
fi
cc -std=gnu11 -O1 -Iinclude -o "$folder/whole" tests/install/prediction/logits.c -L"$whole" -lgooglenet \
    -Wl,-rpath,"$PWD/$whole" || exit 1

[ -z "$emulator" ] || command -v "${emulator%% *}" >/dev/null || skip "compiled, not run: no ${emulator%% *}"
for preset in $presets; do
    model=$folder/$preset.safetensors
    "$whole/googlenet" export $preset "$model" >/dev/null 2>&1 || exit 1
    for isa in $sets; do
        for weights in '' f16; do
            GOOGLENET_ISA=$isa "$folder/whole" "$model" $weights >"$folder/expected" || skip "this machine has no AVX2"
            for program in $programs; do
                # shellcheck disable=SC2086 # words
                GOOGLENET_ISA=$isa $emulator "$program" "$model" $weights >"$folder/said" || exit 1
                tr -d '\r' <"$folder/said" >"$folder/answers"
                cmp "$folder/expected" "$folder/answers" || exit 1
            done
        done
        echo "small.sh: $kind, $isa: $preset answers with the same bits"
    done
done

if [ $kind = windows ]; then
    cp "$model" "$folder/größe.safetensors"
    $emulator "$folder/windows.exe" "$model" "$folder" || exit 1
    "$folder/whole" "$model" errors | sed 's/ no JSON: .*/ no JSON/' >"$folder/expected"
    $emulator "$folder/logits.exe" "$model" errors | tr -d '\r' | sed 's/ no JSON: .*/ no JSON/' >"$folder/answers"
    cmp "$folder/expected" "$folder/answers" || exit 1
    echo "small.sh: $kind: the same sentences about a damaged file; names of files, locales"
fi
