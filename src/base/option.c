/*
 * Options as text: what gn_option_set reads, gn_option_text writes, and gn_option_check accepts are
 * the same values.
 */
#include "base/option.h"

#include "base/enums.h"
#include "base/number.h"
#include "base/words.h"

#include <inttypes.h>
#include <string.h>

enum { LONGEST_NUMBER = 40, MOST_NAMES = 16 };

static void *member(void *values, size_t offset)
{
    return (char *)values + offset;
}

static const void *const_member(const void *values, size_t offset)
{
    return (const char *)values + offset;
}

/* ---- Reading ---- */

static gn_status fault(const char *text, const char *what)
{
    char shown[GN_MESSAGE_BYTES / 2];
    GN_FAIL(GN_STATUS_BAD_ARGUMENT, "\"%s\" %s", gn_printable(shown, sizeof shown, text), what);
}

static gn_status read_whole(const char *text, uint64_t low, uint64_t high, uint64_t *value)
{
    const char *digits = text + (text[0] == '-');
    uint64_t number = 0;
    if (digits[0] == '\0' || strspn(digits, "0123456789") != strlen(digits))
        return fault(text, "is not a whole number");
    const bool fits = gn_whole_parse(digits, &number);
    const bool negative = text[0] == '-' && number != 0;
    if (!fits || negative || number < low || number > high)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%.*s is out of range (%" PRIu64 " to %" PRIu64 ")",
                LONGEST_NUMBER, text, low, high);
    *value = number;
    return GN_OK;
}

static gn_status read_real(const char *text, double low, double high, double *value)
{
    double number;
    if (!gn_real_parse(text, &number))
        return fault(text, "is not a finite number");
    if (number < low || number > high)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%.*s is out of range (%g to %g)", LONGEST_NUMBER, text,
                low, high);
    *value = number;
    return GN_OK;
}

static gn_status read_choice(const struct gn_option *option, const char *text, int *value)
{
    char list[256] = "", shown[64];
    const char *names[MOST_NAMES + 1] = { NULL };
    *value = gn_enum_find(option->choice, (int)option->low, text);
    if (*value >= 0)
        return GN_OK;
    for (int i = 0; i < MOST_NAMES && option->choice(i + (int)option->low) != NULL; i++) {
        const size_t used = strlen(list);
        names[i] = option->choice(i + (int)option->low);
        (void)snprintf(list + used, sizeof list - used, "%s%s", used > 0 ? ", " : "", names[i]);
    }
    (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "\"%s\" is not one of %s",
                  gn_printable(shown, sizeof shown, text), list);
    const char *nearest = gn_nearest(text, names);
    if (nearest != NULL)
        gn_hint("did you mean %s?", nearest);
    return GN_STATUS_BAD_ARGUMENT;
}

static gn_status read_seconds(const char *text, double low, double high, double *value)
{
    char number[LONGEST_NUMBER];
    const size_t length = strlen(text);
    const char unit = length > 0 ? text[length - 1] : '\0';
    const double seconds = unit == 'h' ? 3600 : unit == 'm' ? 60 : 1;
    const size_t digits = length - (unit == 'h' || unit == 'm' || unit == 's');
    if (digits == 0 || digits >= sizeof number || strspn(text, "0123456789.") < digits)
        return fault(text, "is not a time such as 90s, 15m or 1.5h");
    (void)snprintf(number, sizeof number, "%.*s", (int)digits, text);
    GN_TRY(read_real(number, low / seconds, high / seconds, value));
    *value *= seconds;
    return GN_OK;
}

static gn_status read_shuffle(const char *text, int *kind, int *window)
{
    static const char begin[] = "window:";
    uint64_t n = 0;
    if (strncmp(text, begin, sizeof begin - 1) == 0) {
        GN_TRY(read_whole(text + sizeof begin - 1, 1, INT32_MAX, &n));
        *kind = GN_SHUFFLE_WINDOW;
    } else {
        *kind = gn_enum_find(gn_shuffle_name, 0, text);
        if (*kind < 0 || *kind == GN_SHUFFLE_WINDOW)
            return fault(text, "is not one of full, window:N, none");
    }
    *window = (int)n;
    return GN_OK;
}

