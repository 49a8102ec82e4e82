/*
 * A strict reader of JSON (RFC 8259) for prediction alone, which takes and refuses what jansson does with
 * JSON_REJECT_DUPLICATES: the text is an object or an array, UTF-8, without NUL and without two equal keys
 * in an object; but not a NUL between values, over which jansson passes. Numbers that are no integers are known as such and have no value: model files hold them
 * as texts.
 *
 * A text takes one block of memory: as many values as it can have by its commas and brackets, an index, and
 * the strings, which are never longer than in the text.
 */
#include "file/json.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LEVELS = 64 };

/* A text that is being read. */
struct parser {
    const char *at, *end;
    json_t *values;
    json_t **index;
    char *strings; /* what is not used yet of each */
    int depth;
    const char *fault; /* the first one */
};

/* ---- Characters ---- */

static bool fail(struct parser *p, const char *fault)
{
    if (p->fault == NULL)
        p->fault = fault;
    return false;
}

static void skip_spaces(struct parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r'))
        p->at++;
}

/* Whether the next character, after spaces, is this one, which is then read. */
static bool take(struct parser *p, char c)
{
    skip_spaces(p);
    if (p->at == p->end || *p->at != c)
        return false;
    p->at++;
    return true;
}

static bool is_digit(const struct parser *p)
{
    return p->at < p->end && *p->at >= '0' && *p->at <= '9';
}

/* ---- Strings ---- */

static bool read_hex(struct parser *p, uint32_t *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++, p->at++) {
        static const char digits[] = "0123456789abcdefABCDEF";
        const char *digit = p->at < p->end ? memchr(digits, *p->at, sizeof digits - 1) : NULL;
        if (digit == NULL)
            return fail(p, "invalid escape");
        const uint32_t value = (uint32_t)(digit - digits);
        *code = *code * 16 + (value < 16 ? value : value - 6);
    }
    return true;
}

static void put_utf8(struct parser *p, uint32_t code)
{
    static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    const int n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (int i = n - 1; i > 0; i--, code >>= 6)
        p->strings[i] = (char)(0x80 | (code & 0x3f));
    p->strings[0] = (char)(lead[n] | code);
    p->strings += n;
}

/* After "\u": one number, or two that are the halves of a character. */
static bool read_code(struct parser *p)
{
    uint32_t code, low;
    if (!read_hex(p, &code))
        return false;
    if (code >= 0xd800 && code < 0xdc00) {
        if (p->end - p->at < 2 || p->at[0] != '\\' || p->at[1] != 'u')
            return fail(p, "invalid Unicode escape");
        p->at += 2;
        if (!read_hex(p, &low))
            return false;
        if (low < 0xdc00 || low >= 0xe000)
            return fail(p, "invalid Unicode escape");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code < 0xe000) {
        return fail(p, "invalid Unicode escape");
    }
    if (code == 0)
        return fail(p, "\\u0000 is not allowed");
    put_utf8(p, code);
    return true;
}

/* After a backslash. */
static bool read_escape(struct parser *p)
{
    static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (p->at == p->end)
        return fail(p, "premature end of input");
    const char c = *p->at++;
    if (c == 'u')
        return read_code(p);
    const char *name = memchr(names, c, sizeof names - 1);
    if (name == NULL)
        return fail(p, "invalid escape");
    *p->strings++ = meanings[name - names];
    return true;
}

/* A string with its quotes. */
static bool read_string(struct parser *p, const char **text, size_t *n)
{
    char *begin = p->strings;
    if (!take(p, '"'))
        return fail(p, "string expected");
    for (;;) {
        if (p->at == p->end)
            return fail(p, "premature end of input");
        const char c = *p->at++;
        if (c == '"')
            break;
        if ((unsigned char)c < 0x20)
            return fail(p, "control character in a string");
        if (c != '\\')
            *p->strings++ = c;
        else if (!read_escape(p))
            return false;
    }
    *n = (size_t)(p->strings - begin);
    *p->strings++ = '\0';
    *text = begin;
    return gn_is_utf8(begin) || fail(p, "unable to decode byte: not UTF-8");
}

/* ---- Numbers and words ---- */

/* Digits of a fraction or an exponent. */
static bool read_digits(struct parser *p)
{
    if (!is_digit(p))
        return fail(p, "invalid token");
    while (is_digit(p))
        p->at++;
    return true;
}

static bool read_number(struct parser *p, json_t *value)
{
    const char *begin = p->at;
    const bool negative = *p->at == '-';
    bool fits = true;
    p->at += negative;
    const bool zero = is_digit(p) && *p->at == '0';
    value->kind = K_INTEGER;
    if (!is_digit(p))
        return fail(p, "invalid token");
    for (; is_digit(p); p->at++) { /* below zero, where there is one number more */
        const json_int_t digit = *p->at - '0';
        fits = fits && value->integer >= (INT64_MIN + digit) / 10;
        value->integer = fits ? value->integer * 10 - digit : 0;
        if (zero && p->at + 1 < p->end && p->at[1] >= '0' && p->at[1] <= '9')
            return fail(p, "invalid token");
    }
    if (p->at < p->end && *p->at == '.') {
        p->at++;
        value->kind = K_REAL;
        if (!read_digits(p))
            return false;
    }
    if (p->at < p->end && (*p->at == 'e' || *p->at == 'E')) {
        p->at++;
        value->kind = K_REAL;
        p->at += p->at < p->end && (*p->at == '+' || *p->at == '-');
        if (!read_digits(p))
            return false;
    }
    if (value->kind == K_REAL) { /* a bracket or comma of the text leaves room for the end */
        value->text = p->strings;
        value->n = (size_t)(p->at - begin);
        memcpy(p->strings, begin, value->n);
        p->strings += value->n;
        *p->strings++ = '\0';
        return true;
    }
    if (!fits || (!negative && value->integer == INT64_MIN))
        return fail(p, "too big integer");
    value->integer = negative ? value->integer : -value->integer;
    return true;
}

