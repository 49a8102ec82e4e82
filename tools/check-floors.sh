#!/bin/sh
# check-floors.sh: does every file include only from its own folder or from folders of lower rank?
#
# The ranks are in the list below, lowest first. The program sees the public header alone. zlib, libcurl,
# cairo and the decoders of pictures are each included by one file, besides the one that reports their
# versions (src/system.c).
set -eu
cd "$(dirname "$0")/.."

includes() { # FILE:LINE:"path" or <path> of every include below the given folders
    grep -rnE '^[[:space:]]*#[[:space:]]*include' --include='*.c' --include='*.h' "$@" 2>/dev/null |
        sed -E 's/[[:space:]]*#[[:space:]]*include[[:space:]]*//; s/[[:space:]]*(\/[\/*].*)?$//'
}

includes src include examples | awk -F: '
    BEGIN {
        n = split("base cpu ops picture graph net plan models data formats infer run draw train cli", name, " ")
        for (i = 1; i <= n; i++)
            floor[name[i]] = i
        floor["system.c"] = n
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
        else if (!(own[2] in floor))
            complain("folder src/" own[2] " has no floor, add it to tools/check-floors.sh")
        else if (!(other[1] in floor))
            complain("\"" what "\": name it from src/, as \"base/status.h\"")
        else if (own[2] == "cli" && other[1] != "cli")
            complain("\"" what "\": the program sees only <googlenet.h>")
        else if (floor[other[1]] > floor[own[2]])
            complain("\"" what "\": " other[1] " has a higher rank than " own[2])
    }
    END { exit bad }
' >&2
