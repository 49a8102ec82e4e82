# doxygen-filter.awk: turns the header's comments into those that Doxygen knows (tools/docs.sh). They are what they
# look like to a reader:
#
#   a comment above a declaration is of it, and of those that follow without an empty line between;
#   a comment after a member is of that member; a member without one is told by the struct's, or by that of the
#   member before;
#   a comment with an empty line after it is of nothing: a heading, or text for readers of the header.
#
# A declaration without any stays without, and Doxygen complains about it.

# Prints the comment that is kept, before a declaration.
function document() {
    if (last != "")
        printf "/** %s */\n", last
}

BEGIN { depth = 0; last = ""; inside = 0; first = 1 }

# The file's own comment, and headings.
first && /^\/\*/ { in_head = 1 }
first && in_head { sub(/^\/\*/, "/** @file\n *"); print; if (/\*\//) { first = 0; in_head = 0 } ; in_head = first; sub(/.*/, ""); next }

/^ *\/\* ?(====|----)/ { last = ""; next }

# A comment on lines of its own.
!inside && /^ *\/\*/ && !/\*\/ *[^ ]/ {
    text = $0
    sub(/^ *\/\* ?/, "", text)
    inside = 1
    kept = ""
}
inside {
    line = text != "" ? text : $0
    if (text == "") {
        line = $0
        sub(/^ *\* ?/, "", line)
    }
    done = $0 ~ /\*\//
    sub(/ *\*\/.*/, "", line)
    kept = kept (kept == "" ? "" : "\n") line
    text = ""
    if (done) {
        inside = 0
        last = kept
        fresh = 1
    }
    next
}

# Braces around everything are none.
/^extern "C" \{/ { print; next }
/^namespace / { print; around = 1; next }
/^\} *\/\/ namespace/ { print; next }
around && /^\{/ { print; around = 0; next }

# An empty line ends what a comment is of.
/^ *$/ { if (depth == 0) last = ""; print; next }

{
    # A declaration that goes on in the next line.
    line = $0
    while (depth > 0 && line ~ /^ +[a-z][a-z_0-9 *]*(, *[a-z_0-9 ]+)*,?$/ && (getline more) > 0) {
        sub(/^ +/, "", more)
        line = line " " more
        print ""
    }
    opens = gsub(/\{/, "{", line)
    closes = gsub(/\}/, "}", line)
    # Comments after members and values; they may go on in the next lines.
    if (trailing) {
        if (line ~ /\*\//) trailing = 0
        print line
        next
    }
    if (depth > 0 && line ~ /^ +[a-z][a-z_0-9 ]*[ *][a-z_0-9*\[\]]+, .*;/) {
        # Several members: the comment after them is of each.
        text = "See above."
        decl = line
        if (match(line, /\/\* .* \*\//)) {
            text = substr(line, RSTART + 3, RLENGTH - 6)
            decl = substr(line, 1, RSTART - 1)
        } else if (match(line, /\/\* /)) {
            text = substr(line, RSTART + 3) " ..."
            decl = substr(line, 1, RSTART - 1)
            trailing = 1
        }
        sub(/; *$/, "", decl)
        n = split(decl, part, /, */)
        type = part[1]
        sub(/[*]*[a-z_0-9]+(\[[^\]]*\])*$/, "", type)
        line = "/** " text " */" part[1] ";"
        for (k = 2; k <= n; k++)
            line = line " /** " text " */" type part[k] ";"
        if (trailing)
            line = line " /* "
    } else if (depth == 0 && line ~ /^(GN_API|typedef).*;.*\/\* /) {
        sub(/\/\* /, "/**< ", line)
        if (line !~ /\*\//) trailing = 1
    } else if (depth > 0 && line ~ /;.*\/\* |,.*\/\* |^ *[A-Z_0-9]+( = [^,]*)? *\/\* /) {
        sub(/\/\* /, "/**< ", line)
        if (line !~ /\*\//) trailing = 1
    } else if (depth > 0 && line ~ /;$/ && closes == 0 && line !~ /^ *\*/) {
        sub(/;$/, "; /**< See above. */", line)
    } else if (depth > 0 && line ~ /^ *[A-Z][A-Z_0-9]*( = [^,]*)?,?$/) {
        sub(/,?$/, "& /**< See above. */", line)
    }
    if (depth == 0 && (line ~ /^(GN_API|typedef|struct|enum|union|class|template|inline|#define|#  *define|namespace|static)/) && line !~ /^struct [a-z_]*;$/)
        document()
    print line
    depth += opens - closes
}
