/* The `data` array of a request, read straight from the JSON text. */
#include "serve/scan.h"

#include "base/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ERROR = 160, LARGEST_REST = 1 << 16 };

struct scan {
    const char *begin, *at, *end;
    size_t most;
    struct serve_data *data;
    int code;
    char *error;
};

void serve_data_free(struct serve_data *data)
{
    free(data->numbers);
    free(data->strings);
    *data = (struct serve_data){ 0 };
}

static bool fail(struct scan *s, int code, const char *sentence)
{
    s->code = code;
    gn_format(s->error, ERROR, "request, byte %zu: %s", (size_t)(s->at - s->begin), sentence);
    return false;
}

static void skip_blanks(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
        s->at++;
}

/* s->at is a quote; the span is what lies between it and the next one that is not escaped. */
static bool skip_string(struct scan *s, struct serve_span *span)
{
    const char *from = ++s->at;
    while (s->at < s->end && *s->at != '"')
        s->at += *s->at == '\\' ? 2 : 1;
    if (s->at >= s->end)
        return fail(s, 400, "a string does not end");
    *span = (struct serve_span){ from, (size_t)(s->at - from) };
    s->at++;
    return true;
}

/* Room for one more value. */
static bool make_room(struct scan *s)
{
    struct serve_data *d = s->data;
    if (d->count >= s->most)
        return fail(s, 400, "data has more values than the largest batch");
    if (d->count < d->room)
        return true;
    const size_t room = d->room == 0 ? 256 : 2 * d->room;
    void *block = d->strings ? realloc(d->strings, room * sizeof *d->strings)
                             : realloc(d->numbers, room * sizeof *d->numbers);
    if (!block)
        return fail(s, 503, "no memory for the data; try again later");
    if (d->strings)
        d->strings = block;
    else
        d->numbers = block;
    d->room = room;
    return true;
}

static bool take_number(struct scan *s)
{
    double value;
    struct serve_data *d = s->data;
    const char *after = gn_real_scan(s->at, &value);
    const bool is_json = (*s->at == '-' || (*s->at >= '0' && *s->at <= '9'));
    if (!is_json || !after || after > s->end)
        return fail(s, 400, "data holds something that is not a number");
    if (!isfinite((float)value))
        return fail(s, 400, "data holds a number that is too large for FP32");
    if (d->strings)
        return fail(s, 400, "data holds numbers and strings");
    if (!make_room(s))
        return false;
    d->numbers[d->count++] = (float)value;
    s->at = after;
    return true;
}

static bool take_string(struct scan *s)
{
    struct serve_data *d = s->data;
    struct serve_span span;
    if (d->numbers)
        return fail(s, 400, "data holds numbers and strings");
    if (!d->strings) {
        d->room = 16;
        d->strings = calloc(d->room, sizeof *d->strings);
    }
    if (!d->strings)
        return fail(s, 503, "no memory for the data; try again later");
    if (!make_room(s) || !skip_string(s, &span))
        return false;
    d->strings[d->count++] = span;
    return true;
}

/* Notes that an array at `depth` (0: the outermost) has this many members. */
static bool close_array(struct scan *s, int depth, size_t members)
{
    struct serve_data *d = s->data;
    if (d->dims[depth] != SIZE_MAX && d->dims[depth] != members)
        return fail(s, 400, "the arrays of data are not all of the same length");
    d->dims[depth] = members;
    return true;
}

