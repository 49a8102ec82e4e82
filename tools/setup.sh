#!/bin/sh
# setup.sh build|test|train|format|fuzz|deb|docs|ci: installs what is missing for that job, from the distribution's
# packages (Debian, Ubuntu). As root it installs; an ordinary user's sudo is used where it works;
# otherwise the one command to type is printed and the exit code is 5. At once done when all is there.
#
# A package that is only useful (a library for an optional feature, the data set) never stops the
# job: if it cannot be installed, a line says what is left out.
set -u
job=${1:-build}
required=
useful=

have() { command -v "$1" >/dev/null 2>&1; }
module() { have pkg-config && pkg-config --exists "$1"; }

# Is what PACKAGE brings there? Asked of the thing, not of the package system: it may come from
# elsewhere, and the question must work on any distribution.
present() {
    case $1 in
    g++) have c++ ;;
    gcc) have cc || have gcc || [ -n "${CC:-}" ] ;;
    libc6-dev) have_header stdio.h ;;
    make) have make ;;
    cmake) have cmake ;;
    ninja-build) have ninja ;;
    pkg-config) have pkg-config ;;
    zlib1g-dev) module zlib ;;
    libjansson-dev) module jansson ;;
    libcmocka-dev) module cmocka ;;
    libcurl4-openssl-dev) module libcurl ;;
    libcairo2-dev) module cairo ;;
    libjpeg-dev) module libjpeg ;;
    libpng-dev) module libpng ;;
    libgif-dev) module libgif ;;
    libwebp-dev) module libwebpdemux ;;
    libtiff-dev) module libtiff-4 ;;
    libhdf5-dev) module hdf5 ;;
    libmicrohttpd-dev) module libmicrohttpd ;;
    ca-certificates) [ -e /etc/ssl/certs/ca-certificates.crt ] || [ -d /etc/pki ] ;;
    dataset-fashion-mnist) [ -d /usr/share/datasets/fashion-mnist ] ;;
    clang) have clang ;;
    libclang-rt-dev) [ -e "$(clang -print-file-name=libclang_rt.fuzzer-$(uname -m).a 2>/dev/null)" ] ||
        [ -e "$(clang -print-runtime-dir 2>/dev/null)/libclang_rt.fuzzer-$(uname -m).a" ] ;;
    clang-format) have clang-format ;;
    binutils) have readelf && have nm ;;
    abigail-tools) have abidiff ;;
    debootstrap) have debootstrap ;;
    libopenmpi-dev) module ompi-c ;;
    openmpi-bin) have mpirun.openmpi ;;
    libmpich-dev) module mpich ;;
    mpich) have mpirun.mpich ;;
    build-essential) dpkg-query -s build-essential >/dev/null 2>&1 ;; # a package of names, which dpkg looks for
    debhelper) have dh ;;
    dh-python) have dh_python3 ;;
    python3) have python3 ;;
    lintian) have lintian ;;
    doxygen) have doxygen ;;
    git) have git ;;
    locales) [ -e /usr/share/i18n/locales/de_DE ] ;;
    esac
}

have_header() {
    for folder in /usr/include /usr/local/include; do
        [ -e "$folder/$1" ] && return 0
    done
    return 1
}

require() {
    for package in "$@"; do
        present "$package" || required="$required $package"
    done
}

want() {
    for package in "$@"; do
        present "$package" || useful="$useful $package"
    done
}

base() {
    require gcc libc6-dev make cmake pkg-config zlib1g-dev libjansson-dev
    want ninja-build libcurl4-openssl-dev libcairo2-dev libjpeg-dev libpng-dev libgif-dev libwebp-dev \
        libtiff-dev libhdf5-dev libmicrohttpd-dev ca-certificates
}

case $job in
build) base ;;
train) base && want dataset-fashion-mnist ;;
test)
    base
    require libcmocka-dev binutils
    want locales
    ;;
format) require clang-format ;;
docs) require doxygen ;;
fuzz)
    base
    require libcmocka-dev clang libclang-rt-dev g++
    ;;
deb)
    # A package is built with every optional library.
    require build-essential gcc libc6-dev make cmake pkg-config zlib1g-dev libjansson-dev ninja-build \
        libcurl4-openssl-dev libcairo2-dev libjpeg-dev libpng-dev libgif-dev libwebp-dev libtiff-dev libhdf5-dev \
        libmicrohttpd-dev libmpich-dev libopenmpi-dev debhelper dh-python python3 lintian git
    ;;
ci)
    base
    require libcmocka-dev binutils clang libclang-rt-dev clang-format
    want g++ dataset-fashion-mnist debootstrap locales abigail-tools doxygen libopenmpi-dev openmpi-bin libmpich-dev mpich
    ;;
*)
    echo "setup.sh: unknown job '$job'; one of build, test, train, format, fuzz, deb, docs, ci" >&2
    exit 2
    ;;
esac

required=${required# }
useful=${useful# }
[ -n "$required$useful" ] || exit 0
all="$required${required:+${useful:+ }}$useful"

# Without the package system of Debian: name what is needed and let the reader's own do it.
if ! have apt-get; then
    echo "setup.sh: please install with your system's package manager (Debian's names): $all" >&2
    [ -z "$required" ] && exit 0
    exit 5
fi

as_root=
if [ "$(id -u)" -ne 0 ]; then
    as_root=none
    if have sudo && { sudo -n true 2>/dev/null || { [ -t 0 ] && [ -t 2 ] && sudo -v; }; }; then
        as_root=sudo
    fi
fi
if [ "$as_root" = none ]; then
    if [ -z "$required" ]; then
        echo "setup.sh: going on without: $useful (an administrator could: apt-get install $useful)" >&2
        exit 0
    fi
    become="su -c"
    have sudo && become="sudo sh -c"
    echo "setup.sh: some packages are missing and only an administrator can install them; type" >&2
    echo "    $become 'apt-get update && apt-get install -y --no-install-recommends $all'" >&2
    exit 5
fi

# apt CALL: one call, without questions; its talk is shown only when it fails.
apt() {
    log=$(mktemp)
    if ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

echo "setup.sh: installing $all" >&2
apt update || echo "setup.sh: the package lists could not be renewed, trying the ones at hand" >&2
if [ -n "$required" ]; then
    # shellcheck disable=SC2086 # a list of words
    if ! apt install -y --no-install-recommends $required; then
        echo "setup.sh: apt-get could not install: $required" >&2
        exit 5
    fi
fi
for package in $useful; do
    apt install -y --no-install-recommends "$package" 2>/dev/null ||
        echo "setup.sh: going on without $package, which could not be installed" >&2
done
exit 0
