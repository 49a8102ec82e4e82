#!/bin/sh
# Pictures of a format whose library is not on the machine: they are counted and named, they end
# nothing, and every other picture is answered.
# labels: quick no-sanitize
. "$GN_SOURCE_DIR/tests/cli/cases.sh"
if ! "$GOOGLENET" info --json | grep -Eq '"webp": ?true'; then
    echo "skipped: this build reads no WebP"
    exit 77
fi

# A WebP of one pixel, and the pictures beside it.
mkdir -p set/a set/b
printf 'UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==' | base64 -d >set/a/one.webp
for i in 1 2 3 4 5 6; do
    printf 'P2 3 3 99\n%02d 1 2 3 4 5 6 7 8\n' $((i * 9)) >set/a/$i.pgm
    printf 'P2 3 3 99\n%02d 8 7 6 5 4 3 2 1\n' $((i * 9)) >set/b/$i.pgm
done
cp set/a/1.pgm set/b/really-grey.webp # its name is wrong, its bytes can be read
printf 'input 8 1\nnorm keras\nconv conv 4 3 2\nmean\noutput\n' >tiny.net

# With the library, all are pictures.
run data check set --json
[ "$code" -le 1 ] || fail "data check with libwebp: $code: $(cat err)"
grep -q '"samples": 14' out || fail "with libwebp: not 14 pictures: $(cat out)"

GN_HIDE=libwebp
LD_PRELOAD=$GN_BUILD_DIR/tests/libhide.so
export GN_HIDE LD_PRELOAD

run data check set --json
[ "$code" -le 1 ] || fail "data check: $code: $(cat err)"
grep -q '"samples": 13' out || fail "not 13 pictures: $(cat out)"
grep -q '.webp without libwebp": 1' out || fail "the file left out is not named: $(cat out)"

run train --data set --model tiny.net --size 8 --epochs 1 --out runs
[ "$code" = 0 ] || fail "train: $code: $(cat err)"
grep -q 'not used .*1 file: 1 .webp without libwebp' err ||
    fail "train does not name the file left out: $(cat err)"

run predict runs/best.safetensors set/a/1.pgm set/a/one.webp set/b/1.pgm --on-bad-image skip -q --top 1
[ "$(wc -l <out)" = 2 ] || fail "not two pictures are answered: $(cat out err)"
grep -q 'one.webp: WebP: not read on this machine: .* of libwebp cannot be loaded' err ||
    fail "predict does not say why: $(cat err)"
run predict runs/best.safetensors set/a/one.webp
[ "$code" = 3 ] || fail "predict of that file alone: $code, not 3"
grep -q 'cannot be loaded' err || fail "it does not say why: $(cat err)"
finish
