/*
 * The program: finds the command, prepares the streams, and turns its result into an exit code.
 */
#include "cli/commands.h"
#include "base/words.h"
#include "cli/man.h"
#include "cli/ranks.h"
#include "cli/report.h"
#include "cli/shared.h"
#include "os/program/program.h"

#include <stdlib.h>
#include <string.h>

static const struct cli_command *find_command(const char *name)
{
    for (int i = 0; i < cli_n_commands; i++)
        if (strcmp(cli_commands[i]->name, name) == 0)
            return cli_commands[i];
    return NULL;
}

static int unknown_command(const char *word)
{
    const char **names = cli_calloc((size_t)cli_n_commands + 2, sizeof *names);
    for (int i = 0; i < cli_n_commands; i++)
        names[i] = cli_commands[i]->name;
    names[cli_n_commands] = "help";
    const char *nearest = gn_nearest(word, names);
    free(names);
    const bool is_flag = word[0] == '-';
    const int code = cli_fail(CLI_USAGE, "unknown %s \"%s\"", is_flag ? "flag" : "command", word);
    if (nearest && !is_flag)
        cli_hint("did you mean %s?", nearest);
    else
        cli_hint(is_flag ? "a command comes first: googlenet --help lists them"
                         : "googlenet --help lists the commands");
    return code;
}

static void set_voice(const struct cli_common *common)
{
    const char *no_color = getenv("NO_COLOR");
    cli_voice.quiet = common->quiet;
    cli_voice.verbose = common->verbose && !common->quiet;
    cli_voice.terminal = gn_terminal_redraws(stderr);
    cli_voice.colour =
        cli_voice.terminal && !common->no_color && !(no_color && no_color[0] != '\0');
}

static int run_command(const struct cli_command *command, int argc, char **argv)
{
    struct cli_args args;
    struct gn_system_info system;
    if (command->is_joint)
        cli_ranks_hush();
    int code = cli_parse(&args, command, argc, argv);
    if (code == 0 && args.help) {
        cli_print_help(command);
    } else if (code == 0) {
        cli_voice.flag_of = cli_flag_of;
        set_voice((const struct cli_common *)args.values);
        code = gn_system_describe(&system) == GN_OK ? command->run(&args) : cli_fail_library();
    }
    cli_free_args(&args);
    return code;
}

static int help(int argc, char **argv)
{
    const bool is_man = argc > 0 && strcmp(argv[0], "--man") == 0;
    argc -= is_man;
    argv += is_man;
    const struct cli_command *command = argc > 0 ? find_command(argv[0]) : NULL;
    if (argc > 0 && !command && strcmp(argv[0], "--help") != 0 && strcmp(argv[0], "-h") != 0)
        return unknown_command(argv[0]);
    if (is_man)
        cli_print_man(command);
    else if (command)
        cli_print_help(command);
    else
        cli_print_usage(stdout);
    return CLI_DONE;
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        cli_print_usage(stderr);
        return CLI_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0) {
        printf("googlenet %s\n", gn_version());
        return CLI_DONE;
    }
    if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return help(argc - 2, argv + 2);
    const struct cli_command *command = find_command(word);
    return command ? run_command(command, argc - 2, argv + 2) : unknown_command(word);
}

int main(int argc, char **argv)
{
    if (!gn_program_begin(&argc, &argv))
        return CLI_ENVIRONMENT;
    cli_watch_json();
    return cli_finish(run(argc, argv));
}
