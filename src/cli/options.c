/*
 * The parser over option tables: --flag value, --flag=value, -q, and -- to end the flags. Every
 * number is read whole and checked against the range of its row.
 */
#include "cli/options.h"

#include "base/number.h"
#include "base/words.h"
#include "cli/report.h"

#include <googlenet.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_NAME = 40 };

static bool fault(const char *source, const char *text, const char *what)
{
    cli_fail(CLI_USAGE, "%s: \"%s\" %s", source, text, what);
    return false;
}

/* A decimal whole number, no sign but '-', no blank, nothing behind it. */
static bool parse_whole(const char *source, const char *text, uint64_t low, uint64_t high,
                        uint64_t *result)
{
    const char *digits = text + (text[0] == '-');
    if (digits[0] == '\0' || strspn(digits, "0123456789") != strlen(digits))
        return fault(source, text, "is not a whole number");
    errno = 0;
    const unsigned long long number = strtoull(digits, NULL, 10);
    const bool is_negative = text[0] == '-' && number != 0;
    if (errno == ERANGE || is_negative || number < low || number > high) {
        cli_fail(CLI_USAGE, "%s: %s is out of range (%llu to %llu)", source, text,
                 (unsigned long long)low, (unsigned long long)high);
        return false;
    }
    *result = number;
    return true;
}

/* A finite decimal number; no hexadecimal, no names, nothing behind it. */
static bool parse_real(const char *source, const char *text, double low, double high,
                       double *result)
{
    char *end = NULL;
    const double number = strtod(text, &end);
    if (!isfinite(number))
        return fault(source, text, "is not a finite number");
    if (end == text || *end != '\0' || strspn(text, "0123456789+-.eE") != strlen(text))
        return fault(source, text, "is not a number");
    if (number < low || number > high) {
        cli_fail(CLI_USAGE, "%s: %s is out of range (%g to %g)", source, text, low, high);
        return false;
    }
    *result = number;
    return true;
}

static bool parse_choice(const char *source, const char *text, const char *const *choices,
                         int *result)
{
    const int found = gn_word_find(text, choices);
    if (found >= 0) {
        *result = found;
        return true;
    }
    char list[200] = "";
    for (int i = 0; choices[i]; i++) {
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", choices[i]);
    }
    cli_fail(CLI_USAGE, "%s: \"%s\" is not one of %s", source, text, list);
    const char *nearest = gn_nearest(text, choices);
    if (nearest)
        cli_hint("did you mean %s?", nearest);
    return false;
}

static bool parse_shuffle(const char *source, const char *text, struct cli_shuffle *result)
{
    if (strcmp(text, "full") == 0) {
        *result = (struct cli_shuffle){ .kind = GN_SHUFFLE_FULL };
        return true;
    }
    if (strcmp(text, "none") == 0) {
        *result = (struct cli_shuffle){ .kind = GN_SHUFFLE_NONE };
        return true;
    }
    if (strncmp(text, "window:", 7) != 0)
        return fault(source, text, "is not one of full, window:N, none");
    uint64_t window = 0;
    if (!parse_whole(source, text + 7, 1, INT32_MAX, &window))
        return false;
    *result = (struct cli_shuffle){ .kind = GN_SHUFFLE_WINDOW, .window = (int)window };
    return true;
}

/* A number of seconds, minutes or hours. */
static bool parse_duration(const char *source, const char *text, double low, double high,
                           double *result)
{
    char number[LONGEST_NAME];
    const size_t length = strlen(text);
    const char unit = length > 0 ? text[length - 1] : '\0';
    const double seconds = unit == 'h' ? 3600.0 : unit == 'm' ? 60.0 : 1.0;
    const bool has_unit = unit == 'h' || unit == 'm' || unit == 's';
    snprintf(number, sizeof number, "%.*s", (int)(length - (has_unit ? 1 : 0)), text);
    double value = 0.0;
    if (length >= sizeof number || number[0] == '\0' ||
        strspn(number, "0123456789.") != strlen(number))
        return fault(source, text, "is not a time such as 90s, 15m or 1.5h");
    if (!parse_real(source, number, low / seconds, high / seconds, &value))
        return false;
    *result = value * seconds;
    return true;
}

static bool parse_plateau(const char *source, const char *text, struct cli_plateau *result)
{
    char factor[LONGEST_NAME];
    const char *colon = strchr(text, ':');
    uint64_t patience = 0;
    if (!colon || (size_t)(colon - text) >= sizeof factor)
        return fault(source, text, "is not FACTOR:PATIENCE, such as 0.1:5");
    snprintf(factor, sizeof factor, "%.*s", (int)(colon - text), text);
    if (!parse_real(source, factor, 1e-6, 0.999999, &result->factor) ||
        !parse_whole(source, colon + 1, 1, INT32_MAX, &patience))
        return false;
    result->patience = (int)patience;
    return true;
}

static bool parse_list(const char *source, const char *text, struct cli_list *result)
{
    const size_t used = strlen(result->text);
    if (text[0] == '\0')
        return fault(source, text, "is empty");
    if (used + strlen(text) + 2 > sizeof result->text)
        return fault(source, text, "makes the list longer than 1000 characters");
    snprintf(result->text + used, sizeof result->text - used, "%s%s", used ? "," : "", text);
    return true;
}

