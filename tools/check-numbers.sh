#!/bin/sh
# check-numbers.sh: is every number that is printed or read the same in every locale?
#
# printf of %f, %e, %g or %a, and strtod and its kin, follow the decimal point of the locale, which a
# program around the library may have set; jansson does the same. So a real number goes through
# base/number (gn_print, gn_format, gn_decimal_text, gn_real_scan, ...), JSON through file/json or, in
# the program, cli/report, and this script refuses the others in src/.
set -eu
cd "$(dirname "$0")/.."

find "${1:-src}" -name '*.[ch]' | sort | while read -r file; do
    awk -v file="$file" '
    function complain(text) {
        printf "check-numbers: %s:%d: %s\n", file, line, text
        bad = 1
    }
    # Looks at the words and strings of `code` in turn. In the arguments of a plain printf (depth above
    # 0) a string may not hold the conversion of a real number.
    function look(code,    word, rest) {
        while (code != "") {
            if (match(code, /^"([^"\\]|\\.)*"/)) {
                word = substr(code, 1, RLENGTH)
                rest = word
                gsub(/%%/, "", rest)
                if (rest ~ /%[-+ #0]*\047/)
                    complain("the flag \047 groups digits as the locale does")
                if (depth > 0 && rest ~ /%[-+ #0]*([0-9]+|\*)?(\.([0-9]+|\*)?)?l?L?[aAeEfFgG]/)
                    complain("a real number printed by " printer ", use gn_print or gn_format")
            } else if (match(code, /^[A-Za-z_][A-Za-z_0-9]*/)) {
                word = substr(code, 1, RLENGTH)
                if (depth == 0 && word ~ /^(printf|fprintf|dprintf|sprintf|snprintf|asprintf)$/) {
                    printer = word
                    wanted = 1
                } else if (word ~ /^(strtod|strtof|strtold|atof|v?f?scanf|v?sscanf|v[a-z]*printf|localeconv|setlocale)$/ &&
                           file !~ /(base\/number\.[ch]|os\/windows\.c)$/)
                    complain(word " follows the locale, use base/number")
                else if (word ~ /^json_(load|dump)/ && file !~ /(file\/json\.[ch]|cli\/report\.c)$/)
                    complain(word " follows the locale, use file/json (or cli_json_parse, cli_json_dump)")
            } else {
                word = substr(code, 1, 1)
                if (word == "(" && (wanted || depth > 0)) {
                    depth++
                    wanted = 0
                } else if (word == ")" && depth > 0)
                    depth--
            }
            code = substr(code, length(word) + 1)
        }
    }
    FILENAME ~ /base\/number\.c$/ { exit }
    {
        line = FNR
        text = $0
        gsub(/\/\/.*$/, "", text)
        while (1) {
            if (comment) {
                end = index(text, "*/")
                if (!end)
                    next
                text = substr(text, end + 2)
                comment = 0
            }
            begin = index(text, "/*")
            if (!begin)
                break
            look(substr(text, 1, begin - 1))
            text = substr(text, begin + 2)
            comment = 1
        }
        look(text)
    }
    END { exit bad }
    ' "$file" || echo bad
done | {
    bad=0
    while read -r text; do
        [ "$text" = bad ] && bad=1 || printf '%s\n' "$text" >&2
    done
    exit "$bad"
}
