#!/bin/sh
# check-format.sh [--fix]: are the C files formatted as .clang-format says, and do all text files end
# their lines and themselves properly? With --fix the C files are formatted.
set -eu
cd "$(dirname "$0")/.."

format=clang-format
command -v clang-format-14 >/dev/null 2>&1 && format=clang-format-14

c_files() {
    find include src tests examples bench \( -name '*.c' -o -name '*.h' -o -name "*.cpp" -o -name "*.hpp" \) -print \
        2>/dev/null | sort
}

if [ "${1:-}" = --fix ]; then
    c_files | xargs -r "$format" -i --style=file
    exit 0
fi

status=0
if ! c_files | xargs -r "$format" --dry-run -Werror --style=file; then
    echo "check-format: run 'make format'" >&2
    status=1
fi

# Files that git knows; without git (an unpacked archive) the C files alone.
text_files() {
    if git rev-parse --git-dir >/dev/null 2>&1; then
        git ls-files '*.c' '*.h' '*.cpp' '*.hpp' '*.sh' '*.md' '*.py' '*.cmake' '*.in' '*.txt' Makefile .ci/run
    else
        c_files
    fi
}

for file in $(text_files); do
    [ -s "$file" ] || continue
    if grep -qE '[[:blank:]]+$' "$file"; then
        echo "check-format: $file: trailing space in line $(grep -nE '[[:blank:]]+$' "$file" |
            head -n 1 | cut -d: -f1)" >&2
        status=1
    fi
    if [ -n "$(tail -c 1 "$file")" ]; then
        echo "check-format: $file: no newline at the end" >&2
        status=1
    fi
    # Zero-width and direction marks, and carriage returns, hide what a reader believes to see.
    if LC_ALL=C grep -qE "$(printf '\342\200[\213-\217\252-\256]|\357\273\277|\r')" "$file"; then
        echo "check-format: $file: invisible character" >&2
        status=1
    fi
done
exit $status
