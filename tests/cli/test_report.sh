#!/bin/bash
# The page of `eval --report` in a real browser: its text, its layout at two widths, no console error.
# labels: push
# timeout: 180
. "$GN_SOURCE_DIR/tests/cli/cases.sh"
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
    echo "skipped: no Chromium is installed, the page was not opened"
    exit 77
}
data set 24 10 3
printf 'input 12 1\nconv conv 4 3 2\nmean\noutput\n' >tiny.net
run train --data set --model tiny.net --size 12 --batch 8 --max-steps 1 --out run
[ "$code" = 0 ] || fail "train: exit code $code: $(cat err)"
run eval run/model.safetensors --data set --report page
[ "$code" = 0 ] || fail "eval: exit code $code: $(cat err)"

# A page that looks at the report in a frame of the wanted width and writes down what it finds.
look()
{
    cat >look.html <<HTML
<body><iframe id="f" src="page/index.html" style="width:$1px;height:900px;border:0"></iframe><script>
f.onload = () => {
    const d = f.contentDocument, images = [...d.images];
    document.body.textContent = JSON.stringify({
        overflow: d.documentElement.scrollWidth - d.documentElement.clientWidth,
        sections: [...d.querySelectorAll('h2')].map(h => h.textContent),
        broken: images.filter(i => !i.naturalWidth).length, images: images.length,
        small: [...d.querySelectorAll('td,p,figure')].filter(
            e => parseFloat(getComputedStyle(e).fontSize) < 11).length });
};
</script></body>
HTML
    timeout 100 "$browser" --headless --no-sandbox --disable-gpu --allow-file-access-from-files \
        --window-size=1400,1000 --virtual-time-budget=5000 --enable-logging=stderr --v=0 \
        --user-data-dir="$PWD/browser" --dump-dom "file://$PWD/look.html" >dom 2>log
    grep -q '"overflow":0,' dom || fail "width $1: the page is wider than its window: $(cat dom)"
    grep -q '"sections":\["Summary","Confusions","Classes","Calibration","Surest mistakes","Least sure' \
        dom || fail "width $1: sections: $(cat dom)"
    grep -q '"broken":0,"images":[1-9]' dom || fail "width $1: pictures: $(cat dom)"
    grep -q '"small":0' dom || fail "width $1: text too small to read: $(cat dom)"
    grep 'CONSOLE' log && fail "width $1: the console has messages"
}
look 1280
look 375
finish
