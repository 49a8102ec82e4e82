/*
 * googlenet completion: scripts with which a shell completes commands, flags and the values of flags.
 * They are made from the tables of commands and options. What is no command and no flag is a file.
 */
#include "cli/commands.h"
#include "cli/report.h"
#include "cli/shared.h"

#include <stdio.h>
#include <string.h>

struct completion {
    struct cli_common common;
};

static const struct completion defaults;

static const struct gn_option options[] = { CLI_COMMON_ROWS(struct completion) };

/* A word in single quotes of a shell. In zsh's descriptions "[", "]" and ":" end a part. */
static void put_quoted(const char *text, const char *escaped)
{
    putchar('\'');
    for (; *text; text++)
        if (*text == '\'')
            fputs("'\\''", stdout);
        else if (strchr(escaped, *text))
            printf("\\%c", *text);
        else
            putchar(*text);
    putchar('\'');
}

/* The names that a choice may have, with `between` between them. */
static void put_choices(const struct gn_option *option, const char *between)
{
    for (int i = (int)option->low; option->choice(i); i++)
        printf("%s%s", i > (int)option->low ? between : "", option->choice(i));
}

static bool has_choices(const struct gn_option *option)
{
    return option->kind == GN_OPTION_CHOICE && option->choice && option->choice((int)option->low);
}

static void each_option(const struct cli_command *command,
                        void (*call)(const struct cli_command *, const struct gn_option *))
{
    struct cli_table table;
    cli_make_table(&table, command);
    for (int i = 0; i < table.n; i++)
        if (table.rows[i].option->kind != GN_OPTION_HEADING)
            call(command, table.rows[i].option);
}

/* ---- bash ---- */

static void bash_flag(const struct cli_command *command, const struct gn_option *option)
{
    (void)command;
    printf(" --%s", option->name);
}

static void bash_value(const struct cli_command *command, const struct gn_option *option)
{
    if (!has_choices(option))
        return;
    printf("    %s:--%s) values=\"", command->name, option->name);
    put_choices(option, " ");
    puts("\" ;;");
}

static void bash_words(void)
{
    fputs("    if [ \"$COMP_CWORD\" -eq 2 ]; then\n"
          "        case $command in\n"
          "        help) values=\"",
          stdout);
    for (int i = 0; i < cli_n_commands; i++)
        printf("%s%s", i > 0 ? " " : "", cli_commands[i]->name);
    puts("\" ;;");
    for (int i = 0; i < cli_n_commands; i++)
        if (cli_commands[i]->words)
            printf("        %s) values=\"%s\" ;;\n", cli_commands[i]->name, cli_commands[i]->words);
    puts("        esac\n    fi");
}

static void bash(void)
{
    fputs("# bash completion of googlenet\n"
          "_googlenet()\n"
          "{\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} values= flags= command=${COMP_WORDS[1]}\n"
          "    COMPREPLY=()\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
          "        COMPREPLY=($(compgen -W \"help",
          stdout);
    for (int i = 0; i < cli_n_commands; i++)
        printf(" %s", cli_commands[i]->name);
    fputs(" --help --version\" -- \"$word\"))\n"
          "        return\n"
          "    fi\n"
          "    case $command:${COMP_WORDS[COMP_CWORD - 1]} in\n",
          stdout);
    for (int i = 0; i < cli_n_commands; i++)
        each_option(cli_commands[i], bash_value);
    puts("    esac");
    bash_words();
    puts("    case $command in");
    for (int i = 0; i < cli_n_commands; i++) {
        printf("    %s) flags=\"--help", cli_commands[i]->name);
        each_option(cli_commands[i], bash_flag);
        puts("\" ;;");
    }
    fputs("    esac\n"
          "    if [ -n \"$values\" ] && [[ $word != -* ]]; then\n"
          "        COMPREPLY=($(compgen -W \"$values\" -- \"$word\"))\n"
          "    elif [[ $word == -* ]]; then\n"
          "        COMPREPLY=($(compgen -W \"$flags\" -- \"$word\"))\n"
          "    else\n"
          "        compopt -o filenames\n"
          "        COMPREPLY=($(compgen -f -- \"$word\"))\n"
          "    fi\n"
          "}\n"
          "complete -F _googlenet googlenet\n",
          stdout);
}

/* ---- zsh ---- */

