#!/bin/sh
# check-floors.sh: does every file include only from its own folder or one below, and are there no
# circles among files?
#
# Folders, lowest first: see FOLDERS. The program sees the public header alone, and the few files of
# base/ that need nothing but libc and are compiled into it too (CMakeLists.txt, GN_SHARED_BASE).
# src/serve is a part of the program, too: it may also use what is in cli/, and md5. zlib, libcurl, cairo
# and the decoders of pictures are each included by one file of the library and one of the program,
# besides the one that reports their versions (src/system.c).
#
# A module is a header with the .c file of the same name. "a includes b" makes an edge between
# modules; modules that reach each other form a circle, which is reported with its members. A header
# that several .c files share and none is named after (plan/internal.h) adds no edges of its own.
set -eu
cd "$(dirname "$0")/.."

FOLDERS="os base file mpi cluster cpu ops picture graph net plan models data formats foreign torch numpy caffe hdf5 tensorflow keras exchange infer run draw tensorboard report optimizer whiten train cli serve"

# Circles that are known and allowed until they are opened: the first member of each.
KNOWN_CIRCLES="train/checkpoint"

# The table that people read has the same folders in the same order, and each folder's README names the one below.
told=$(sed -n 's/^| *[0-9]* | `\([a-z0-9]*\)` | .*/\1/p' docs/design.md | tr '\n' ' ')
below=
for folder in $FOLDERS; do
    [ -z "$below" ] || grep -q "^Rank above \`$below\`" "src/$folder/README.md" || {
        echo "check-floors: src/$folder/README.md does not say \"Rank above \\\`$below\\\`\""
        exit 1
    }
    below=$folder
done
[ "$told" = "$FOLDERS " ] || {
    echo "check-floors: docs/design.md has the folders $told, not $FOLDERS"
    exit 1
}

includes() { # FILE:LINE:"path" or <path> of every include below the given folders
    grep -rnE '^[[:space:]]*#[[:space:]]*include' --include='*.c' --include='*.h' "$@" 2>/dev/null |
        sed -E 's/[[:space:]]*#[[:space:]]*include[[:space:]]*//; s/[[:space:]]*(\/[\/*].*)?$//'
}

bad=0

includes src include examples | awk -F: -v folders="$FOLDERS" '
    BEGIN {
        n = split(folders, name, " ")
        for (i = 1; i <= n; i++)
            rank[name[i]] = i
        rank["system.c"] = n
    }
    function complain(text) {
        printf "check-floors: %s:%s: %s\n", $1, $2, text
        bad = 1
    }
    {
        what = $3
        quoted = what ~ /^"/
        gsub(/["<>]/, "", what)
        split($1, own, "/")
        split(what, other, "/")

        if (!quoted) {
            if ($1 != "src/system.c" && what ~ /^(zlib\.h|curl\/curl\.h|cairo.*\.h|jpeglib\.h|png\.h|gif_lib\.h|tiffio\.h)$/) {
                library = what
                sub(/[-\/.].*/, "", library)
                library = library (own[1] == "examples" ? " of an example" : own[2] ~ /^(cli|serve)$/ ? " of the program" : "")
                if (library in first && first[library] != $1)
                    complain("<" what "> is already included by " first[library] ", keep it to one file")
                first[library] = $1
            }
            next
        }
        if (own[1] != "src")
            complain("\"" what "\": only <googlenet.h> is public")
        else if (what == "gn_config.h" && own[2] != "cli")
            next
        else if (!(own[2] in rank))
            complain("folder src/" own[2] " has no rank, add it to tools/check-floors.sh")
        else if (!(other[1] in rank))
            complain("\"" what "\": name it from src/, as \"base/status.h\"")
        else if (own[2] == "cli" && what ~ /^(base\/(number|path|width|words)|os\/(os|files|program\/program))\.h$/)
            next
        else if (own[2] == "serve" && what ~ /^(base\/(number|library)|file\/md5)\.h$/)
            next
        else if (own[2] ~ /^(cli|serve)$/ && other[1] != "cli" && other[1] != own[2])
            complain("\"" what "\": the program sees only <googlenet.h>")
        else if (rank[other[1]] > rank[own[2]])
            complain("\"" what "\": " other[1] "/ is above " own[2] "/, only folders below it may " \
                     "be included")
    }
    END { exit bad }
' >&2 || bad=1

# Tarjan's algorithm: the strongly connected components of the graph of modules.
includes src | awk -F: -v known="$KNOWN_CIRCLES" '
    function module(path) {
        sub(/^src\//, "", path)
        sub(/\.[ch]$/, "", path)
        return path
    }
    function visit(v,    i, n, w, list, members, smallest) {
        low[v] = place[v] = ++count
        stack[++top] = v
        on[v] = 1
        n = split(after[v], list, " ")
        for (i = 1; i <= n; i++) {
            w = list[i]
            if (!(w in place)) {
                visit(w)
                if (low[w] < low[v])
                    low[v] = low[w]
            } else if (on[w] && place[w] < low[v]) {
                low[v] = place[w]
            }
        }
        if (low[v] != place[v])
            return
        n = 0
        do {
            w = stack[top--]
            on[w] = 0
            members = members " " w
            if (smallest == "" || w < smallest)
                smallest = w
            n++
        } while (w != v)
        if (n > 1 && !(smallest in allowed)) {
            printf "check-floors: these files include each other in a circle:%s\n", members
            bad = 1
        }
        if (n > 1)
            delete allowed[smallest]
    }
    BEGIN {
        n = split(known, list, " ")
        for (i = 1; i <= n; i++)
            allowed[list[i]] = 1
    }
    $3 ~ /^"/ {
        what = $3
        gsub(/"/, "", what)
        from = module($1)
        to = module(what)
        if ($1 ~ /\.c$/)
            has_code[from] = 1
        if (from != to && !((from, to) in seen)) {
            seen[from, to] = 1
            after[from] = after[from] " " to
            if (!(from in all))
                order[++n_modules] = from
            all[from] = 1
        }
    }
    END {
        for (m = 1; m <= n_modules; m++)
            if (!has_code[order[m]])
                after[order[m]] = ""
        for (m = 1; m <= n_modules; m++)
            if (!(order[m] in place))
                visit(order[m])
        for (m in allowed) {
            printf "check-floors: there is no circle at %s any more, remove it from KNOWN_CIRCLES\n", m
            bad = 1
        }
        exit bad
    }
' >&2 || bad=1

exit "$bad"
