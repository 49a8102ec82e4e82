/*
 * The keys of "options" are the names of the options of a training, of the network and of the data
 * set, as flags have them; null means that an option has no value. Seeds beyond 2^53 are texts,
 * since JSON readers hold numbers as doubles.
 */
#define _XOPEN_SOURCE 700 /* realpath, gethostname */

#include "train/fit_config.h"

#include "file/file.h"
#include "file/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/text.h"
#include "os/files.h"
#include "os/folders.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FORMAT = 1, LONGEST_VALUE = 8192, EXACT_DIGITS = 17, SHORT_DIGITS = 15 };

/* Digits that this number needs to come back exactly: few, or all. */
static int digits_of(double value)
{
    char text[GN_NUMBER_TEXT];
    double back;
    return gn_real_parse(gn_digits_text(value, SHORT_DIGITS, text), &back) && !(back < value) &&
                   !(back > value)
               ? SHORT_DIGITS
               : EXACT_DIGITS;
}

static int digits_of_members(const json_t *object)
{
    int digits = SHORT_DIGITS;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key,
                        value) if (json_is_real(value) && digits_of(json_real_value(value)) >
                                                              digits) digits = EXACT_DIGITS;
    return digits;
}

static json_t *number(const char *text)
{
    static const uint64_t largest = UINT64_C(1) << 53;
    uint64_t whole;
    double real;
    if (gn_whole_parse(text, &whole))
        return whole <= largest ? json_integer((json_int_t)whole) : json_string(text);
    return gn_real_parse(text, &real) ? json_real(real) : json_null();
}

/* A path may have bytes that JSON cannot hold. */
static void set_text(json_t *object, const char *key, const char *text)
{
    if (text == NULL || gn_is_utf8(text))
        gn_json_set_text(object, key, text);
}

static gn_status set_option(const struct gn_option *option, const struct gn_fit_options *o,
                            json_t *object)
{
    char text[LONGEST_VALUE];
    json_t *value = NULL;
    GN_TRY((gn_status)gn_option_text(option, o, text, sizeof text));
    switch (option->kind) {
    case GN_OPTION_SWITCH:
        value = json_boolean(strcmp(text, "true") == 0);
        break;
    case GN_OPTION_INT:
    case GN_OPTION_COUNT:
    case GN_OPTION_SEED:
    case GN_OPTION_REAL:
    case GN_OPTION_SECONDS:
        value = number(text);
        break;
    case GN_OPTION_HEADING:
    case GN_OPTION_TEXT:
    case GN_OPTION_LIST:
    case GN_OPTION_CHOICE:
    case GN_OPTION_SHUFFLE:
    case GN_OPTION_PLATEAU:
    case GN_OPTION_LOOKAHEAD:
        set_text(object, option->name, text[0] == '\0' ? NULL : text);
        return GN_OK;
    }
    gn_json_set(object, option->name, value);
    return GN_OK;
}

/* Where the data lie and how pictures are read; paths mean the same from another folder. */
static void set_data(const struct gn_dataset *data, json_t *options)
{
    const struct gn_dataset_options *o = &data->options;
    char *path = gn_full_path(o->data);
    const double fraction = o->no_val_fraction ? 0 : o->val_fraction > 0 ? o->val_fraction : 0.1;
    set_text(options, "data", path != NULL ? path : o->data);
    set_text(options, "data-dir", o->data_dir);
    gn_json_set(options, "offline", json_boolean(o->offline));
    set_text(options, "on-bad-image", gn_bad_image_name((int)o->on_bad_image));
    gn_json_set(options, "scaled-decode", json_boolean(o->scaled_decode));
    gn_json_set(options, "val-fraction", json_real(fraction));
    free(path);
}

static void set_net(const struct gn_net *net, gn_resize rule, json_t *options)
{
    set_text(options, "preset", net->preset);
    gn_json_set(options, "size", json_integer(net->input.h));
    gn_json_set(options, "width", json_integer(net->input.w));
    gn_json_set(options, "channels", json_integer(net->input.c));
    gn_json_set(options, "classes", json_integer(net->classes));
    set_text(options, "resize", gn_resize_name((int)rule));
}

static gn_status set_options(const struct gn_net *net, const struct gn_settings *s, json_t *options)
{
    struct gn_fit_options o = s->options;
    const struct gn_option *option;
    o.threads = s->asked_threads;
    o.no_validation = o.validation == NULL;
    if (o.no_validation)
        o.limit_val = 0;
    set_net(net, s->rule, options);
    set_data(o.train, options);
    for (int i = 0; (option = gn_fit_option(i)) != NULL; i++)
        if (option->traits & GN_OPTION_SAVED)
            GN_TRY(set_option(option, &o, options));
    return GN_OK;
}

static void set_machine(json_t *root)
{
    struct gn_system_info system = { 0 };
    char when[32] = "", host[256] = "";
    const time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc) != NULL)
        (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    gn_system_host(host, sizeof host);
    (void)gn_system_describe(&system);
    set_text(root, "version", system.version);
    set_text(root, "commit", system.commit[0] == '\0' ? NULL : system.commit);
    set_text(root, "started", when);
    set_text(root, "host", host);
    set_text(root, "compiler", system.compiler);
    set_text(root, "isa", system.isa);
    gn_json_set(root, "threads_usable", json_integer(system.threads));
}

static json_t *labels_of(const struct gn_net *net)
{
    if (net->labels == NULL)
        return json_null();
    json_t *labels = json_array();
    for (int i = 0; i < net->classes; i++)
        gn_json_add(labels, json_string(net->labels[i]));
    return labels;
}

/* The file's content over what the caller adds. */
static gn_status fill(const struct gn_net *net, const struct gn_settings *s, json_t *root)
{
    json_t *options = json_object_get(root, "options");
    char fingerprint[16];
    if (!json_is_object(options)) {
        options = json_object();
        gn_json_set(root, "options", options);
    }
    gn_json_set(root, "format", json_integer(FORMAT));
    set_machine(root);
    GN_TRY(set_options(net, s, options));
    gn_json_set(root, "labels", labels_of(net));
    (void)snprintf(fingerprint, sizeof fingerprint, "%08lx",
                   (unsigned long)s->options.train->fingerprint);
    gn_json_set_text(root, "data_fingerprint", fingerprint);
    gn_json_set_count(root, "samples", s->n_train);
    gn_json_set_count(root, "validation_samples", s->n_val);
    gn_json_set_count(root, "parameters", gn_graph_params(net->graph, true));
    return GN_OK;
}

gn_status gn_config_write(const struct gn_net *net, const struct gn_settings *settings,
                          const char *path)
{
    const char *extra = settings->options.config;
    json_t *root = json_object();
    if (extra != NULL) {
        json_decref(root);
        GN_TRY(gn_json_parse(extra, &root));
    }
    if (extra != NULL && !json_is_object(root)) {
        json_decref(root);
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: .config is not the text of a JSON object");
    }
    const gn_status status = fill(net, settings, root);
    if (status != GN_OK) {
        json_decref(root);
        return status;
    }
    const int digits = digits_of_members(json_object_get(root, "options"));
    char *text = gn_json_text(root, JSON_INDENT(2) | JSON_REAL_PRECISION((size_t)digits),
                              "the run's options");
    if (text == NULL)
        return gn_last_status();
    const gn_status written = gn_file_write(path, "run options", text, strlen(text), NULL);
    gn_free(text);
    return written;
}
