#!/bin/sh
# check-length.sh: names C files of more than 800 lines (an error) and functions of more than 60 lines
# whose head comment does not give the reason with the word "long" (a warning). The public header is
# one file of any length, since it is the manual.
set -eu
cd "$(dirname "$0")/.."

status=0
for file in $(find src tests examples bench -name '*.c' -o -name '*.h' -o -name '*.cpp' | sort); do
    lines=$(wc -l <"$file")
    if [ "$lines" -gt 800 ]; then
        echo "check-length: $file has $lines lines, split it by subject" >&2
        status=1
    fi
    # A function's body begins with a brace of its own in the first column.
    awk -v file="$file" '
        /^\/\*/ { reason = 0 }
        /[Ll]ong/ && !inside { reason = 1 }
        /^\{/ { inside = 1; start = NR; head = previous }
        /^\}/ {
            if (inside && NR - start > 61 && !reason)
                printf "check-length: %s:%d: %d lines in: %s\n", file, start, NR - start - 1, head
            inside = 0
            reason = 0
        }
        NF { previous = $0 }
    ' "$file" >&2
done
exit $status
