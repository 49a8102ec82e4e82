/*
 * Errors, exit codes, talk and JSON. Nothing here knows a command.
 */
#include "cli/report.h"

#include "base/number.h"
#include "os/program/program.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LONGEST_LINE = 2048 };

struct cli_voice cli_voice;

/* Whether an allocation of a JSON value or of an option has failed. What is missing then is noticed
 * later, as a fault of the text, and must not be reported as one. */
static atomic_bool starved;
static bool report_lost;

/* One line in one write, so that lines of several processes do not mix. Terminal escapes inside names
 * must not reach the terminal or a log. */
static void say(const char *begin, const char *text)
{
    char line[LONGEST_LINE];
    fprintf(stderr, "%s%s\n", begin, gn_printable(line, sizeof line, text));
}

static GN_PRINTF(2, 0) void print_line(const char *begin, const char *format, va_list list)
{
    char text[1024];
    (void)gn_format_list(text, sizeof text, format, list);
    say(begin, text);
}

/* To be freed. */
static GN_PRINTF(1, 0) char *format_list(const char *format, va_list list)
{
    va_list again;
    va_copy(again, list);
    const int length = gn_format_list(NULL, 0, format, list);
    const size_t size = length < 0 ? 1 : (size_t)length + 1;
    char *text = cli_calloc(size, 1);
    (void)gn_format_list(text, size, format, again);
    va_end(again);
    return text;
}

static char last_failure[512];

int cli_fail(int code, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    (void)gn_format_list(last_failure, sizeof last_failure, format, list);
    va_end(list);
    va_start(list, format);
    print_line("googlenet: ", format, list);
    va_end(list);
    return code;
}

const char *cli_last_failure(void)
{
    return last_failure;
}

void cli_hint(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    print_line("  hint: ", format, list);
    va_end(list);
}

void cli_warn(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    print_line("googlenet: warning: ", format, list);
    va_end(list);
}

void cli_note(const char *format, ...)
{
    if (cli_voice.quiet)
        return;
    va_list list;
    va_start(list, format);
    print_line("", format, list);
    va_end(list);
}

void cli_line(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    char *text = format_list(format, list);
    va_end(list);
    const size_t size = strlen(text) + sizeof "...";
    char *line = cli_calloc(size, 1);
    puts(gn_printable(line, size, text));
    free(line);
    free(text);
}

/* Appends as much as fits. */
static size_t append(char *line, size_t size, size_t used, const char *text, size_t length)
{
    const size_t n = length < size - 1 - used ? length : size - 1 - used;
    memcpy(line + used, text, n);
    line[used + n] = '\0';
    return used + n;
}

/* The library names options by their members (".batch = 32"), the program by its flags
 * ("--batch 32"). */
static const char *with_flags(const char *text, char *line, size_t size)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz_", equals[] = " = ";
    size_t used = 0;
    char before = ' ';
    line[0] = '\0';
    while (*text) {
        const size_t length = *text == '.' ? strspn(text + 1, letters) : 0;
        const bool is_word = length > 0 && strchr(" (\"\n", before) &&
                             !strchr("./-", text[1 + length] ? text[1 + length] : ' ');
        const char *flag =
            is_word && cli_voice.flag_of ? cli_voice.flag_of(text + 1, length) : NULL;
        before = *text;
        if (!flag) {
            used = append(line, size, used, text++, 1);
            continue;
        }
        used = append(line, size, used, "--", 2);
        used = append(line, size, used, flag, strlen(flag));
        text += 1 + length;
        if (strncmp(text, equals, sizeof equals - 1) == 0) {
            used = append(line, size, used, " ", 1);
            text += sizeof equals - 1;
        }
    }
    return line;
}

/* A sentence of the library, and its hints in lines of their own. */
static void say_lines(const char *begin, const char *message)
{
    char line[LONGEST_LINE];
    char *text = cli_format("%s", with_flags(message, line, sizeof line));
    for (char *at = text, *rest; at; at = rest) {
        rest = strchr(at, '\n');
        if (rest)
            *rest++ = '\0';
        say(at == text ? begin : "", at);
    }
    free(text);
}

