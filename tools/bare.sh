#!/usr/bin/env bash
# bare.sh [COMMAND]: the README's two commands on a bare Debian 12, where nothing was installed by hand.
#
# Makes a Debian in a folder of its own (debootstrap), installs git and make there, which the README
# names, clones this repository's HEAD into it and runs there, as root of that folder:
#
#   make test, then make train cut short     or COMMAND, with bash
#
# What a developer has installed once hides a step that the project's own files lack; here it shows.
# Needs root, debootstrap and the package registry; exit code 77 says which of them is missing. Mounts
# live in a mount namespace and end with it; the folder is removed.
set -u
cd "$(dirname "$0")/.." || exit 1
mirror=${GN_DEBIAN_MIRROR:-http://deb.debian.org/debian}
job=${1:-'make test && make train ARGS="--limit-train 256 --limit-val 128 --epochs 1 --out /tmp/run" &&
    test -s /tmp/run/model.safetensors'}

skip() {
    echo "bare.sh: $*"
    exit 77
}
[ "$(id -u)" = 0 ] || skip "only root can make a Debian in a folder"
command -v debootstrap >/dev/null || skip "debootstrap is not installed (Debian: debootstrap)"
unshare --mount true 2>/dev/null || skip "this system does not allow mount namespaces"

root=$(mktemp -d "${TMPDIR:-/tmp}/googlenet-bare.XXXXXX") || exit 1
trap 'rm -rf --one-file-system "$root"' EXIT
trap 'exit 130' INT TERM
if ! debootstrap --variant=minbase bookworm "$root" "$mirror" >"$root.log" 2>&1; then
    tail -n 20 "$root.log"
    rm -f "$root.log"
    echo "bare.sh: debootstrap failed"
    exit 1
fi
rm -f "$root.log"
git clone -q --no-hardlinks . "$root/root/googlenet" || exit 1
cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null

# shellcheck disable=SC2016 # expanded by the inner shell
unshare --mount bash -euc '
    mount -t proc proc "$0/proc"
    mount --rbind /dev "$0/dev"
    mount -t sysfs -o ro sys "$0/sys" || true
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive chroot "$0" bash -euc "
            apt-get -qq update >/dev/null
            apt-get -qq install -y --no-install-recommends git make >/dev/null 2>&1
            cd /root/googlenet
            $1"
' "$root" "$job" </dev/null
