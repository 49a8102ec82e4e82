#!/bin/sh
# check-readme.sh: does the README of every folder of src name each of its files, nothing that is not
# there, and the folder below it in rank? A folder inside a folder (an operator) is named as a folder.
set -eu
cd "$(dirname "$0")/.."

# "base cpu ops ...", lowest first.
ranks=$(sed -n 's/.*split("\([a-z ]*\)", name.*/\1/p' tools/check-floors.sh)

status=0
complain() {
    echo "check-readme: $*" >&2
    status=1
}

for folder in src/*/; do
    folder=${folder%/}
    readme=$folder/README.md
    if [ ! -f "$readme" ]; then
        complain "$folder has no README.md"
        continue
    fi
    lines=$(wc -l <"$readme")
    [ "$lines" -le 60 ] || complain "$readme has $lines lines, it should be a page"
    below=$(echo " $ranks " | sed -n "s/.* \([a-z]*\) ${folder#src/} .*/\1/p")
    if [ -n "$below" ] && ! grep -q "^Rank above \`$below\`" "$readme"; then
        complain "$readme should say \"Rank above \`$below\`\", as tools/check-floors.sh does"
    fi
    for path in "$folder"/*; do
        name=${path##*/}
        case $name in
        README.md) continue ;;
        esac
        grep -qF "\`$name\`" "$readme" || complain "$readme does not name $name"
    done
    # Names in the first column of its tables.
    for name in $(sed -n 's/^| \(`[^|]*\) |.*/\1/p' "$readme" | tr -d '`,'); do
        [ -e "$folder/$name" ] || complain "$readme names $name, which is not there"
    done
done
exit $status
