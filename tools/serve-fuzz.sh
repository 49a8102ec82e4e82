#!/bin/sh
# serve-fuzz.sh PYTHON [REQUESTS] [GOOGLENET]: schemathesis sends at least so many requests (10000), generated
# from docs/openapi.json, to a server of our own; then promtool, if it is there, reads /metrics. Exit code 1:
# an answer that is the server's fault (5xx), or that the document does not describe; or the server died.
#
#   python3 -m venv DIR && DIR/bin/pip install schemathesis==4.32.5
#   tools/serve-fuzz.sh DIR/bin/python
set -u
cd "$(dirname "$0")/.." || exit 1
python=$(command -v "${1:?serve-fuzz.sh: say which Python has schemathesis}") || exit 2
case $python in /*) ;; *) python=$PWD/$python ;; esac
requests=${2:-10000}
googlenet=${3:-build/googlenet}
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$folder"' EXIT

"$googlenet" serve googlenet-small --listen 127.0.0.1:0 --max-body 1000000 2>"$folder/err" &
server=$!
until grep -qs '^serving' "$folder/err"; do
    kill -0 "$server" || exit 5
    sleep 0.02
done
url=$(sed -n 's/^serving *//p' "$folder/err")

# counted PATTERN: requests whose labels match, as the server counts them.
counted()
{
    curl --silent --noproxy '*' "$url/metrics" >"$folder/metrics" || return 1
    awk -v pattern="$1" '/^googlenet_requests_total/ && $0 ~ pattern { n += $2 } END { print n + 0 }' \
        "$folder/metrics"
}

# The document with the name and the version that are there, so that requests reach the models.
version=$(curl --silent --noproxy '*' "$url/v2/models/googlenet" |
    sed 's/.*"versions": \["\([0-9a-f]*\).*/\1/')
"$python" - "$version" >"$folder/openapi.json" <<'PYTHON' || exit 5
import json
import sys

document = json.load(open("docs/openapi.json"))
known = {"name": "googlenet", "version": sys.argv[1]}
for path in document["paths"].values():
    for operation in path.values():
        for parameter in operation.get("parameters", []):
            if parameter["name"] in known:
                parameter["schema"]["enum"] = [known[parameter["name"]]]
json.dump(document, sys.stdout)
PYTHON

bad=0
seed=1
while n=$(counted .) && [ "$n" -lt "$requests" ]; do
    (cd "$folder" && "$python" -m schemathesis.cli run openapi.json --url "$url" --seed $seed --max-examples 200 \
        --mode all --phases examples,coverage,fuzzing --continue-on-failure --suppress-health-check all \
        --checks not_a_server_error,content_type_conformance,response_schema_conformance \
        >"$folder/log" 2>&1) || { bad=1 && tail -n 100 "$folder/log"; }
    grep -q 'Traceback' "$folder/log" && exit 5
    seed=$((seed + 1))
    [ $bad = 0 ] || break
done
kill -0 "$server" || { echo "serve-fuzz.sh: the server has died: $(cat "$folder/err")" >&2 && exit 1; }
# 505, 501: of another version of HTTP or another encoding, which are not faults; 503: it was full.
faults=$(counted 'code="50[0234]"')
echo "serve-fuzz.sh: $(counted .) requests, $faults answers of a 5xx"
if command -v promtool >/dev/null; then
    promtool check metrics <"$folder/metrics" || bad=1
fi
[ "$faults" = 0 ] && [ $bad = 0 ]
