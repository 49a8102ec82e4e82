#!/usr/bin/env bash
# windows.sh [WHAT...]: the whole library and the program for Windows, x86-64, built by mingw-w64 and run under Wine.
# tools/cross.sh windows calls it. Nothing of it was ever run on Windows.
#
# WHAT: names of tests as CTest has them ("data/idx"), which alone are built and run; "units": those quick tests
# in C that need a second or two; "program": the program trains, is killed, resumes, answers, converts
# (tests/windows/program.sh), and its models have the bytes of this machine's (build/googlenet). Without WHAT: the
# program and all quick tests, which takes minutes more.
#
# As root of a Debian it installs the compiler and Wine. The libraries are in build-windows/root: zlib is Debian's, the
# others are built of Debian's sources. Exit code 77: something is missing, with a sentence.
set -u
cd "$(dirname "$0")/.." || exit 1
folder=build-windows
triple=x86_64-w64-mingw32
mkdir -p "$folder"
root=$PWD/$folder/root/usr/$triple

skip() {
    echo "windows.sh: $*"
    exit 77
}

# The package system's talk is shown when it fails.
log=$(mktemp)
trap 'rm -f "$log"; kill %1 2>/dev/null' EXIT
quietly() {
    "$@" >"$log" 2>&1 && return 0
    tail -n 5 "$log"
    skip "$* failed"
}

wine_program() {
    command -v wine64 || command -v /usr/lib/wine/wine64
}

if ! command -v $triple-gcc-posix >/dev/null || [ -z "$(wine_program)" ]; then
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null ||
        skip "only root of a Debian can install gcc-mingw-w64-x86-64-posix and wine64"
    quietly apt-get -qq install -y --no-install-recommends gcc-mingw-w64-x86-64-posix wine64
fi
wine=$(wine_program)

toolchain() {
    cat >"$folder/toolchain.cmake" <<CMAKE
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER $triple-gcc-posix)
set(CMAKE_RC_COMPILER $triple-windres)
set(CMAKE_FIND_ROOT_PATH $root)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_CROSSCOMPILING_EMULATOR $wine)
CMAKE
}

# library SOURCE FLAG...: the static library of an unpacked source.
library() {
    local source=$1
    shift
    quietly cmake -S "$source" -B "$source/built" -DCMAKE_TOOLCHAIN_FILE="$PWD/$folder/toolchain.cmake" \
        -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$root" "$@"
    quietly cmake --build "$source/built" --target install --parallel "$(nproc)"
}

# Sources and packages of Debian, fetched by an apt of its own.
libraries() {
    local base=$PWD/$folder/apt archive mirror=${GN_DEBIAN_MIRROR:-http://deb.debian.org/debian}
    [ -e "$folder/root/complete" ] && return 0
    rm -rf "$base" "$folder/root"
    mkdir -p "$base/lists/partial" "$base/archives/partial" "$base/sources" "$folder/root"
    : >"$base/status"
    for archive in deb deb-src; do
        echo "$archive [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bookworm main"
    done >"$base/sources.list"
    own_apt() {
        (cd "$base/sources" && apt-get -q -o Dir::State="$base" -o Dir::State::status="$base/status" \
            -o Dir::Cache="$base" -o Dir::Etc::sourcelist="$base/sources.list" -o Dir::Etc::sourceparts=- \
            -o APT::Sandbox::User="$(id -un)" "$@")
    }
    quietly own_apt update
    quietly own_apt download libz-mingw-w64-dev
    quietly own_apt source --download-only jansson cmocka libpng1.6 libjpeg-turbo
    quietly dpkg-deb -x "$base"/sources/libz-mingw-w64-dev_*.deb "$folder/root"
    rm -f "$root/lib/libz.dll.a"
    for archive in "$base"/sources/*.orig.tar.?z; do
        quietly tar -xf "$archive" -C "$base/sources"
    done
    library "$base"/sources/jansson-* -DJANSSON_BUILD_DOCS=OFF -DJANSSON_EXAMPLES=OFF -DJANSSON_WITHOUT_TESTS=ON
    library "$base"/sources/cmocka-* -DWITH_EXAMPLES=OFF -DWITH_STATIC_LIB=ON
    library "$base"/sources/libpng-* -DPNG_SHARED=OFF -DPNG_TESTS=OFF -DPNG_STATIC=ON
    library "$base"/sources/libjpeg-turbo-* -DENABLE_SHARED=OFF -DWITH_TURBOJPEG=OFF -DWITH_SIMD=OFF
    mv "$root/lib/libcmocka-static.a" "$root/lib/libcmocka.a"
    rm -rf "$root/lib/libcmocka.dll.a" "$base"
    : >"$folder/root/complete"
}

toolchain
libraries
export PKG_CONFIG_LIBDIR=$root/lib/pkgconfig

# Quick tests in C that take less than two seconds of a processor there.
units='^(data/(archive|batches|beside|check|cifar|folders|idx|loader|named|pictures|sample|shuffle)|'
units="$units"'exchange/(caffe|damage|onnx|torch)|formats/(classes|foreign|model|old_models|safetensors)|infer/(evaluate|predictor)|'
units="$units"'kernels/(conv|pool|loss)|net/graph|optimizer/optimizer|picture/input|plan/(plan|runs)|'
units="$units"'train/(fit_refusals|metrics|options|pictures|schedule|step|tensorboard)|unit/.*)$'

targets=program names=''
add() {
    targets="$targets test_${1/\//_}"
    names="$names${names:+|}^$1\$"
}
for what in "$@"; do
    case $what in
    program) ;;
    units)
        # shellcheck disable=SC2013 # words
        for unit in $(grep -lE '^[ /#*]*labels:.*quick' tests/*/test_*.c | sed 's|^tests/||; s|/test_|/|; s|\.c$||' |
            grep -E "$units"); do
            grep -q "^$unit " tests/windows/left_out.txt || add "$unit"
        done
        ;;
    *) add "$what" ;;
    esac
done
[ $# -gt 0 ] || targets=all
tools/build.sh "$folder" "$targets" "-DCMAKE_TOOLCHAIN_FILE=$PWD/$folder/toolchain.cmake" -DCMAKE_BUILD_TYPE=Release \
    -DGN_WERROR="${GN_WERROR:-ON}" || exit 1

# Wine's services start once, since a process of them stays.
export WINEPREFIX=$PWD/$folder/wine WINEDEBUG=-all
"$wine" wineboot --init >"$log" 2>&1
(sleep 3000 | exec "$wine" cmd >/dev/null 2>&1) &

case " $* " in *" program "* | "  ") tests/windows/program.sh "$wine" "$folder" build || exit 1 ;; esac
if [ $# -eq 0 ]; then
    ctest --test-dir "$folder" --output-on-failure --no-tests=error -j 2 -L quick
elif [ -n "$names" ]; then
    ctest --test-dir "$folder" --output-on-failure --no-tests=error -j 2 -R "$names"
fi
