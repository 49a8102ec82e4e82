#!/bin/bash
# cluster-net.sh RATE FLAGS...: `googlenet FLAGS...` by two processes on two machines, which are network namespaces of
# this one (a and b, 10.77.0.1 and 10.77.0.2) with a link of that rate ("1gbit"; "full": no limit) between them:
#
#   tools/cluster-net.sh 1gbit bench googlenet --train --team --batch 64 --threads 1
#   CUT=20 tools/cluster-net.sh 1gbit train --data fashion-mnist --rank-timeout 10s ...   cuts the link after 20 s,
#       CUT=/path when that file is there
#   DELAY=5 LOSS=1 tools/cluster-net.sh full train ...   each packet takes 5 ms, one of a hundred is lost
#
# Needs root, iproute2 and Open MPI, for DELAY and LOSS also the build's tests; exit code 77 says what is missing. Everything
# is taken down at the end.
set -u
cd "$(dirname "$0")/.." || exit 1
program=${GOOGLENET:-$PWD/build/googlenet}
rate=${1:?rate} && shift

skip() {
    echo "cluster-net.sh: $*" >&2
    exit 77
}
[ "$(id -u)" = 0 ] || skip "only root can make network namespaces"
command -v ip >/dev/null && command -v tc >/dev/null || skip "iproute2 is not installed"
command -v mpirun.openmpi >/dev/null || skip "Open MPI is not installed (Debian: openmpi-bin)"
[ -e "$(dirname "$program")/googlenet-openmpi.so" ] || skip "the build has no plugin for Open MPI"

work=$(mktemp -d) || exit 1
space=gn-$$ # two runs at a time have namespaces of their own
relay=
cutter=
down() {
    [ -z "$relay" ] || kill "$relay" 2>/dev/null
    [ -z "$cutter" ] || kill "$cutter" 2>/dev/null
    for name in a b; do
        ip netns pids "$space-$name" 2>/dev/null | xargs -r kill -9 2>/dev/null
        ip netns del "$space-$name" 2>/dev/null
    done
    rm -rf "$work"
}
trap down EXIT
trap 'exit 130' INT TERM

ip netns add $space-a && ip netns add $space-b || skip "this system does not allow network namespaces"
if [ -n "${DELAY:-}${LOSS:-}" ]; then
    relay=$(dirname "$program")/tests/relay
    [ -x "$relay" ] || skip "$relay is not built"
    "$relay" $space-a gn-a0 $space-b gn-b0 "${DELAY:-0}" "${LOSS:-0}" >"$work/relay" &
    relay=$!
    until grep -qs ready "$work/relay"; do
        kill -0 $relay 2>/dev/null || skip "no tunnel devices here"
        sleep 0.1
    done
else
    ip link add gn-a0 netns $space-a type veth peer name gn-b0 netns $space-b || skip "no veth pairs here"
fi
number=1
for name in a b; do
    ip -n $space-$name link set lo up
    ip -n $space-$name addr add 10.77.0.$number/24 dev gn-${name}0
    ip -n $space-$name link set gn-${name}0 up
    number=$((number + 1))
    [ "$rate" = full ] ||
        tc -n $space-$name qdisc add dev gn-${name}0 root tbf rate "$rate" burst 256kb latency 100ms ||
        skip "the kernel has no tbf"
done

# What Open MPI calls instead of ssh: HOST WORDS...; each namespace is a host with a name of its own.
cat >"$work/agent" <<AGENT
#!/bin/sh
host=\$1
shift
exec ip netns exec "$space-\$host" unshare --uts sh -c "hostname \$host && \$*"
AGENT
chmod +x "$work/agent"
cut_link() {
    case $CUT in
    /*) until [ -e "$CUT" ]; do sleep 0.1; done ;;
    *) sleep "$CUT" ;;
    esac
    if [ -n "$relay" ]; then
        kill -USR1 "$relay"
    else
        ip -n $space-b link set gn-b0 down
    fi
}
[ -z "${CUT:-}" ] || cut_link &
cutter=$!

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
ip netns exec $space-a unshare --uts sh -c 'hostname launcher && exec "$@"' sh \
    mpirun.openmpi -n 2 --host a:1,b:1 --bind-to none --mca plm_rsh_agent "$work/agent" \
    --mca oob_tcp_keepalive_time 60 --mca oob_tcp_keepalive_intvl 5 --mca oob_tcp_keepalive_probes 3 \
    --mca btl tcp,self --mca btl_tcp_if_include 10.77.0.0/24 --mca oob_tcp_if_include 10.77.0.0/24 \
    "$program" "$@" &
wait $! # a signal for this script must not wait for mpirun, which may wait for ever
