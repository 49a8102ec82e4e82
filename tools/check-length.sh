#!/bin/sh
# check-length.sh: refuses C files of more than 500 lines whose first comment does not say "Over 500 lines
# because", functions of more than 60 lines, and folders of src/ with more than 20 .c files. The public
# header is one file of any length, since it is the manual; each command of src/cli is a file.
set -eu
cd "$(dirname "$0")/.."

status=0
for file in $(find src tests examples bench -name '*.c' -o -name '*.h' -o -name '*.cpp' | sort); do
    lines=$(wc -l <"$file")
    if [ "$lines" -gt 500 ] && ! sed '/\*\//q' "$file" | grep -q 'Over 500 lines because'; then
        echo "check-length: $file has $lines lines, split it by subject" >&2
        status=1
    fi
    # A function's body begins with a brace of its own in the first column.
    awk -v file="$file" '
        /^\{/ { inside = 1; start = NR; head = previous }
        /^\}/ {
            if (inside && NR - start > 61) {
                printf "check-length: %s:%d: %d lines in: %s\n", file, start, NR - start - 1, head
                bad = 1
            }
            inside = 0
        }
        NF { previous = $0 }
        END { exit bad }
    ' "$file" >&2 || status=1
done

for folder in src/*/ src/*/*/; do
    n=$(find "$folder" -maxdepth 1 -name '*.c' | wc -l)
    if [ "$n" -gt 20 ] && [ "$folder" != src/cli/ ]; then
        echo "check-length: $folder has $n .c files, divide it by subject" >&2
        status=1
    fi
done
exit $status