static bool read_word(struct parser *p, json_t *value)
{
    for (int k = K_NULL; k <= K_FALSE; k++) {
        const size_t n = strlen(gn_small_json_words[k]);
        if ((size_t)(p->end - p->at) >= n && memcmp(p->at, gn_small_json_words[k], n) == 0) {
            p->at += n;
            value->kind = (enum gn_small_json_kind)k;
            return true;
        }
    }
    return fail(p, "invalid token");
}

/* ---- Arrays and objects ---- */

static int by_key(const void *a, const void *b)
{
    const json_t *const *x = a, *const *y = b;
    return strcmp((*x)->key, (*y)->key);
}

/* Whose elements are known. */
static bool finish(struct parser *p, json_t *value)
{
    value->index = p->index;
    for (json_t *element = value->first; element != NULL; element = element->next)
        *p->index++ = element;
    if (value->kind != K_OBJECT || value->n < 2)
        return true;
    qsort(value->index, value->n, sizeof(json_t *), by_key);
    for (size_t i = 1; i < value->n; i++)
        if (strcmp(value->index[i - 1]->key, value->index[i]->key) == 0)
            return fail(p, "duplicate object key");
    return true;
}

static json_t *read_value(struct parser *p);

static bool read_elements(struct parser *p, json_t *value, char close)
{
    json_t **place = &value->first;
    if (++p->depth > MOST_LEVELS)
        return fail(p, "maximum parsing depth reached");
    while (!take(p, close)) {
        const char *key = NULL;
        size_t n = 0;
        if (value->n > 0 && !take(p, ','))
            return fail(p, close == '}' ? "'}' expected" : "']' expected");
        if (close == '}' &&
            (!read_string(p, &key, &n) || !(take(p, ':') || fail(p, "':' expected"))))
            return false;
        *place = read_value(p);
        if (*place == NULL)
            return false;
        (*place)->key = key;
        place = &(*place)->next;
        value->n++;
    }
    p->depth--;
    return finish(p, value);
}

/* NULL after a fault. */
static json_t *read_value(struct parser *p)
{
    skip_spaces(p);
    if (p->at == p->end) {
        (void)fail(p, "premature end of input");
        return NULL;
    }
    json_t *value = p->values++;
    const char c = *p->at;
    bool good;
    if (c == '{' || c == '[') {
        p->at++;
        value->kind = c == '{' ? K_OBJECT : K_ARRAY;
        good = read_elements(p, value, c == '{' ? '}' : ']');
    } else if (c == '"') {
        value->kind = K_STRING;
        good = read_string(p, &value->text, &value->n);
    } else if (c == '-' || is_digit(p)) {
        good = read_number(p, value);
    } else {
        good = read_word(p, value);
    }
    return good ? value : NULL;
}

/* ---- A text ---- */

/* No text has more values: each but the first follows a comma or an opening bracket. */
static size_t count_values(const char *text, size_t size)
{
    size_t n = 1;
    for (size_t i = 0; i < size; i++)
        n += text[i] == ',' || text[i] == '[' || text[i] == '{';
    return n;
}

gn_status gn_json_load(const char *text, size_t size, json_t **root, json_error_t *error)
{
    const size_t most = count_values(text, size);
    *root = NULL;
    if (size > SIZE_MAX / 2 || most > (SIZE_MAX / 2 - size) / (sizeof(json_t) + sizeof(json_t *)))
        GN_FAIL(GN_STATUS_NO_MEMORY, "no memory to read %zu bytes of JSON", size);
    /* A string takes its quotes' place in the text for its end. */
    json_t *values =
        gn_calloc(most * (sizeof(json_t) + sizeof(json_t *)) + size + 1, 1, "reading JSON");
    if (values == NULL)
        return gn_last_status();
    struct parser p = { .at = text, .end = text + size, .values = values };
    p.index = (json_t **)(void *)(values + most);
    p.strings = (char *)(p.index + most);
    skip_spaces(&p);
    const bool begins = p.at < p.end && (*p.at == '{' || *p.at == '[');
    if (!begins)
        (void)fail(&p, "'[' or '{' expected");
    if (begins && read_value(&p) != NULL) {
        skip_spaces(&p);
        if (p.at == p.end) {
            *root = values;
            return GN_OK;
        }
        (void)fail(&p, "end of file expected");
    }
    if (error != NULL) {
        error->position = (int)(p.at - text);
        (void)snprintf(error->text, sizeof error->text, "%s", p.fault);
    }
    gn_free(values);
    return GN_OK;
}

gn_status gn_json_parse(const char *text, json_t **root)
{
    *root = NULL;
    return text == NULL ? GN_OK : gn_json_load(text, strlen(text), root, NULL);
}

void json_decref(json_t *root)
{
    gn_free(root);
}
