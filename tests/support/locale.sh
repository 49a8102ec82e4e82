#!/bin/sh
# locale.sh NAME...: makes locales whose numbers are not those of C, once for all tests of a build, in
# $GN_BUILD_DIR/tests/locales (a LOCPATH); "de_DE" is NAME.UTF-8 there. The only maker of locales: the
# tests in C call it, too (locale.c). Exit code 1, with a sentence, where localedef cannot make one.
#
# A whole locale takes localedef seconds. Of these only numbers are special, and letters where that is
# the point:
#   de_DE      1.234,5: groups with points
#   fr_FR      groups with narrow blanks of three bytes
#   ps_AF      a decimal point of two bytes
#   ungrouped  1234,5; and the letters are Turkish, where i and I are not one letter
set -u
folder=${GN_BUILD_DIR:-.}/tests/locales
mkdir -p "$folder" || exit 1

make() {
    here=$(mktemp -d "$folder/tmp.XXXXXX") || return 1
    {
        printf 'comment_char %%\nescape_char /\nLC_NUMERIC\n'
        if [ "$1" = ungrouped ]; then
            printf 'decimal_point ","\nthousands_sep ""\ngrouping -1\n'
        else
            printf 'copy "%s"\n' "$1"
        fi
        printf 'END LC_NUMERIC\nLC_CTYPE\ncopy "%s"\nEND LC_CTYPE\n' "$2"
        for part in COLLATE MONETARY TIME MESSAGES PAPER NAME ADDRESS TELEPHONE MEASUREMENT \
            IDENTIFICATION; do
            printf 'LC_%s\ncopy "POSIX"\nEND LC_%s\n' $part $part
        done
    } >"$here/source"
    localedef -c --no-archive -f UTF-8 -i "$here/source" "$here/made" >/dev/null 2>&1
    # Another test may have been faster.
    mv -T "$here/made" "$folder/$1.UTF-8" 2>/dev/null
    rm -rf "$here"
    [ -d "$folder/$1.UTF-8" ]
}

for name in "$@"; do
    letters=POSIX
    [ "$name" = ungrouped ] && letters=tr_TR
    [ -d "$folder/$name.UTF-8" ] || make "$name" $letters || {
        echo "localedef cannot make $name (Debian: package locales)"
        exit 1
    }
done
