#!/bin/sh
# Clients as people use them: curl over TCP, TLS and a Unix socket, the C example with libcurl, fetch in
# node; a socket that is passed as systemd passes it; and what is said about flags that are wrong.
# labels: push
# timeout: 120
set -u
# shellcheck source=tests/cli/cases.sh
. "$GN_SOURCE_DIR/tests/cli/cases.sh"

run info --json
grep -q '"microhttpd": true' out || { echo "skipped: this build is without libmicrohttpd"; exit 77; }
command -v curl >/dev/null || { echo "skipped: there is no curl"; exit 77; }

server=
# serve FLAGS...: a server in the background; $url is its address. With `exec` its number is $server.
serve()
{
    "$GOOGLENET" serve "$@" >serve.out 2>serve.err </dev/null &
    server=$!
    for _ in $(seq 500); do
        url=$(sed -n 's/^serving   //p' serve.err)
        [ -n "$url" ] && return
        sleep 0.02
    done
    fail "serve $* does not begin: $(cat serve.err)"
}

stop()
{
    kill -TERM "$server"
    wait "$server"
    code=$?
    [ "$code" = 130 ] || fail "exit code $code after SIGTERM: $(cat serve.err)"
    server=
}
trap '[ -z "$server" ] || kill "$server" 2>/dev/null' EXIT

# answers FILE PATTERN ARGS...: curl's answer matches.
answers()
{
    pattern=$1
    shift
    curl --silent --show-error --noproxy '*' --max-time 20 "$@" >answer 2>curl.err ||
        fail "curl $*: $(cat curl.err)"
    grep -Eq -e "$pattern" answer || fail "curl $*: no '$pattern' in $(head -c 300 answer)"
}

printf 'P5 2 2 255\n\001\100\200\377' >picture.pgm

# ---- curl ----
serve googlenet-small --listen 127.0.0.1:0 --max-body 100000
answers '"live": true' "$url/v2/health/live"
answers '^\{"file": null, "index": 0, "top": \[\{"label": "' --data-binary @picture.pgm "$url/predict"
cp answer by-body
answers '"top"' -F file=@picture.pgm "$url/predict"
same answer by-body
"$GOOGLENET" predict googlenet-small picture.pgm --json -q >by-program 2>/dev/null
# Alone and in a batch an image may take other kernels, which differ in the last digits.
sed 's/"file": "picture.pgm"/"file": null/; s/\(0\.[0-9]\{6\}\)[0-9]*/\1/g' by-program >wanted
sed 's/\(0\.[0-9]\{6\}\)[0-9]*/\1/g' by-body >got
same got wanted
answers '"data": \["0\.[0-9]+:[0-9]"\]' "$url/v2/models/googlenet/infer" -d '{"inputs": [{"name": "input",
  "shape": [1], "datatype": "BYTES", "data": ["'"$(base64 <picture.pgm | tr -d '\n')"'"]}],
  "outputs": [{"name": "probabilities", "parameters": {"classification": 1}}]}'
head -c 150000 /dev/zero >large
answers 'larger than --max-body' -H 'Transfer-Encoding: chunked' --data-binary @large "$url/predict"
answers 'larger than --max-body' --data-binary @large "$url/predict"
answers '^googlenet_requests_total\{route="predict",code="200"\} 2' "$url/metrics"

# ---- What is known of the metrics elsewhere ----
curl --silent --noproxy '*' "$url/metrics" >metrics
if command -v promtool >/dev/null; then
    promtool check metrics <metrics || fail "promtool finds fault with /metrics"
fi
# The board asks for metrics that are there.
names=$(sed -n 's/.*"expr": //p' "$GN_SOURCE_DIR/docs/grafana.json" |
    grep -Eo '(googlenet|process)_[a-z_]*' | sort -u)