static void zsh_option(const struct cli_command *command, const struct gn_option *option)
{
    (void)command;
    fputs(" \\\n            ", stdout);
    if (option->letter)
        printf("'(-%c --%s)'{-%c,--%s}", option->letter, option->name, option->letter,
               option->name);
    else
        printf("--%s", option->name);
    fputs("'['", stdout);
    put_quoted(option->help, "[]:\\");
    fputs("']", stdout);
    if (option->value) {
        printf(":%s:", option->value);
        if (has_choices(option)) {
            putchar('(');
            put_choices(option, " ");
            putchar(')');
        } else {
            fputs("_files", stdout);
        }
    }
    putchar('\'');
}

static void zsh(void)
{
    fputs("#compdef googlenet\n"
          "_googlenet()\n"
          "{\n"
          "    local -a commands\n"
          "    commands=(\n",
          stdout);
    for (int i = 0; i < cli_n_commands; i++) {
        char row[256];
        (void)snprintf(row, sizeof row, "%s:%s", cli_commands[i]->name, cli_commands[i]->summary);
        fputs("        ", stdout);
        put_quoted(row, "");
        putchar('\n');
    }
    fputs("        'help:explain a command'\n"
          "    )\n"
          "    if ((CURRENT == 2)); then\n"
          "        _describe command commands\n"
          "        return\n"
          "    fi\n"
          "    local command=$words[2]\n"
          "    shift words\n"
          "    ((CURRENT--))\n"
          "    case $command in\n"
          "    help) _describe command commands ;;\n",
          stdout);
    for (int i = 0; i < cli_n_commands; i++) {
        printf("    %s)\n        _arguments '--help[this text]'", cli_commands[i]->name);
        each_option(cli_commands[i], zsh_option);
        if (cli_commands[i]->words)
            printf(" \\\n            '1:word:(%s)'", cli_commands[i]->words);
        puts(" \\\n            '*:file:_files'\n        ;;");
    }
    fputs("    esac\n"
          "}\n"
          "_googlenet \"$@\"\n",
          stdout);
}

/* ---- fish ---- */

static void fish_option(const struct cli_command *command, const struct gn_option *option)
{
    printf("complete -c googlenet -n '__fish_seen_subcommand_from %s'", command->name);
    if (option->letter)
        printf(" -s %c", option->letter);
    printf(" -l %s", option->name);
    if (has_choices(option)) {
        fputs(" -x -a '", stdout);
        put_choices(option, " ");
        putchar('\'');
    } else if (option->value) {
        fputs(" -r", stdout);
    }
    fputs(" -d ", stdout);
    put_quoted(option->help, "\\");
    putchar('\n');
}

static void fish(void)
{
    puts("# fish completion of googlenet");
    for (int i = 0; i < cli_n_commands; i++) {
        printf("complete -c googlenet -f -n __fish_use_subcommand -a %s -d ",
               cli_commands[i]->name);
        put_quoted(cli_commands[i]->summary, "\\");
        putchar('\n');
    }
    fputs("complete -c googlenet -f -n __fish_use_subcommand -a help -d 'explain a command'\n"
          "complete -c googlenet -f -n '__fish_seen_subcommand_from help' -a '",
          stdout);
    for (int i = 0; i < cli_n_commands; i++)
        printf("%s%s", i > 0 ? " " : "", cli_commands[i]->name);
    puts("'");
    for (int i = 0; i < cli_n_commands; i++) {
        if (cli_commands[i]->words)
            printf("complete -c googlenet -f -n '__fish_seen_subcommand_from %s' -a '%s'\n",
                   cli_commands[i]->name, cli_commands[i]->words);
        each_option(cli_commands[i], fish_option);
    }
}

static int run(struct cli_args *args)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } shells[] = { { "bash", bash }, { "zsh", zsh }, { "fish", fish } };
    for (int i = 0; i < CLI_COUNT_OF(shells); i++)
        if (strcmp(args->arguments[0], shells[i].name) == 0) {
            shells[i].print();
            return CLI_DONE;
        }
    return cli_fail(CLI_USAGE, "completion: \"%s\" is not one of bash, zsh, fish",
                    args->arguments[0]);
}

const struct cli_command cli_completion = {
    .name = "completion",
    .usage = "bash|zsh|fish",
    .summary = "print the script with which a shell completes commands and flags",
    .examples = "  source <(googlenet completion bash)\n"
                "  googlenet completion fish > ~/.config/fish/completions/googlenet.fish\n",
    .argument = "SHELL",
    .words = "bash zsh fish",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = options,
    .n_options = CLI_COUNT_OF(options),
    .defaults = &defaults,
    .values_size = sizeof(struct completion),
    .run = run,
};