static int exit_code(gn_status status)
{
    switch (status) {
    case GN_OK:
        return CLI_DONE;
    case GN_STATUS_BAD_ARGUMENT:
    case GN_STATUS_BAD_SHAPE:
        return CLI_USAGE;
    case GN_STATUS_BAD_DATA:
        return CLI_DATA;
    case GN_STATUS_BAD_MODEL:
    case GN_STATUS_UNSUPPORTED:
        return CLI_MODEL;
    case GN_STATUS_NO_MEMORY:
    case GN_STATUS_NO_DEVICE:
    case GN_STATUS_IO:
    case GN_STATUS_BUSY:
        return CLI_ENVIRONMENT;
    case GN_STATUS_STOPPED:
        return CLI_INTERRUPTED;
    case GN_STATUS_DIVERGED:
    case GN_STATUS_INTERNAL:
        break;
    }
    return CLI_FAILED;
}

int cli_fail_message(int code, const char *message)
{
    say_lines("googlenet: ", message);
    return code;
}

int cli_fail_library(void)
{
    const char *message = gn_error_message();
    say_lines("googlenet: ", message[0] ? message : "the library failed without saying why");
    const int code = exit_code(gn_error_status());
    return code == CLI_DONE ? CLI_FAILED : code;
}

int cli_fail_about(const char *source)
{
    char *text = cli_format("%s: %s", source, gn_error_message());
    say_lines("googlenet: ", text);
    free(text);
    if (gn_error_status() != GN_STATUS_NO_MEMORY)
        return CLI_USAGE;
    starved = true;
    return CLI_ENVIRONMENT;
}

void cli_warn_library(const char *message)
{
    say_lines("googlenet: warning: ", message);
}

int cli_finish(int code)
{
    errno = 0;
    const bool failed = fflush(stdout) != 0 || ferror(stdout);
    const char *why = errno ? strerror(errno) : "disk full";
    const bool done = code == CLI_DONE || code == CLI_UNREAD;
    if (starved && (code == CLI_USAGE || code == CLI_DATA || code == CLI_MODEL))
        code = CLI_ENVIRONMENT;
    if (failed && gn_reader_is_gone()) /* `... | head -1` has read what it wanted */
        return done ? CLI_DONE : code;
    if (failed)
        cli_fail(CLI_ENVIRONMENT, "cannot write the results: %s", why);
    return done && (failed || report_lost) ? CLI_ENVIRONMENT : code;
}

void *cli_calloc(size_t count, size_t size)
{
    void *block = calloc(count ? count : 1, size ? size : 1);
    if (!block)
        exit(cli_fail(CLI_ENVIRONMENT, "no memory for %zu values of %zu bytes", count, size));
    return block;
}

char *cli_format(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    char *text = format_list(format, list);
    va_end(list);
    return text;
}

