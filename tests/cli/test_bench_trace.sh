#!/bin/bash
# `bench`: percentiles in order, a trace with a track for each thread, the arena as a drawing of 80 columns.
# labels: quick
. "$GN_SOURCE_DIR/tests/cli/cases.sh"
printf 'input 12 1\nconv conv 4 3 2\ninception block 4 4 4 4 4 4\nmean\noutput 3\n' >tiny.net
expect 0 '^p50 .* ms, p90 .* ms, p99 .* ms$' bench tiny.net --batch 2 --rounds 5
expect 0 '"ms_p50": .*"ms_p90": .*"ms_p99": ' bench tiny.net --batch 2 --rounds 5 --json
# Of two rounds the longer one is both: twice the median without the shorter one.
"$GOOGLENET" bench tiny.net --batch 2 --rounds 2 --json 2>err | tr ',{}' '\n\n\n' | awk -F': ' '
    { gsub(/[" ]/, "", $1); v[$1] = $2 }
    END { d = 2 * v["ms_median"] - v["ms_min"] - v["ms_p90"]
          exit !(d < 0.001 && d > -0.001 && v["ms_p90"] == v["ms_p99"] && v["ms_p90"] > 0) }' ||
    fail 'percentiles of two rounds'
expect 0 'arena of' bench tiny.net --batch 2 --rounds 2 --memory --trace t.json --threads 2
[ "$(awk '/^arena/ { on = 1 } on { if (length($0) > n) n = length($0) } END { print n }' out)" -le 80 ] || fail 'wider than 80 columns'
holds t.json '^\{"displayTimeUnit":"ms","traceEvents":\[$'
[ "$(grep -c thread_name t.json)" = 2 ] || fail 'not a track for each thread'
holds t.json '"ph":"X".*"name":"conv".*"pass":"forward"'
expect 0 '"memory": \[\{"name": ' bench tiny.net --batch 2 --rounds 2 --memory --json
expect 0 'chain|value|arena' bench tiny.net --train --batch 4 --rounds 2 --memory --trace u.json
holds u.json '"pass":"backward"'
expect 5 'nowhere' bench tiny.net --batch 2 --rounds 2 --trace nowhere/t.json
expect 2 'give one of them' bench tiny.net --scaling --memory
finish