static gn_status read_plateau(const struct gn_option *option, const char *text, double *factor,
                              int *patience)
{
    char number[LONGEST_NUMBER];
    const char *colon = strchr(text, ':');
    uint64_t n = 0;
    if (colon == NULL || (size_t)(colon - text) >= sizeof number)
        return fault(text, "is not FACTOR:PATIENCE, such as 0.1:5");
    (void)snprintf(number, sizeof number, "%.*s", (int)(colon - text), text);
    GN_TRY(read_real(number, option->low, option->high, factor));
    GN_TRY(read_whole(colon + 1, 1, INT32_MAX, &n));
    *patience = (int)n;
    return GN_OK;
}

static gn_status read_lookahead(const struct gn_option *option, const char *text, int *steps,
                                double *share)
{
    char number[LONGEST_NUMBER];
    const char *colon = strchr(text, ':');
    uint64_t n = 0;
    if (colon == NULL || (size_t)(colon - text) >= sizeof number)
        return fault(text, "is not STEPS:SHARE, such as 5:0.5");
    (void)snprintf(number, sizeof number, "%.*s", (int)(colon - text), text);
    GN_TRY(read_whole(number, 1, INT32_MAX, &n));
    GN_TRY(read_real(colon + 1, option->low, option->high, share));
    *steps = (int)n;
    return GN_OK;
}

static gn_status read_switch(const char *text, bool *value)
{
    *value = strcmp(text, "true") == 0;
    return *value || strcmp(text, "false") == 0 ? GN_OK : fault(text, "is not true or false");
}

/* Numbers of which a zero has another meaning unless it is meant. */
static gn_status set_number(const struct gn_option *option, void *values, const char *text)
{
    void *target = member(values, option->offset);
    uint64_t whole = 0;
    double real = 0;
    if (option->kind == GN_OPTION_REAL)
        GN_TRY(read_real(text, option->low, option->high, &real));
    else if (option->kind == GN_OPTION_SEED)
        GN_TRY(read_whole(text, 0, UINT64_MAX, &whole));
    else
        GN_TRY(read_whole(text, (uint64_t)option->low, (uint64_t)option->high, &whole));
    if (option->kind == GN_OPTION_REAL)
        *(double *)target = real;
    else if (option->kind == GN_OPTION_INT)
        *(int *)target = (int)whole;
    else
        *(uint64_t *)target = whole;
    if (option->second != 0)
        *(bool *)member(values, option->second) = whole == 0 && !(real > 0) && !(real < 0);
    return GN_OK;
}

static gn_status set_choice(const struct gn_option *option, void *values, const char *text)
{
    int value, window = 0;
    if (option->kind == GN_OPTION_CHOICE)
        GN_TRY(read_choice(option, text, &value));
    else
        GN_TRY(read_shuffle(text, &value, &window));
    memcpy(member(values, option->offset), &value, sizeof value);
    if (option->kind == GN_OPTION_SHUFFLE)
        *(int *)member(values, option->second) = window;
    return GN_OK;
}

gn_status gn_option_set(const struct gn_option *option, void *values, const char *text)
{
    GN_NEED(option, "an option");
    GN_NEED(values, "its value");
    GN_NEED(text, "its text");
    void *target = member(values, option->offset);
    switch (option->kind) {
    case GN_OPTION_SWITCH:
        return read_switch(text, target);
    case GN_OPTION_INT:
    case GN_OPTION_COUNT:
    case GN_OPTION_SEED:
    case GN_OPTION_REAL:
        return set_number(option, values, text);
    case GN_OPTION_SECONDS:
        return read_seconds(text, option->low, option->high, target);
    case GN_OPTION_TEXT:
    case GN_OPTION_LIST:
        if (text[0] == '\0')
            return fault(text, "is empty");
        *(const char **)target = text;
        return GN_OK;
    case GN_OPTION_CHOICE:
    case GN_OPTION_SHUFFLE:
        return set_choice(option, values, text);
    case GN_OPTION_PLATEAU:
        return read_plateau(option, text, target, member(values, option->second));
    case GN_OPTION_LOOKAHEAD:
        return read_lookahead(option, text, target, member(values, option->second));
    case GN_OPTION_HEADING:
        break;
    }
    GN_FAIL(GN_STATUS_BAD_ARGUMENT, "kind %d is not that of an option", (int)option->kind);
}

/* ---- Writing ---- */