const char *cli_duration(char *buffer, double seconds)
{
    const double limit = 359999.0;
    const int whole = seconds > 0.0 ? (int)(seconds < limit ? seconds + 0.5 : limit) : 0;
    if (whole >= 3600)
        snprintf(buffer, 24, "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
    else
        snprintf(buffer, 24, "%d:%02d", whole / 60, whole % 60);
    return buffer;
}

double cli_seconds(void)
{
    struct timespec now = { 0 };
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

json_t *cli_json_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *json_number(const char *text)
{
    double value;
    return gn_real_parse(text, &value) ? json_real(value) : json_null();
}

json_t *cli_json_rounded(double value, int decimals)
{
    char text[GN_NUMBER_TEXT];
    return json_number(gn_fixed_text(value, decimals, text));
}

json_t *cli_json_float(float value)
{
    enum { EXACT_DIGITS = 9 };
    char text[GN_NUMBER_TEXT];
    return json_number(gn_digits_text((double)value, EXACT_DIGITS, text));
}

json_t *cli_json_text(const char *text)
{
    if (!text)
        return json_null();
    json_t *value = json_string(text);
    if (value)
        return value;
    char *copy = cli_format("%s", text);
    for (size_t at = 0, n; copy[at]; at += n) {
        for (n = 4; n > 0; n--) {
            json_t *character = strnlen(copy + at, n) == n ? json_stringn(copy + at, n) : NULL;
            json_decref(character);
            if (character)
                break;
        }
        if (n == 0) {
            copy[at] = '?';
            n = 1;
        }
    }
    value = json_string(copy);
    free(copy);
    return value ? value : json_null();
}

/* Prints the character at `text`, which is UTF-8 inside a JSON string, and returns its length. What a
 * terminal must not see is written as its number, which readers turn back. */
static size_t print_character(FILE *out, const char *text)
{
    const unsigned char first = (unsigned char)*text;
    const size_t length = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    char one[8] = "", shown[8];
    memcpy(one, text, length);
    if (strcmp(gn_printable(shown, sizeof shown, one), one) == 0) {
        fputs(one, out);
        return length;
    }
    unsigned long code = length == 1 ? first : first & (0x7fU >> length);
    for (size_t i = 1; i < length; i++)
        code = code << 6 | ((unsigned char)text[i] & 0x3fU);
    if (code < 0x10000)
        fprintf(out, "\\u%04lx", code);
    else
        fprintf(out, "\\u%04lx\\u%04lx", 0xd800 + ((code - 0x10000) >> 10),
                0xdc00 + ((code - 0x10000) & 0x3ff));
    return length;
}

/* Prints jansson's text with its long numbers (0.10000000000000001) as short as they can be. */
static void print_short(FILE *out, const char *text)
{
    bool in_string = false;
    while (*text) {
        const bool is_number = !in_string && (*text == '-' || (*text >= '0' && *text <= '9'));
        if (!is_number) {
            if (in_string && *text == '\\')
                fputc(*text++, out);
            else if (*text == '"')
                in_string = !in_string;
            text += print_character(out, text);
            continue;
        }
        const size_t length = strspn(text, "+-.eE0123456789");
        if (strcspn(text, ".eE") < length) {
            char number[GN_NUMBER_TEXT];
            double value = 0;
            (void)gn_real_scan(text, &value);
            (void)gn_decimal_text(value, number);
            fprintf(out, strpbrk(number, ".e") ? "%s" : "%s.0", number);
        } else {
            fprintf(out, "%.*s", (int)length, text);
        }
        text += length;
    }
}

/* jansson 2.14 does not look whether its buffer could grow, and ends the process over the text that is
 * torn then. Where the system has no memory it gets some of this, which is not given back. */
static _Alignas(max_align_t) unsigned char reserve[1 << 16];
static atomic_size_t reserve_used;

static void *json_block(size_t size)
{
    void *block = malloc(size);
    if (block)
        return block;
    const size_t step = _Alignof(max_align_t), n = (size + step - 1) / step * step;
    const size_t at = n < size ? sizeof reserve : atomic_fetch_add(&reserve_used, n);
    if (at <= sizeof reserve && n <= sizeof reserve - at)
        return reserve + at;
    starved = true;
    return NULL;
}

static void json_release(void *block)
{
    const uintptr_t at = (uintptr_t)block, begin = (uintptr_t)reserve;
    if (at < begin || at >= begin + sizeof reserve)
        free(block);
}

void cli_watch_json(void)
{
    json_set_alloc_funcs(json_block, json_release);
}

bool cli_json_starved(void)
{
    return starved;
}

/* jansson follows the locale, and knows decimal points of one byte only. */
json_t *cli_json_parse(const char *text, json_error_t *error)
{
    const gn_locale before = gn_locale_enter();
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, error);
    gn_locale_leave(before);
    return root;
}

char *cli_json_text_of(const json_t *value, size_t flags)
{
    const gn_locale before = gn_locale_enter();
    char *text = json_dumps(value, flags | JSON_REAL_PRECISION(17));
    gn_locale_leave(before);
    char *own = text ? strdup(text) : NULL; /* to be freed with free */
    json_release(text);
    return own;
}

char *cli_json_dump(json_t *value, size_t flags)
{
    char *text = cli_json_text_of(value, flags);
    json_decref(value);
    if (text && !starved)
        return text;
    free(text);
    cli_fail(CLI_ENVIRONMENT, "no memory for the JSON of the result or the options");
    return NULL;
}

bool cli_json_write(FILE *out, json_t *value)
{
    char *text = cli_json_dump(value, 0);
    if (text) {
        print_short(out, text);
        fputc('\n', out);
    }
    const bool written = text != NULL;
    free(text);
    return written;
}

void cli_print_json(json_t *value)
{
    if (!cli_json_write(stdout, value))
        report_lost = true;
}
