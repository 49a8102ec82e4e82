#!/bin/bash
# serve.sh [SECONDS] [GOOGLENET]: what `googlenet serve` adds to the computation, by wrk, next to `bench` on the
# same cores, in three turns. Prints
#   - start to ready, and resident memory of the idle server, for googlenet with 96x96 and a batch of 32;
#   - one connection: the median latency, and how much of it is not the network's (by the access log);
#   - 32 connections: requests a second, as a share of what `bench` computes in the time of the processors that
#     wrk leaves; the 99th percentile in median batch times.
# The pictures are 28x28, the network googlenet-small. Judges nothing. For an idle machine; needs wrk and curl.
set -eu
seconds=${1:-6}
googlenet=${2:-$(dirname "$0")/../build/googlenet}
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
command -v wrk >/dev/null || { echo "serve.sh: wrk is not there (Debian: wrk)" >&2; exit 5; }

# start FLAG...: $server is its number, $url its address.
start()
{
    : >"$folder/err"
    "$googlenet" serve "$@" --listen 127.0.0.1:0 2>"$folder/err" &
    server=$!
    until grep -qs '^serving' "$folder/err"; do sleep 0.001; done
    url=$(sed -n 's/^serving *//p' "$folder/err")
}

stop()
{
    kill "$server"
    wait "$server" || true
    server=
}

# load CONNECTIONS: requests a second, the median and the 99th percentile in ms, and wrk's processor seconds.
load()
{
    local TIMEFORMAT='%U %S'
    { time wrk -t1 -c"$1" -d"${seconds}s" -s "$folder/post.lua" "$url/predict" >"$folder/wrk"; } \
        2>"$folder/time"
    echo "$(tail -n 1 "$folder/wrk") $(awk '{ print $1 + $2 }' "$folder/time")"
}

# median FIELD: of the access log.
median()
{
    sed -n "s/.*\"$1\": \([0-9.]*\).*/\1/p" "$folder/log" | sort -n |
        awk '{ v[NR] = $1 } END { print 1000 * v[int((NR + 1) / 2)] }'
}

for _ in 1 2 3; do
    begin=$(date +%s%N)
    start googlenet
    echo "googlenet: ready after $((($(date +%s%N) - begin) / 1000000)) ms," \
        "resident $(awk '/VmRSS/ { print $2 }' "/proc/$server/status") kB"
    stop
done
{ printf 'P5 28 28 255\n' && head -c 784 /dev/zero; } >"$folder/p.pgm"
cat >"$folder/post.lua" <<LUA
wrk.method = "POST"
wrk.body = io.open("$folder/p.pgm", "rb"):read("*a")
done = function(summary, latency)
    io.write(string.format("%.1f %.3f %.3f\n", summary.requests / summary.duration * 1e6,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
LUA
cores=$(nproc)
for _ in 1 2 3; do
    alone=$("$googlenet" bench googlenet-small --size 28 --batch 32 --json 2>/dev/null |
        sed 's/.*"images_per_second": \([0-9.]*\).*/\1/')
    start googlenet-small --access-log "$folder/log"
    read -r rate p50 p99 used <<<"$(load 1)"
    echo "1 connection: $rate/s, median $p50 ms, of which the network $(median inference_seconds) ms;" \
        "p99 $p99 ms"
    : >"$folder/log"
    read -r rate p50 p99 used <<<"$(load 32)"
    batch=$(median inference_seconds)
    echo "32 connections: $rate/s, p99 $p99 ms; batches of $(($(sed -n 's/.*"batch": \([0-9]*\).*/\1/p' \
        "$folder/log" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'))) in $batch ms"
    awk -v rate="$rate" -v alone="$alone" -v used="$used" -v seconds="$seconds" -v cores="$cores" \
        -v p99="$p99" -v batch="$batch" 'BEGIN {
            left = 1 - used / (seconds * cores)
            printf "    bench %.0f/s; wrk takes %.0f %% of the processors; %.2f of what is left; ",
                alone, 100 * (1 - left), rate / (alone * left)
            printf "p99 is %.1f batch times\n", p99 / batch }'
    stop
    rm "$folder/log"
done
