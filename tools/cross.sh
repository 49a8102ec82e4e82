#!/usr/bin/env bash
# cross.sh ARCHITECTURE [WHAT...]: builds for another processor, and runs tests in qemu's emulator.
# Architectures, as Debian names them:
#
#   arm64   64-bit ARM, with the NEON and SVE kernels     armhf   32-bit ARM     i386   32-bit x86
#   s390x   big-endian                                    ppc64el
#   windows  x86-64, under Wine: tools/windows.sh WHAT...
#
# WHAT: names of tests as CTest has them ("kernels/conv"), which alone are built; "units": the quick tests in C;
# those that take long in the emulator are only compiled (`slow` below); "bits": the model that 30 training steps make
# has the bytes of this machine's (build/googlenet, which must fuse, with AVX2 or better; and the data set of
# the package dataset-fashion-mnist). Without WHAT: all quick tests, which take much longer.
#
# As root it installs the compiler and qemu. The libraries of that architecture are fetched into
# build-ARCHITECTURE/root, whatever this machine has; the build is there, too. Exit code 77: something
# is missing, with a sentence.
set -u
cd "$(dirname "$0")/.." || exit 1
architecture=${1:?cross.sh: say for which architecture: arm64, armhf, i386, s390x, ppc64el or windows}
shift
case $architecture in
windows) exec tools/windows.sh "$@" ;;
arm64) triple=aarch64-linux-gnu processor=aarch64 emulator='qemu-aarch64;-cpu;max,sve256=on' ;;
armhf) triple=arm-linux-gnueabihf processor=arm emulator=qemu-arm ;;
i386) triple=i686-linux-gnu processor=i686 emulator=qemu-i386 ;;
s390x) triple=s390x-linux-gnu processor=s390x emulator='qemu-s390x;-cpu;max' ;;
ppc64el) triple=powerpc64le-linux-gnu processor=ppc64le emulator=qemu-ppc64le ;;
*)
    echo "cross.sh: $architecture is none of arm64, armhf, i386, s390x, ppc64el, windows" >&2
    exit 2
    ;;
esac

libraries=${triple/i686/i386} # their folder

skip() {
    echo "cross.sh: $*"
    exit 77
}

# The package system's talk is shown when it fails.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() {
    "$@" >"$log" 2>&1 && return 0
    tail -n 5 "$log"
    skip "$* failed"
}

tools_of_this_machine() {
    [ -e "/usr/$triple/lib/crt1.o" ] && command -v "$triple-gcc" >/dev/null && command -v "${emulator%%;*}" >/dev/null && return 0
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null ||
        skip "only root of a Debian can install gcc-$triple and qemu-user"
    quietly apt-get -qq install -y --no-install-recommends "gcc-$triple" qemu-user \
        "libc6-dev-$architecture-cross"
}

