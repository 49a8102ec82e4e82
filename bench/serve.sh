#!/bin/sh
# serve.sh [SECONDS] [GOOGLENET]: throughput and latency of `googlenet serve` with 28x28 pictures on
# googlenet-small, by wrk with 32 connections and with one, next to `bench` on the same cores. For an idle
# machine; prints what it measured and judges nothing. Needs wrk and curl.
set -eu
seconds=${1:-20}
googlenet=${2:-$(dirname "$0")/../build/googlenet}
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
command -v wrk >/dev/null || { echo "serve.sh: wrk is not there (Debian: wrk)" >&2; exit 5; }

"$googlenet" bench googlenet-small --size 28 --batch 32 --json
begin=$(date +%s%N)
"$googlenet" serve googlenet --listen 127.0.0.1:0 2>"$folder/err" &
server=$!
until grep -qs '^serving' "$folder/err"; do sleep 0.001; done
echo "googlenet is ready after $((($(date +%s%N) - begin) / 1000000)) ms," \
    "resident $(awk '/VmRSS/ { print $2 }' "/proc/$server/status") kB"
kill "$server"
wait "$server" || true
printf 'P5 28 28 255\n' >"$folder/p.pgm"
head -c 784 /dev/zero >>"$folder/p.pgm"
cat >"$folder/post.lua" <<LUA
wrk.method = "POST"
wrk.body = io.open("$folder/p.pgm", "rb"):read("*a")
LUA
"$googlenet" serve googlenet-small --listen 127.0.0.1:0 2>"$folder/err2" &
server=$!
until grep -qs '^serving' "$folder/err2"; do sleep 0.01; done
url=$(sed -n 's/^serving *//p' "$folder/err2")
for connections in 1 32; do
    wrk -t1 -c"$connections" -d"${seconds}s" --latency -s "$folder/post.lua" "$url/predict"
done
curl -s "$url/metrics" | grep -E '^googlenet_(batch_size|inference_seconds|queue_seconds)_(sum|count)'
