# Helpers of the command-line tests, which source this file. Each test runs in a private folder.
# shellcheck shell=sh
: "${GOOGLENET:?names the program under test}"
failures=0

fail()
{
    echo "FAILED: $*" >&2
    failures=$((failures + 1))
}

# A test that ends in another way than by `finish` fails, too, when something has failed.
trap 'code=$?; [ "$failures" -eq 0 ] || [ "$code" -ne 0 ] || exit 1' EXIT

# run ARGS...: runs the program; its exit code is then $code, its streams are the files out and err.
run()
{
    "$GOOGLENET" "$@" >out 2>err </dev/null
    code=$?
}

# expect CODE PATTERN ARGS...: the program ends with CODE; an error is one sentence that matches
# PATTERN (extended regular expression), hint lines aside.
expect()
{
    wanted=$1
    pattern=$2
    shift 2
    run "$@"
    if [ "$code" != "$wanted" ]; then
        fail "googlenet $*: exit code $code, expected $wanted: $(head -n 3 err)"
        return
    fi
    if ! cat out err | grep -Eq -e "$pattern"; then
        fail "googlenet $*: no line matches '$pattern': $(cat out err | head -n 5)"
    fi
    if [ "$wanted" -ne 0 ] && [ "$wanted" -ne 130 ]; then
        sentences=$(grep '^googlenet: ' err | grep -vc '^googlenet: warning: ')
        [ "$sentences" = 1 ] || fail "googlenet $*: $sentences sentences: $(cat err)"
    fi
}

# holds FILE PATTERN: a line of the file matches.
holds()
{
    grep -Eq -e "$2" "$1" || fail "$1 has no line '$2': $(head -c 600 "$1")"
}

# same FILE FILE: equal bytes.
same()
{
    cmp -s "$1" "$2" || fail "$1 and $2 differ"
}

# be32 N: N as four big-endian bytes.
be32()
{
    for shift in 24 16 8 0; do
        # shellcheck disable=SC2059 # the format is the byte
        printf "\\$(printf '%03o' $((($1 >> shift) & 255)))"
    done
}

# images FILE N SIDE: an IDX file of N square images with some texture.
images()
{
    {
        printf '\000\000\010\003'
        be32 "$2"
        be32 "$3"
        be32 "$3"
        awk -v n=$(($2 * $3 * $3)) 'BEGIN { for (i = 0; i < n; i++)
            printf "%c", 32 + (i * i + int(i / 97) * 7) % 95 }' </dev/null
    } >"$1"
}

# labels FILE N CLASSES: an IDX file of N labels that go round.
labels()
{
    {
        printf '\000\000\010\001'
        be32 "$2"
        i=0
        while [ "$i" -lt "$2" ]; do
            # shellcheck disable=SC2059
            printf "\\$(printf '%03o' $((i % $3)))"
            i=$((i + 1))
        done
    } >"$1"
}

# data FOLDER TRAIN TEST CLASSES: a small data set of 28x28 images.
data()
{
    mkdir -p "$1"
    images "$1/train-images-idx3-ubyte" "$2" 28
    labels "$1/train-labels-idx1-ubyte" "$2" "$4"
    images "$1/t10k-images-idx3-ubyte" "$3" 28
    labels "$1/t10k-labels-idx1-ubyte" "$3" "$4"
}

finish()
{
    if [ "$failures" -ne 0 ]; then
        echo "$failures failures; repeat with: GOOGLENET=$GOOGLENET $0" >&2
        exit 1
    fi
    exit 0
}
