#!/bin/sh
# manual.sh PROGRAM FOLDER: writes the manual pages and the completion scripts, as the program prints them;
# a program for another processor in $GN_EMULATOR.
set -eu
program=$1
folder=$2

run()
{
    # shellcheck disable=SC2086 # words
    ${GN_EMULATOR:-} "$program" "$@"
}

mkdir -p "$folder"
for command in $(run completion bash | sed -n 's/.*compgen -W "help \(.*\) --help .*/\1/p'); do
    run help --man "$command" >"$folder/googlenet-$command.1"
done
for shell in bash zsh fish; do
    run completion "$shell" >"$folder/googlenet.$shell"
done
run help --man >"$folder/googlenet.1"