uint64_t gn_option_whole(const struct gn_option *option, const void *values)
{
    const void *source = const_member(values, option->offset);
    int value;
    if (option->kind == GN_OPTION_COUNT || option->kind == GN_OPTION_SEED)
        return *(const uint64_t *)source;
    memcpy(&value, source, sizeof value);
    return (uint64_t)value;
}

double gn_option_real(const struct gn_option *option, const void *values)
{
    return *(const double *)const_member(values, option->offset);
}

int gn_option_second(const struct gn_option *option, const void *values)
{
    return *(const int *)const_member(values, option->second);
}

double gn_option_second_real(const struct gn_option *option, const void *values)
{
    return *(const double *)const_member(values, option->second);
}

/* Whether a number is there: a zero that stands for a default is not. */
static bool has_number(const struct gn_option *option, const void *values, double value)
{
    if (option->second != 0 && !(value > 0))
        return *(const bool *)const_member(values, option->second);
    return value >= option->low && value <= option->high;
}

static void number_text(const struct gn_option *option, const void *values, char *text)
{
    if (option->kind == GN_OPTION_REAL || option->kind == GN_OPTION_SECONDS) {
        const double real = gn_option_real(option, values);
        if (has_number(option, values, real))
            (void)gn_decimal_text(real, text);
        return;
    }
    const uint64_t whole = gn_option_whole(option, values);
    const double value = option->kind == GN_OPTION_INT ? (double)(int)whole : (double)whole;
    if (option->kind == GN_OPTION_SEED || has_number(option, values, value))
        (void)snprintf(text, GN_NUMBER_TEXT, "%" PRIu64, whole);
}

static void lookahead_text(const struct gn_option *option, const void *values, char *text,
                           size_t size)
{
    char number[GN_NUMBER_TEXT];
    const int steps = (int)gn_option_whole(option, values);
    if (steps > 0)
        (void)snprintf(text, size, "%d:%s", steps,
                       gn_decimal_text(gn_option_second_real(option, values), number));
}

static void compound_text(const struct gn_option *option, const void *values, char *text,
                          size_t size)
{
    char number[GN_NUMBER_TEXT];
    const int second = gn_option_second(option, values);
    if (option->kind == GN_OPTION_PLATEAU && second > 0)
        (void)snprintf(text, size, "%s:%d", gn_decimal_text(gn_option_real(option, values), number),
                       second);
    if (option->kind == GN_OPTION_PLATEAU)
        return;
    const int kind = (int)gn_option_whole(option, values);
    const char *name = gn_shuffle_name(kind);
    if (kind == GN_SHUFFLE_WINDOW && second > 0)
        (void)snprintf(text, size, "%s:%d", name, second);
    else
        (void)snprintf(text, size, "%s", name == NULL ? "" : name);
}

gn_status gn_option_text(const struct gn_option *option, const void *values, char *text,
                         size_t size)
{
    GN_NEED(option, "an option");
    GN_NEED(values, "its value");
    GN_NEED(text, "its text");
    char short_text[2 * GN_NUMBER_TEXT] = "";
    const char *result = short_text;
    const void *source = const_member(values, option->offset);
    switch (option->kind) {
    case GN_OPTION_SWITCH:
        result = *(const bool *)source ? "true" : "false";
        break;
    case GN_OPTION_INT:
    case GN_OPTION_COUNT:
    case GN_OPTION_SEED:
    case GN_OPTION_REAL:
    case GN_OPTION_SECONDS:
        number_text(option, values, short_text);
        break;
    case GN_OPTION_TEXT:
    case GN_OPTION_LIST:
        result = *(const char *const *)source;
        break;
    case GN_OPTION_CHOICE:
        result = (int)gn_option_whole(option, values) < (int)option->low
                     ? ""
                     : option->choice((int)gn_option_whole(option, values));
        break;
    case GN_OPTION_LOOKAHEAD:
        lookahead_text(option, values, short_text, sizeof short_text);
        break;
    case GN_OPTION_SHUFFLE:
    case GN_OPTION_PLATEAU:
        compound_text(option, values, short_text, sizeof short_text);
        break;
    case GN_OPTION_HEADING:
        break;
    }
    result = result == NULL ? "" : result;
    if (strlen(result) >= size)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: its text needs %zu bytes, there are %zu", option->name,
                strlen(result) + 1, size);
    memcpy(text, result, strlen(result) + 1);
    return GN_OK;
}
