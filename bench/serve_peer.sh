#!/bin/sh
# serve_peer.sh PYTHON [ROUNDS] [SECONDS] [GOOGLENET]: `googlenet serve` and ONNX Runtime behind uvicorn
# (serve_peer.py) with the same exported googlenet-small, one after the other, ROUNDS times: requests a second
# and the latency by wrk with 1 and with 32 connections, and resident memory after it. Needs wrk;
# PYTHON has onnxruntime, uvicorn, starlette and pillow. For an idle machine.
set -eu
python=${1:?serve_peer.sh: say which Python has onnxruntime, uvicorn, starlette and pillow}
rounds=${2:-3}
seconds=${3:-10}
here=$(cd "$(dirname "$0")" && pwd)
googlenet=${4:-$here/../build/googlenet}
folder=$(mktemp -d)
ours=
theirs=
trap 'for p in $ours $theirs; do kill "$p" 2>/dev/null || true; done; rm -rf "$folder"' EXIT

"$googlenet" export googlenet-small "$folder/net.onnx" 2>/dev/null
"$googlenet" serve googlenet-small --listen 127.0.0.1:0 2>"$folder/err" &
ours=$!
"$python" "$here/serve_peer.py" "$folder/net.onnx" 18431 &
theirs=$!
until grep -qs '^serving' "$folder/err"; do sleep 0.02; done
url=$(sed -n 's/^serving *//p' "$folder/err")
{ printf 'P5 28 28 255\n' && head -c 784 /dev/urandom; } >"$folder/p.pgm"
until curl -sf --noproxy '*' --data-binary @"$folder/p.pgm" http://127.0.0.1:18431/predict >"$folder/b"; do
    kill -0 $theirs
    sleep 0.1
done
curl -sf --noproxy '*' --data-binary @"$folder/p.pgm" "$url/predict" >"$folder/a"
echo "ours:   $(cat "$folder/a")"
echo "theirs: $(cat "$folder/b")"
cat >"$folder/post.lua" <<LUA
wrk.method = "POST"
wrk.body = io.open("$folder/p.pgm", "rb"):read("*a")
done = function(summary, latency)
    io.write(string.format("%.0f requests/s, p50 %.2f ms, p99 %.2f ms, %d errors\n",
        summary.requests / summary.duration * 1e6, latency:percentile(50) / 1e3,
        latency:percentile(99) / 1e3, summary.errors.status + summary.errors.connect + summary.errors.read))
end
LUA

# measure NAME URL CONNECTIONS PID
measure()
{
    printf '%-7s %2d connections: ' "$1" "$3"
    wrk -t1 -c"$3" -d"${seconds}s" -s "$folder/post.lua" "$2/predict" | tail -n 1
}
for _ in $(seq "$rounds"); do
    for connections in 1 32; do
        # The one that waits takes no processor.
        kill -STOP $theirs
        measure ours "$url" $connections
        kill -CONT $theirs
        kill -STOP $ours
        measure theirs http://127.0.0.1:18431 $connections
        kill -CONT $ours
    done
done
for side in "ours $ours" "theirs $theirs"; do
    # shellcheck disable=SC2086 # two words
    set -- $side
    awk -v name="$1" '/VmRSS|VmHWM/ { print name, $1, $2, $3 }' "/proc/$2/status"
done
