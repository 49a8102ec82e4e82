#!/bin/sh
# manual.sh PROGRAM FOLDER: writes the manual pages and the completion scripts, as the program prints them.
set -eu
program=$1
folder=$2
mkdir -p "$folder"
for command in $("$program" completion bash | sed -n 's/.*compgen -W "help \(.*\) --help .*/\1/p'); do
    "$program" help --man "$command" >"$folder/googlenet-$command.1"
done
for shell in bash zsh fish; do
    "$program" completion "$shell" >"$folder/googlenet.$shell"
done
"$program" help --man >"$folder/googlenet.1"