/* s->at is the bracket that opens the data. */
static bool take_array(struct scan *s)
{
    struct serve_data *d = s->data;
    size_t members[SERVE_DEPTH] = { 0 };
    int depth = -1;
    bool wants_value = true;
    for (int i = 0; i < SERVE_DEPTH; i++)
        d->dims[i] = SIZE_MAX;
    do {
        skip_blanks(s);
        if (s->at >= s->end)
            return fail(s, 400, "data does not end");
        const bool is_value = *s->at != ',' && *s->at != ']';
        if (!is_value) {
            const bool is_empty = *s->at == ']' && depth >= 0 && members[depth] == 0;
            if (depth < 0 || (wants_value && !is_empty))
                return fail(s, 400, "data lacks a value");
            if (*s->at == ',')
                wants_value = true;
            else if (!close_array(s, depth, members[depth]))
                return false;
            else {
                depth--;
                wants_value = false;
            }
            s->at++;
            continue;
        }
        if (!wants_value)
            return fail(s, 400, "data lacks a comma");
        if (depth >= 0)
            members[depth]++;
        if (*s->at == '[') {
            if (++depth >= SERVE_DEPTH || (d->count > 0 && depth >= d->depth))
                return fail(s, 400, "the arrays of data are nested unevenly or too deeply");
            members[depth] = 0;
            s->at++;
            wants_value = true;
            continue;
        }
        if (d->count > 0 && depth + 1 != d->depth)
            return fail(s, 400, "the arrays of data are nested unevenly or too deeply");
        d->depth = depth + 1;
        if (!(*s->at == '"' ? take_string(s) : take_number(s)))
            return false;
        wants_value = false;
    } while (depth >= 0);
    return true;
}

/* Where in the text the scan is. */
struct place {
    int depth;
    bool in_inputs;        /* below the array of key "inputs" of the outermost object */
    struct serve_span key; /* the last one */
    bool after_key;
};

static bool is_key(const struct place *place, const char *name)
{
    return place->after_key && place->key.size == strlen(name) &&
           memcmp(place->key.text, name, place->key.size) == 0;
}

/* One token that is not the data; *data_here: it is the bracket of inputs[].data. */
static bool step(struct scan *s, struct place *place, bool *data_here)
{
    const char c = *s->at;
    *data_here = false;
    if (c == '"') {
        struct serve_span span;
        if (!skip_string(s, &span))
            return false;
        skip_blanks(s);
        place->after_key = s->at < s->end && *s->at == ':';
        place->key = span;
        if (place->after_key)
            s->at++;
        return true;
    }
    if (c == '[' && place->depth == 3 && place->in_inputs && is_key(place, "data")) {
        *data_here = true;
        return true;
    }
    if (c == '[' && place->depth == 1 && is_key(place, "inputs"))
        place->in_inputs = true;
    if (c == '[' || c == '{')
        place->depth++;
    if (c == ']' || c == '}')
        place->depth--;
    if (place->depth == 1 && (c == ']' || c == '}'))
        place->in_inputs = false;
    place->after_key = false;
    s->at++;
    return true;
}

bool serve_scan(const char *json, size_t n, size_t most, struct serve_data *data,
                struct serve_text *rest, int *code, char *error)
{
    struct scan s = {
        .begin = json, .at = json, .end = json + n, .most = most, .data = data, .error = error
    };
    struct place place = { 0 };
    bool done = true;
    const char *copied = json;
    *data = (struct serve_data){ 0 };
    while (done) {
        bool data_here = false;
        skip_blanks(&s);
        if (s.at >= s.end)
            break;
        done = step(&s, &place, &data_here);
        if (!done || !data_here)
            continue;
        if (data->found) {
            done = fail(&s, 400, "there is data for more than one input, the model takes one");
            break;
        }
        serve_put(rest, copied, (size_t)(s.at - copied));
        done = take_array(&s);
        data->found = true;
        copied = s.at;
        serve_puts(rest, "null");
        place.after_key = false;
        if (rest->size > LARGEST_REST)
            break;
    }
    if (done && (size_t)(s.end - copied) + rest->size > LARGEST_REST)
        done = fail(&s, 413, "more than 64 KiB besides the data of the input");
    if (done)
        serve_put(rest, copied, (size_t)(s.end - copied));
    if (done && rest->failed)
        done = fail(&s, 503, "no memory for the request; try again later");
    if (done && memchr(json, '\0', n))
        done = fail(&s, 400, "a zero byte in the JSON");
    *code = done ? 200 : s.code;
    return done;
}