[ "$(echo "$names" | wc -l)" -ge 8 ] || fail "grafana.json asks for $names"
for name in $names; do
    grep -q "^$name[ {]" metrics || fail "grafana.json asks for $name, which is not in /metrics"
done

# ---- C with libcurl, JavaScript ----
if [ -x "$GN_BUILD_DIR/tests/example_serve_client" ]; then
    "$GN_BUILD_DIR/tests/example_serve_client" "$url" picture.pgm >answer 2>&1 ||
        fail "example serve_client: $(cat answer)"
    same answer by-body
fi
if command -v node >/dev/null; then
    node "$GN_SOURCE_DIR/examples/serve_client.mjs" "$url" picture.pgm >answer 2>&1 ||
        fail "serve_client.mjs: $(cat answer)"
    grep -q 'probability' answer || fail "serve_client.mjs: $(cat answer)"
fi
stop

# ---- TLS, whose certificate is reloaded ----
if command -v openssl >/dev/null; then
    certificate()
    {
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" \
            -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem 2>/dev/null
    }
    certificate first
    serve googlenet-small --listen 127.0.0.1:0 --tls-cert cert.pem --tls-key key.pem
    case $url in https://127.0.0.1:*) ;; *) fail "a TLS server at $url" ;; esac
    answers '"live": true' --cacert cert.pem "$url/v2/health/live"
    certificate second
    kill -HUP "$server"
    for _ in $(seq 500); do
        grep -q 'new certificate' serve.err && break
        sleep 0.02
    done
    answers '"live": true' --cacert cert.pem "$url/v2/health/live"
    echo nonsense >cert.pem
    kill -HUP "$server"
    for _ in $(seq 500); do
        grep -q 'the old one stays' serve.err && break
        sleep 0.02
    done
    answers '"live": true' --insecure "$url/v2/health/live"
    stop
fi

# ---- A Unix socket, which is removed at the end ----
serve googlenet-small --listen "unix:$PWD/socket"
answers '"live": true' --unix-socket socket http://localhost/v2/health/live
answers '"top"' --unix-socket socket --data-binary @picture.pgm http://localhost/predict
expect 5 'cannot listen: Address already in use' serve googlenet-small --listen "unix:$PWD/socket"
stop
[ -e socket ] && fail "the socket is still there"

# ---- systemd: the units of the manual, and a socket that it passes ----
if command -v systemd-analyze >/dev/null; then
    awk '/^# .etc.systemd/ { f = $2; sub(".*/", "", f) } /^```/ { f = "" } f { print >f }' \
        "$GN_SOURCE_DIR/docs/serving.md"
    sed "s|^ExecStart=[^ ]*|ExecStart=$GOOGLENET|" googlenet.service >unit
    mv unit googlenet.service
    systemd-analyze verify ./googlenet.service ./googlenet.socket >answer 2>&1 ||
        fail "systemd-analyze: $(cat answer)"
fi

# ---- Wrong flags ----
expect 2 'ADDRESS:PORT' serve googlenet-small --listen nowhere
expect 2 'ADDRESS:PORT' serve googlenet-small --listen 127.0.0.1:99999
expect 2 'belong together' serve googlenet-small --tls-cert x
expect 5 'no-such-file' serve googlenet-small --tls-cert no-such-file --tls-key x
expect 5 'no-such-file' serve googlenet-small --token-file no-such-file
expect 2 'two models are called googlenet' serve googlenet-small googlenet-small
expect 2 'NAME=MODEL needs a name' serve 'a b=googlenet-small'
expect 2 'NAME=MODEL needs a name' serve 'a='
expect 4 'neither a preset nor a model file' serve no-such-model
expect 2 'max-batch' serve googlenet-small --max-batch 0
echo short >token
expect 2 'at least 8' serve googlenet-small --token-file token
expect 5 'access-log' serve googlenet-small --access-log no/such/folder --listen 127.0.0.1:0

[ "$failures" = 0 ] && echo "ok"
exit $((failures > 0))
