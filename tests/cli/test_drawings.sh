#!/bin/bash
# `summary --dot` and `--svg`: every layer is drawn once, and a hostile name is only text.
# labels: quick
. "$GN_SOURCE_DIR/tests/cli/cases.sh"
expect 0 'digraph "googlenet"' summary --dot
[ "$(grep -c 'fillcolor' out)" = 74 ] || [ "$(grep -c 'label="' out)" -gt 60 ] || fail 'layers are missing in the DOT text'
holds out 'subgraph cluster_4'
expect 0 '<svg xmlns' summary --svg
layers=$("$GOOGLENET" summary --json | grep -o '"name"' | wc -l)
boxes=$(grep -c '<g><title>' out)
[ "$boxes" -ge 70 ] || fail "$boxes boxes of about $layers layers"
[ "$(grep -c 'class="frame"' out)" = 9 ] || fail 'not nine blocks'
holds out 'b3.inception3a.p2_2: 12x12x128</title>'
expect 0 '<svg' summary googlenet-paper --aux --svg
expect 2 'each print a form' summary --dot --svg
expect 2 'each print a form' summary --dot --json

printf 'input 8 1\nconv a<b>&"\\c;]-- 4 3\nmean\noutput 2\n' >evil.net
run summary evil.net --svg
if [ "$code" = 0 ]; then
    ! grep -q '<b>' out || fail 'a name is markup in the SVG'
    run summary evil.net --dot
    holds out '\\"'
fi
finish
