#!/bin/bash
# `explain`, `features` and `nearest`: their files, their text and JSON, and what they refuse; names of
# pictures and classes forge neither a path nor a cell.
# labels: quick
. "$GN_SOURCE_DIR/tests/cli/cases.sh"
printf 'input 12 1\nconv conv 4 3 2\ninception block 4 4 4 4 4 4\nmean\noutput 3\n' >tiny.net
mkdir pictures
printf 'P2 4 4 9\n1 2 3 9 4 5 6 7 8 1 2 3 4 5 6 9\n' >'pictures/=1+1,$(x).pgm'
printf 'P2 4 4 9\n1 2 3 8 4 5 6 7 8 1 2 3 4 5 6 9\n' >pictures/b.pgm
printf 'P2 4 4 9\n9 0 0 0 0 0 0 0 0 1 2 3 0 0 0 0\n' >pictures/c.pgm

# ---- features ----
expect 0 'x.csv: 3 rows of 64 values of block' features tiny.net pictures --layer block --out x.csv --size 4
holds x.csv '^file,index,f0,f1,.*,f63$'
holds x.csv "^\"pictures/=1\+1,.*\",0,"
expect 0 '"shape": \[6, 6, 16\], "rows": 3, "values": 576' features tiny.net pictures --layer block --out x.npy --json
[ "$(stat -c %s x.npy)" = $((128 + 3 * 576 * 4)) ] || fail "x.npy has $(stat -c %s x.npy) bytes"
head -c 6 x.npy | od -An -c | grep -q '223   N   U   M   P   Y' || fail 'x.npy does not begin as NumPy does'
head -c 128 x.npy | grep -aq "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 576), }" || fail 'x.npy: header'
run features tiny.net pictures --layer block --out y.npy --threads 3
same x.npy y.npy
expect 2 'features: --out is missing' features tiny.net pictures
expect 2 'name ends in .npy or .csv' features tiny.net pictures --out x.txt
expect 2 'did you mean "block"' features tiny.net pictures --out x.npy --layer blok
printf 'P2 4' >pictures/d.pgm
expect 3 'd.pgm' features tiny.net pictures --out bad.npy
[ ! -e bad.npy ] || fail 'a file of features is left although a picture could not be read'
rm pictures/d.pgm

# ---- nearest ----
expect 0 '^ +(0.99|1.00).*b.pgm' nearest tiny.net pictures pictures --top 1
[ "$(wc -l <out)" = 1 ] || fail 'nearest --top 1 prints more than a line'
expect 0 '"nearest": \[\{"file": "pictures/' nearest tiny.net pictures/b.pgm pictures --json --layer block
! grep -q '"file": "pictures/b.pgm", "index": 0, "cosine"' out || fail 'nearest finds the image itself'
expect 2 'index 9, but it holds 3' nearest tiny.net pictures pictures --index 9
expect 2 'MODEL' nearest tiny.net pictures

# ---- explain ----
if "$GOOGLENET" info | grep -q 'cairo.*not'; then
    expect 5 'cairo' explain tiny.net pictures/b.pgm
    finish
    exit
fi
expect 0 'explain/0001-_1_1___x_.png, explain/0001-_1_1___x_-maps.png' explain tiny.net pictures --maps --filters --top 2
for file in 0001-_1_1___x_ 0002-b 0003-c 0003-c-maps filters; do
    head -c 4 "explain/$file.png" | grep -aq PNG || fail "explain/$file.png is no PNG"
done
expect 0 '"layer": "block", "picture": "e2/0001-b.png"' explain tiny.net pictures/b.pgm --out e2 --json --no-occlusion
expect 0 '0001-b.png' explain tiny.net pictures/b.pgm --layer block.p2_2 --window 3 --stride 1
expect 2 'window is 99, it must be 1 to 12' explain tiny.net pictures/b.pgm --window 99
expect 2 'stride is 9' explain tiny.net pictures/b.pgm --stride 9
expect 2 'none called "bloc"' explain tiny.net pictures/b.pgm --layer bloc
expect 3 'missing.png' explain tiny.net missing.png
touch occupied
expect 5 'occupied' explain tiny.net pictures/b.pgm --out occupied/x
finish
