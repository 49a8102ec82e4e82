/* Texts: numbers, JSON, what may be shown, lists of words, and what the system says about its limits. */
#include "fuzz.h"

#include "base/cgroup.h"
#include "file/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/text.h"
#include "graph/pattern.h"
#include "picture/augment.h"

#include <math.h>
#include <string.h>

/* ---- Numbers ---- */

static bool is_same(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* What is read comes back from what is written. */
static void number(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    char *text = fuzz_text(bytes, n), written[GN_NUMBER_TEXT];
    double value, back;
    uint64_t whole;
    int small;
    (void)target;
    if (gn_real_parse(text, &value)) {
        fuzz_taken++;
        FUZZ_REQUIRE(isfinite(value));
        FUZZ_REQUIRE(gn_real_parse(gn_decimal_text(value, written), &back) && is_same(value, back));
        FUZZ_REQUIRE(gn_hex_parse(gn_hex_text(value, written), &back) && is_same(value, back));
        FUZZ_REQUIRE(gn_short_hex_parse(gn_short_hex_text(value, written), &back) &&
                     is_same(value, back));
        (void)gn_digits_text(value, 17, written);
        (void)gn_fixed_text(value, 17, written);
    }
    if (gn_hex_parse(text, &value))
        FUZZ_REQUIRE(strcmp(gn_hex_text(value, written), text) == 0);
    if (gn_short_hex_parse(text, &value))
        FUZZ_REQUIRE(isfinite(value));
    if (gn_whole_parse(text, &whole))
        (void)gn_bytes_text(whole, written);
    if (gn_int_parse(text, -100, 100, &small))
        FUZZ_REQUIRE(small >= -100 && small <= 100);
    free(text);
}

static const char *const numbers[] = {
    "0.1",   "-1e-300", "18446744073709551615", "+7", "0x1.8000000000000p+1", "-0x1.8p-1022",
    "1e999", NULL
};

/* ---- JSON ---- */

static void json(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    json_t *value, *again;
    json_error_t error;
    (void)target;
    fuzz_told(gn_json_load((const char *)bytes, n, &value, &error));
    if (value == NULL)
        return;
    char *text =
        gn_json_text(json_incref(value), JSON_ENCODE_ANY | JSON_REAL_PRECISION(17), "fuzz");
    FUZZ_REQUIRE(text != NULL);
    FUZZ_REQUIRE(gn_json_parse(text, &again) == GN_OK && json_equal(value, again));
    gn_free(text);
    json_decref(again);
    json_decref(value);
}

static const char *const jsons[] = { "{\"a\":[1,-2.5e3,true,null,\"\\u00e9\\ud83d\\ude00\"]}",
                                     "[[[]]]", NULL };

/* ---- What a terminal may see ---- */

static void printable(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    char *text = fuzz_text(bytes, n), *room = malloc(n + 8);
    (void)target;
    FUZZ_REQUIRE(room != NULL);
    for (size_t size = 1; size <= n + 8; size = size < 20 ? size + 1 : size * 2) {
        const char *shown = gn_printable(room, size, text);
        FUZZ_REQUIRE(strlen(shown) < size);
        FUZZ_REQUIRE(gn_is_printable(shown));
    }
    fuzz_taken += !gn_is_printable(text);
    if (gn_is_printable(text))
        FUZZ_REQUIRE(gn_is_utf8(text) && strcmp(gn_printable(room, n + 8, text), text) == 0);
    gn_make_printable(text);
    FUZZ_REQUIRE(gn_is_utf8(text));
    free(room);
    free(text);
}

static const char *const printables[] = {
    "na\xc3\xafve \xe2\x80\xae \x1b[31m \xc2\x9b \xf0\x9f\x98\x80",
    "a\n  hint: b\n\xff\xed\xa0\x80", NULL
};

/* ---- Lists of words ---- */

static void words(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    char *text = fuzz_text(bytes, n);
    struct gn_augment augment;
    (void)target;
    fuzz_told(gn_augment_parse(&augment, text));
    (void)gn_pattern_matches(text, "b3.inception3a.p1_1.weight");
    free(text);
}

static const char *const lists[] = { "mirror,shift:2 rotate:15", "trivial-augment,crop:0.5,erase",
                                     "b?.*,dense.*=0.1,*.weight", NULL };

/* ---- /proc and the files of control groups, "--" between them ---- */

static void cgroup(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    static const char *const names[] = {
        "cgroup/proc/self/cgroup",   "cgroup/proc/self/mountinfo",     "cgroup/m/a/memory.max",
        "cgroup/m/a/cpu.max",        "cgroup/m/memory.limit_in_bytes", "cgroup/m/cpu.cfs_quota_us",
        "cgroup/m/cpu.cfs_period_us"
    };
    char *text = fuzz_text(bytes, n), *at = text;
    (void)target;
    (void)fuzz_folder("cgroup/proc/self");
    (void)fuzz_folder("cgroup/m/a");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *end = strstr(at, "--\n");
        const size_t length = end == NULL ? strlen(at) : (size_t)(end - at);
        (void)fuzz_file(names[i], at, length);
        at += end == NULL ? length : length + 3;
    }
    const struct gn_cgroup_limits limits = gn_cgroup_limits(fuzz_folder("cgroup"));
    FUZZ_REQUIRE(limits.cpus >= 0 && isfinite(limits.cpus));
    fuzz_taken += limits.memory != UINT64_MAX && limits.cpus > 0;
    free(text);
}

static const char *const cgroups[] = {
    "0::/a\n--\n31 23 0:28 / /m rw - cgroup2 cgroup2 rw\n--\n1048576\n--\n150000 100000\n",
    "4:memory:/x/a\n3:cpu,cpuacct:/\n--\n31 23 0:28 /x /m rw - cgroup none rw,memory\n"
    "32 23 0:29 / /m rw - cgroup none rw,cpu,cpuacct\n--\nmax\n--\nmax 100000\n--\n4096\n--\n"
    "50000\n--\n100000\n",
    NULL
};

const struct fuzz_target fuzz_text_targets[] = {
    { .name = "number", .run = number, .texts = numbers },
    { .name = "json", .run = json, .texts = jsons },
    { .name = "printable", .run = printable, .texts = printables },
    { .name = "words", .run = words, .texts = lists },
    { .name = "cgroup", .run = cgroup, .texts = cgroups, .divisor = 4 },
    { .name = NULL },
};
