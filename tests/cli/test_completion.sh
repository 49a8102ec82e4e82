#!/bin/sh
# What the program prints of itself for others: completion scripts for shells, and manual pages.
# labels: quick
. "$GN_SOURCE_DIR/tests/cli/cases.sh"

expect 2 'not one of bash, zsh, fish' completion tcsh
expect 2 'SHELL' completion
for shell in bash zsh fish; do
    expect 0 googlenet completion $shell
    cp out "script.$shell"
    command -v $shell >/dev/null || continue
    $shell -n "script.$shell" || fail "$shell does not read its script"
done

# As bash calls it: the words of a line, the last of them unfinished.
cat >line.sh <<'EOF'
. ./script.bash
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
compopt() { :; }
_googlenet
printf '%s\n' "${COMPREPLY[@]}"
EOF
completes()
{
    wanted=$1
    shift
    got=$(bash line.sh googlenet "$@" | paste -sd' ')
    [ "$got" = "$wanted" ] || fail "\"$*\" is completed to \"$got\", expected \"$wanted\""
}
if command -v bash >/dev/null; then
    mkdir -p folder
    completes 'train' tra
    completes 'import info' help i
    completes '--optimizer' train --opti
    completes 'sgd' train --optimizer s
    completes 'skip' predict model --on-bad-image sk
    completes 'check' data c
    completes 'folder' data check fol
    completes '--quiet' data --qu
fi

# Every command and every flag is in its manual page, and the page is in the language of man(7).
for command in $("$GOOGLENET" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' | grep -v '^help$'); do
    run help --man
    sed 's/\\-/-/g' out >page
    grep -q "googlenet-$command.fR(1)" page || fail "the program's page lacks $command"
    run "$command" --help
    sed -n 's/^  \(-., \)\{0,1\}--\([a-z0-9-]*\) .*/\2/p' out | grep -v '^help$' >flags
    [ -s flags ] || fail "no flags of $command"
    expect 0 '^\.TH GOOGLENET' help --man "$command"
    sed 's/\\-/-/g' out >page
    while read -r flag; do
        grep -q "^.*--$flag.f" page || fail "the page of $command lacks --$flag"
    done <flags
    command -v groff >/dev/null || continue
    groff -man -Tutf8 -ww <out >page.txt 2>notes || fail "groff: $(cat notes)"
    [ -s notes ] && fail "the page of $command: $(cat notes)"
done
expect 2 'unknown command' help --man frobnicate
finish