# Packages of that architecture, unpacked: an apt of its own fetches them.
fetch_libraries() {
    local base=$PWD/$folder/apt package
    [ -e "$folder/root/complete" ] && return 0
    rm -rf "$base" "$folder/root"
    mkdir -p "$base/lists/partial" "$base/archives/partial" "$base/debs" "$folder/root"
    : >"$base/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
        "${GN_DEBIAN_MIRROR:-http://deb.debian.org/debian} bookworm main" >"$base/sources.list"
    own_apt() {
        (cd "$base/debs" && apt-get -q -o APT::Architecture="$architecture" -o APT::Architectures="$architecture" \
            -o Dir::State="$base" -o Dir::State::status="$base/status" -o Dir::Cache="$base" \
            -o Dir::Etc::sourcelist="$base/sources.list" -o Dir::Etc::sourceparts=- \
            -o APT::Sandbox::User="$(id -un)" "$@")
    }
    quietly own_apt update
    quietly own_apt download libc6 libgcc-s1 zlib1g zlib1g-dev libjansson4 libjansson-dev libcmocka0 \
        libcmocka-dev libjpeg62-turbo libjpeg62-turbo-dev libpng16-16 libpng-dev
    for package in "$base"/debs/*.deb; do
        quietly dpkg-deb -x "$package" "$folder/root"
    done
    # One folder of libraries, and no link to this machine's.
    cp -a "$folder/root/lib/." "$folder/root/usr/lib/"
    rm -rf "$base" "$folder/root/lib"
    ln -s usr/lib "$folder/root/lib"
    ln -sf libz.so.1 "$folder/root/usr/lib/$libraries/libz.so"
    : >"$folder/root/complete"
}

folder=build-$architecture
mkdir -p "$folder"
tools_of_this_machine
fetch_libraries
root=$PWD/$folder/root
emulator="$emulator;-L;$root"
cat >"$folder/toolchain.cmake" <<CMAKE
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR $processor)
set(CMAKE_C_COMPILER $triple-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE $libraries)
set(CMAKE_FIND_ROOT_PATH $root)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_C_FLAGS_INIT "-isystem $root/usr/include/$libraries")
set(CMAKE_EXE_LINKER_FLAGS "-Wl,-rpath-link,$root/usr/lib/$libraries")
set(CMAKE_CROSSCOMPILING_EMULATOR $emulator)
CMAKE
export PKG_CONFIG_LIBDIR=$root/usr/lib/$libraries/pkgconfig:$root/usr/share/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root

# What qemu cannot do: fork a process with threads. Hardening is looked at by tools for this machine.
not='^(train/fork|unit/team|install/.*)$'
# Of units compiled, not run: more than five seconds of a processor in the emulator, some of them minutes.
slow='^(cli/json|data/(beside|hostile_pictures|named)|exchange/(fixtures|import|torch)|formats/(foreign|graph_file)|'
slow="$slow"'fuzz/replay|infer/(predictor|preprocess|program|quantize|threads)|kernels/(bytes|norm|pool|relu_concat)|'
slow="$slow"'locale/library|net/(graph|initial|net_file|pixels)|plan/(attend|plan)|'
slow="$slow"'train/(fit|fit_options|lr_find|metrics|rates|run_files|tensorboard|tensorboard_ranks))$'

# The quick tests in C: area/name.
units() {
    grep -lE '^[ /#*]*labels:.*quick' tests/*/test_*.c | sed 's|^tests/||; s|/test_|/|; s|\.c$||' | grep -vE "$not"
}

targets='' names=''
add() {
    targets="$targets test_${1/\//_}"
    [[ ${2:-} =~ $slow ]] || names="$names${names:+|}^$1\$"
}
for what in "$@"; do
    case $what in
    bits) targets="$targets program" ;;
    units) for unit in $(units); do add "$unit" "$unit"; done ;;
    *) add "$what" ;;
    esac
done
# shellcheck disable=SC2086 # words
tools/build.sh "$folder" "${targets:-all}" "-DCMAKE_TOOLCHAIN_FILE=$PWD/$folder/toolchain.cmake" \
    -DGN_WERROR=${GN_WERROR:-ON} ${CMAKE_FLAGS:-} || exit 1

# trained FOLDER PROGRAM...: thirty steps of a small network.
trained() {
    local out=$1
    shift
    "$@" train --model googlenet-small --size 28 --data fashion-mnist --batch 2 --limit-train 60 \
        --limit-val 20 --epochs 1 --seed 1 --overwrite --out "$out" --quiet || exit 1
}

bits() {
    local place set
    place=$(mktemp -d) || exit 1
    # shellcheck disable=SC2064 # now
    trap "rm -rf '$place' '$log'" EXIT
    [ -d /usr/share/datasets/fashion-mnist ] || skip "the data set is not there (dataset-fashion-mnist)"
    trained "$place/here" build/googlenet
    for set in $(${emulator//;/ } "$folder/googlenet" info --json |
        sed -n 's/.*"isa_available": *"\([^"]*\)".*/\1/p'); do
        [ "$set" = generic ] && continue
        # shellcheck disable=SC2086 # words
        GOOGLENET_ISA=$set trained "$place/$set" ${emulator//;/ } "$folder/googlenet"
        cmp "$place/here/model.safetensors" "$place/$set/model.safetensors" || exit 1
        echo "cross.sh: $architecture, $set: the model after 30 steps has the same bytes"
    done
}

case " $* " in *" bits "*) bits ;; esac
if [ $# -eq 0 ]; then
    ctest --test-dir "$folder" --output-on-failure --no-tests=error -j 2 -L quick -E "$not"
elif [ -n "$names" ]; then
    ctest --test-dir "$folder" --output-on-failure --no-tests=error -j 2 -R "$names"
fi