bool cli_parse_value(const struct cli_option *option, const char *source, const char *text,
                     void *values)
{
    void *const target = (char *)values + option->offset;
    uint64_t whole = 0;
    switch (option->kind) {
    case CLI_INT:
        if (!parse_whole(source, text, (uint64_t)option->low, (uint64_t)option->high, &whole))
            return false;
        *(int *)target = (int)whole;
        return true;
    case CLI_COUNT:
        return parse_whole(source, text, (uint64_t)option->low, (uint64_t)option->high, target);
    case CLI_SEED:
        return parse_whole(source, text, 0, UINT64_MAX, target);
    case CLI_REAL:
        return parse_real(source, text, option->low, option->high, target);
    case CLI_TEXT:
        if (text[0] == '\0')
            return fault(source, text, "is empty");
        *(const char **)target = text;
        return true;
    case CLI_CHOICE:
        return parse_choice(source, text, option->choices, target);
    case CLI_SHUFFLE:
        return parse_shuffle(source, text, target);
    case CLI_DURATION:
        return parse_duration(source, text, option->low, option->high, target);
    case CLI_PLATEAU:
        return parse_plateau(source, text, target);
    case CLI_LIST:
        return parse_list(source, text, target);
    case CLI_FLAG:
        *(bool *)target = true;
        return true;
    case CLI_GROUP:
    case CLI_LATER:
        break;
    }
    return false;
}

static int find_long(const struct cli_command *command, const char *name, size_t length)
{
    for (int i = 0; i < command->n_options; i++) {
        const struct cli_option *option = &command->options[i];
        if (option->kind != CLI_GROUP && strlen(option->name) == length &&
            strncmp(option->name, name, length) == 0)
            return i;
    }
    return -1;
}

static int find_letter(const struct cli_command *command, char letter)
{
    for (int i = 0; i < command->n_options; i++)
        if (command->options[i].letter && command->options[i].letter == letter)
            return i;
    return -1;
}

static int unknown_flag(const struct cli_command *command, const char *word, size_t length)
{
    const char *names[CLI_MAX_OPTIONS + 1] = { NULL };
    int n = 0;
    for (int i = 0; i < command->n_options; i++)
        if (command->options[i].kind != CLI_GROUP && command->options[i].kind != CLI_LATER)
            names[n++] = command->options[i].name;
    char name[LONGEST_NAME + 1];
    const size_t dashes = strspn(word, "-");
    snprintf(name, sizeof name, "%.*s", (int)(length - dashes), word + dashes);
    const char *nearest = gn_nearest(name, names);
    const int code = cli_fail(CLI_USAGE, "%s: unknown flag %.*s", command->name, (int)length, word);
    if (nearest)
        cli_hint("did you mean --%s?", nearest);
    else
        cli_hint("googlenet %s --help lists the flags", command->name);
    return code;
}

/* Takes the flag argv[*i]; moves *i over a value that stands in the next word. */
static int take_flag(struct cli_args *args, int argc, char **argv, int *i)
{
    const char *word = argv[*i];
    const bool is_long = word[1] == '-';
    const size_t length = is_long ? strcspn(word, "=") : strlen(word);
    const int index = is_long       ? find_long(args->command, word + 2, length - 2)
                      : length == 2 ? find_letter(args->command, word[1])
                                    : -1;
    if (index < 0)
        return unknown_flag(args->command, word, length);
    const struct cli_option *option = &args->command->options[index];
    char source[LONGEST_NAME + 3];
    snprintf(source, sizeof source, "--%s", option->name);
    const char *value = word[length] == '=' ? word + length + 1 : NULL;
    args->given[index] = true;
    if (option->kind == CLI_LATER)
        return cli_fail(CLI_USAGE, "%s: %s", source, option->help);
    if (option->kind == CLI_FLAG) {
        if (value)
            return cli_fail(CLI_USAGE, "%s takes no value, \"%s\" was given", source, value);
    } else if (!value) {
        if (*i + 1 >= argc || strncmp(argv[*i + 1], "--", 2) == 0)
            return cli_fail(CLI_USAGE, "%s needs a value (%s)", source, option->value);
        value = argv[++*i];
    }
    return cli_parse_value(option, source, value ? value : "", args->values) ? 0 : CLI_USAGE;
}

static int check_arguments(const struct cli_args *args)
{
    const struct cli_command *command = args->command;
    if (args->n_arguments >= command->min_arguments && args->n_arguments <= command->max_arguments)
        return 0;
    int code;
    if (args->n_arguments < command->min_arguments)
        code = cli_fail(CLI_USAGE, "%s: %s is missing", command->name, command->argument);
    else
        code = cli_fail(CLI_USAGE, "%s: unexpected argument \"%s\"", command->name,
                        args->arguments[command->max_arguments]);
    cli_hint("usage: googlenet %s %s", command->name, command->usage);
    return code;
}

int cli_parse(struct cli_args *args, const struct cli_command *command, int argc, char **argv)
{
    *args = (struct cli_args){ .command = command, .argc = argc, .argv = argv };
    args->values = cli_calloc(1, command->values_size);
    args->arguments = cli_calloc((size_t)argc + 1, sizeof *args->arguments);
    memcpy(args->values, command->defaults, command->values_size);
    bool flags = true;
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (!flags || word[0] != '-' || word[1] == '\0') {
            args->arguments[args->n_arguments++] = word;
        } else if (strcmp(word, "--") == 0) {
            flags = false;
        } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            args->help = true;
            return 0;
        } else {
            const int code = take_flag(args, argc, argv, &i);
            if (code)
                return code;
        }
    }
    return check_arguments(args);
}

void cli_free_args(struct cli_args *args)
{
    free(args->values);
    free(args->arguments);
    *args = (struct cli_args){ 0 };
}

bool cli_given(const struct cli_args *args, const char *name)
{
    const int index = find_long(args->command, name, strlen(name));
    return index >= 0 && args->given[index];
}

bool cli_default(struct cli_args *args, const char *name, const char *text)
{
    const int index = find_long(args->command, name, strlen(name));
    if (index < 0)
        return fault("--", name, "is no flag of this command");
    return args->given[index] ||
           cli_parse_value(&args->command->options[index], name, text, args->values);
}
