#!/bin/sh
# What is installed works where it is put, and for a user's own program.
# labels: push
# timeout: 400
#
# The tree is installed, moved elsewhere, and used three ways: the program itself, the example at the
# top of googlenet.h compiled with pkg-config (shared and static library), and a CMake project with
# find_package. The example runs as printed there, but for a tiny data set in place of the named one.
set -eu

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

prefix=$PWD/moved
cmake --install "$GN_BUILD_DIR" --prefix "$PWD/first" >install.log 2>&1 || fail "$(cat install.log)"
mv first moved

for file in bin/googlenet include/googlenet.h include/googlenet.hpp lib/libgooglenet.a lib/libgooglenet.so \
    lib/libgooglenet.so.0 lib/pkgconfig/googlenet.pc lib/cmake/googlenet/googlenetConfig.cmake \
    share/man/man1/googlenet.1 share/man/man1/googlenet-train.1 share/fish/vendor_completions.d/googlenet.fish \
    share/bash-completion/completions/googlenet share/zsh/vendor-completions/_googlenet \
    share/doc/googlenet/googlenet.spdx.json share/doc/googlenet/README.md share/doc/googlenet/examples/train.c share/doc/googlenet/docs/recipes.md; do
    [ -e "$prefix/$file" ] || fail "$file is not installed"
done

# The program finds its library next to it, wherever the tree lies.
unset LD_LIBRARY_PATH || true
"$prefix/bin/googlenet" info >info.txt || fail "the installed program does not run"
ldd "$prefix/bin/googlenet" | grep -q "$prefix/bin/../lib/libgooglenet.so.0" ||
    fail "the program uses another library: $(ldd "$prefix/bin/googlenet" | grep googlenet)"

if [ -n "$GN_SANITIZE" ]; then
    echo "SKIPPED: a user's program is not built against a library with sanitizers"
    exit 77
fi

"$CC" -std=c11 -O1 -o make_idx "$GN_SOURCE_DIR/tests/install/consumer/make_idx.c"
mkdir tiny
./make_idx tiny

# The program at the top of the header: the lines of its comment from #include to the brace in the
# first column.
sed -n '/^ \*     #include <googlenet.h>/,/^ \*     }/s/^ \* \{0,5\}//p' \
    "$prefix/include/googlenet.h" >notebook.c
grep -q gn_fit notebook.c || fail "no program found in the head of googlenet.h"
sed -e "s|\"fashion-mnist\"|\"$PWD/tiny\"|" -e 's/\.epochs = 5/.epochs = 1/' \
    -e 's/\.batch = 128/.batch = 16, .limit_train = 32, .limit_val = 16/' notebook.c >short.c

# run PROGRAM: it must print the summary with the network's parameters and leave a model file.
run() {
    rm -f model.safetensors
    "$1" >summary.txt || fail "$1 ended with code $?"
    tr -d , <summary.txt | grep -q 5977530 || fail "$1: no 5,977,530 in its summary"
    [ -s model.safetensors ] || fail "$1 wrote no model"
    echo "ok: $1"
}

export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
warnings="-std=c11 -Wall -Wextra -Werror"
# shellcheck disable=SC2046,SC2086 # lists of flags
"$CC" $warnings -o shared short.c $(pkg-config --cflags --libs googlenet) -Wl,-rpath,"$prefix/lib"
run ./shared

# shellcheck disable=SC2046,SC2086
"$CC" $warnings -o static short.c $(pkg-config --static --cflags --libs googlenet |
    sed 's/-lgooglenet/-l:libgooglenet.a/')
if ldd ./static | grep -q libgooglenet; then
    fail "the static program still needs the shared library"
fi
run ./static

cmake -S "$GN_SOURCE_DIR/tests/install/consumer" -B consumer -DCMAKE_PREFIX_PATH="$prefix" \
    -DPROGRAM="$PWD/short.c" >consumer.log 2>&1 || fail "$(cat consumer.log)"
cmake --build consumer >consumer.log 2>&1 || fail "$(cat consumer.log)"
run consumer/with_googlenet
[ -x consumer/with_googlenet_static ] || fail "no program with googlenet::googlenet_static"

# The header is C++, too, and has no macros there; the one for C++ needs nothing else.
for compiler in g++ clang++; do
    command -v $compiler >/dev/null 2>&1 || continue
    printf '#include <googlenet.h>\n#if defined gn_fit || defined gn_conv\n#error macros\n#endif\n' >header.cpp
    $compiler -std=c++17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$prefix/include" header.cpp ||
        fail "googlenet.h does not compile as C++ with $compiler"
    # shellcheck disable=SC2046
    $compiler -std=c++17 -Wall -Wextra -Werror -o modern "$prefix/share/doc/googlenet/examples/classify_modern.cpp" \
        $(pkg-config --cflags --libs googlenet) -pthread -Wl,-rpath,"$prefix/lib" ||
        fail "examples/classify_modern.cpp does not compile with $compiler"
    ./modern model.safetensors tiny "$GN_SOURCE_DIR/docs/curves.png" >modern.txt ||
        fail "examples/classify_modern.cpp, compiled with $compiler, ended with code $?"
    grep -q "four threads agree" modern.txt || fail "modern: $(cat modern.txt)"
done
