#!/usr/bin/env bash
# cross.sh ARCHITECTURE [TESTS]: builds for another processor and runs the tests whose names match (a regular
# expression; default: all quick ones) in qemu's emulator. Architectures, as Debian names them:
#
#   arm64   64-bit ARM: NEON and SVE kernels      armhf   32-bit ARM      i386   32-bit x86
#   s390x   big-endian                            ppc64el
#
# As root it installs the compiler, qemu and the libraries of that architecture (which it adds to the
# package system's); without root they must be there. The build folder is build-ARCHITECTURE. Exit code
# 77: something is missing, with a sentence.
set -u
cd "$(dirname "$0")/.." || exit 1
architecture=${1:?cross.sh: say for which architecture: arm64, armhf, i386, s390x or ppc64el}
tests=${2:-}
case $architecture in
arm64) triple=aarch64-linux-gnu processor=aarch64 emulator='qemu-aarch64;-cpu;max,sve256=on' ;;
armhf) triple=arm-linux-gnueabihf processor=arm emulator=qemu-arm ;;
i386) triple=i686-linux-gnu processor=i686 emulator=qemu-i386 ;;
s390x) triple=s390x-linux-gnu processor=s390x emulator='qemu-s390x;-cpu;max' ;;
ppc64el) triple=powerpc64le-linux-gnu processor=ppc64le emulator=qemu-ppc64le ;;
*)
    echo "cross.sh: $architecture is none of arm64, armhf, i386, s390x, ppc64el" >&2
    exit 2
    ;;
esac

skip() {
    echo "cross.sh: $*"
    exit 77
}

# What is there is not asked for again; the package system's talk is shown when it fails.
install() {
    [ -e "/usr/lib/$triple/pkgconfig/jansson.pc" ] && [ -e "/usr/lib/$triple/pkgconfig/cmocka.pc" ] &&
        command -v "$triple-gcc" "${emulator%%;*}" >/dev/null && return 0
    [ "$(id -u)" = 0 ] && command -v dpkg >/dev/null ||
        skip "only root of a Debian can install what $architecture needs"
    local log
    log=$(mktemp)
    if ! { dpkg --add-architecture "$architecture" && apt-get -qq update &&
        DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
            "gcc-$triple" "libc6-dev:$architecture" qemu-user "zlib1g-dev:$architecture" \
            "libjansson-dev:$architecture" "libcmocka-dev:$architecture" \
            "libjpeg62-turbo-dev:$architecture" "libpng-dev:$architecture"; } >"$log" 2>&1; then
        tail -n 5 "$log"
        rm -f "$log"
        skip "the packages of $architecture cannot be installed"
    fi
    rm -f "$log"
}
install

folder=build-$architecture
mkdir -p "$folder"
cat >"$folder/toolchain.cmake" <<CMAKE
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR $processor)
set(CMAKE_C_COMPILER $triple-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE $triple)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_CROSSCOMPILING_EMULATOR $emulator)
CMAKE
export PKG_CONFIG_LIBDIR=/usr/lib/$triple/pkgconfig:/usr/share/pkgconfig
tools/build.sh "$folder" all "-DCMAKE_TOOLCHAIN_FILE=$PWD/$folder/toolchain.cmake" -DGN_WERROR=ON \
    ${CMAKE_FLAGS:-} || exit 1
if [ -n "$tests" ]; then
    ctest --test-dir "$folder" --output-on-failure --no-tests=error -j 2 -R "$tests"
else
    ctest --test-dir "$folder" --output-on-failure --no-tests=error -j 2 -L quick
fi
