/*
 * The small reader of JSON takes what jansson takes, refuses what it refuses, and reads the same values:
 * whole texts, each with every byte changed, and each cut at every byte.
 * labels: quick
 */
#include "support/check.h"

#include "small_json.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { ROOM = 1 << 16, NUL = 3 };

static void add(char *out, const char *text)
{
    const size_t n = strlen(out);
    assert_true(n + strlen(text) < ROOM);
    memcpy(out + n, text, strlen(text) + 1);
}

static void add_string(char *out, const char *text)
{
    add(out, "\"");
    for (; *text != '\0'; text++) {
        char piece[8] = { *text };
        if (*text == '"' || *text == '\\')
            (void)snprintf(piece, sizeof piece, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            (void)snprintf(piece, sizeof piece, "\\u%04x", (unsigned)*text);
        add(out, piece);
    }
    add(out, "\"");
}

/* As small_json writes it. */
static void write_value(char *out, json_t *value)
{
    const char *key, *comma = "";
    json_t *element;
    char number[32];
    size_t i;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        add(out, "{");
        json_object_foreach(value, key, element)
        {
            add(out, comma);
            add_string(out, key);
            add(out, ":");
            write_value(out, element);
            comma = ",";
        }
        add(out, "}");
        break;
    case JSON_ARRAY:
        add(out, "[");
        json_array_foreach(value, i, element)
        {
            add(out, i > 0 ? "," : "");
            write_value(out, element);
        }
        add(out, "]");
        break;
    case JSON_STRING:
        add_string(out, json_string_value(value));
        break;
    case JSON_INTEGER:
        (void)snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        add(out, number);
        break;
    case JSON_REAL:
        add(out, "real");
        break;
    default:
        add(out, json_is_null(value) ? "null" : json_is_true(value) ? "true" : "false");
    }
}

static int taken, refused;

static void compare(const char *text, size_t size)
{
    static char small[ROOM], whole[ROOM];
    char fault[200];
    json_error_t error;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    const gn_status status = small_json(text, size, small, sizeof small, fault);
    if (root == NULL) {
        refused++;
        /* A number too large for a double is only known to be one. */
        if (status != GN_STATUS_BAD_DATA && strstr(error.text, "real number overflow") == NULL)
            fail_msg("taken, where jansson says \"%s\": %.*s", error.text, (int)size, text);
        return;
    }
    taken++;
    if (status != GN_OK)
        fail_msg("refused (%s): %.*s", fault, (int)size, text);
    whole[0] = '\0';
    write_value(whole, root);
    json_decref(root);
    assert_string_equal(small, whole);
}

static const char *const texts[] = {
    "{}",
    "[]",
    " [ 1 , 2,\t3 ]\r\n",
    "[0,-0,1,-1,10,9223372036854775807,-9223372036854775808]",
    "[9223372036854775808]",
    "[-9223372036854775809]",
    "[123456789012345678901234567890]",
    "[01]",
    "[-]",
    "[1.5,-0.25,1e5,1E+5,1e-5,1.25e2]",
    "[1.]",
    "[.5]",
    "[1e]",
    "[+1]",
    "[true,false,null]",
    "[True]",
    "[nul]",
    "[truely]",
    "[\"\",\"a\",\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"]",
    "[\"\\u0000\"]",
    "[\"\\ud83d\"]",
    "[\"\\ud83dx\"]",
    "[\"\\ud83d\\u0041\"]",
    "[\"\\ude00\"]",
    "[\"\\x41\"]",
    "[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]",
    "[\"\xc3\"]",
    "[\"\xed\xa0\x80\"]",
    "[\"\xc0\xaf\"]",
    "[\"a\tb\"]",
    "{\"b\":1,\"a\":{\"c\":[],\"d\":{}},\"\":2}",
    "{\"a\":1,\"b\":2,\"a\":3}",
    "{\"a\":1,\"\\u0061\":3}",
    "{a:1}",
    "{\"a\"}",
    "{\"a\":}",
    "{,}",
    "[,]",
    "[1,]",
    "{\"a\":1,}",
    "[1 2]",
    "[1]]",
    "[1",
    "{\"a\":[1,2}",
    "\"a\"",
    "12",
    "",
    " ",
    "[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]",
    ("{\"step\":\"resize\",\"h\":96,\"w\":96,\"rule\":\"tf1-legacy\",\"antialias\":false,"
     "\"by\":[\"0x1.8p+1\",104],\"labels\":null}"),
};

static void every_text_and_every_change(void **state)
{
    static const char bytes[] = "\"\\{}[],:0-9.eEu \n\tatn\x01\x7f\x80\xc3\xff/";
    (void)state;
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        char changed[512];
        const size_t n = strlen(texts[t]);
        compare(texts[t], n);
        assert_true(n < sizeof changed - 1);
        for (size_t i = 0; i < n; i++) {
            compare(texts[t], i);
            for (size_t b = 0; b < sizeof bytes - 1; b++) {
                memcpy(changed, texts[t], n);
                changed[i] = bytes[b];
                compare(changed, n);
                memmove(changed + i + 1, texts[t] + i, n - i);
                compare(changed, n + 1);
            }
        }
    }
    assert_true(taken > 1000 && refused > 10000);
}

/* Levels beyond those that a model file has are refused with a sentence, not with the stack's end. */
static void a_deep_text_is_refused(void **state)
{
    static char deep[200000], out[ROOM];
    char fault[200];
    (void)state;
    memset(deep, '[', sizeof deep);
    assert_int_equal(small_json(deep, sizeof deep, out, sizeof out, fault), GN_STATUS_BAD_DATA);
    assert_string_equal(fault, "maximum parsing depth reached at byte 65");
}

/* The sentence that an error of a header ends with. */
static void a_fault_has_its_place(void **state)
{
    static const struct {
        const char *text, *fault;
    } faults[] = {
        { "{\"a\":1,\"a\":2}", "duplicate object key at byte 13" },
        { "[1,\"\\q\"]", "invalid escape at byte 6" },
        { "[1] 2", "end of file expected at byte 4" },
        { "[1\0]", "']' expected at byte 2" }, /* jansson passes over a NUL */
        { "[18446744073709551616]", "too big integer at byte 21" },
    };
    char out[64], fault[200];
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        assert_int_equal(small_json(faults[i].text, i == NUL ? 4 : strlen(faults[i].text), out,
                                    sizeof out, fault),
                         GN_STATUS_BAD_DATA);
        assert_string_equal(fault, faults[i].fault);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_text_and_every_change),
        cmocka_unit_test(a_deep_text_is_refused),
        cmocka_unit_test(a_fault_has_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
