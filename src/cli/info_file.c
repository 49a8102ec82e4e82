/* googlenet info FILE: what a file is, what is in it, and what can be done with it. */
#include "base/number.h"
#include "cli/info_file.h"
#include "cli/report.h"
#include "cli/shared.h"

#include <stdlib.h>
#include <string.h>

enum { STEPS = 4096, MOST_LABELS = 8 };

static json_t *json_net(const gn_net *net, const struct gn_net_info *about, const char *steps)
{
    json_t *object = json_object(), *labels = about->labels ? json_array() : json_null();
    json_object_set_new(object, "preset", cli_json_text(about->preset));
    json_object_set_new(object, "input",
                        json_pack("[i,i,i]", about->size_h, about->size_w, about->channels));
    json_object_set_new(object, "classes", json_integer(about->classes));
    json_object_set_new(object, "layers", json_integer(about->layers));
    json_object_set_new(object, "params", json_integer((json_int_t)about->params));
    json_object_set_new(object, "statistics", json_integer((json_int_t)about->statistics));
    json_object_set_new(object, "macs", json_integer((json_int_t)about->macs));
    json_object_set_new(object, "heads", json_integer(about->heads));
    json_object_set_new(object, "hash", json_integer((json_int_t)gn_net_hash(net)));
    json_object_set_new(object, "preprocess", cli_json_parse(steps, NULL));
    for (int i = 0; about->labels && i < about->classes; i++)
        json_array_append_new(labels, cli_json_text(about->labels[i]));
    json_object_set_new(object, "labels", labels);
    return object;
}

static void print_json(const char *path, const struct gn_file_info *info, json_t *network,
                       const char *note)
{
    json_t *root = json_object();
    json_object_set_new(root, "file", cli_json_text(path));
    json_object_set_new(root, "bytes", json_integer((json_int_t)info->bytes));
    json_object_set_new(root, "format", cli_json_text(info->format));
    json_object_set_new(root, "version", cli_json_text(info->version));
    json_object_set_new(root, "producer", cli_json_text(info->producer));
    json_object_set_new(root, "checksums", cli_json_text(info->checks));
    json_object_set_new(root, "parts", json_integer((json_int_t)info->parts));
    json_object_set_new(root, "values", json_integer((json_int_t)info->values));
    json_object_set_new(root, "network", network);
    json_object_set_new(root, "note", cli_json_text(note));
    json_object_set_new(root, "use", cli_json_text(info->use));
    cli_print_json(root);
}

static void print_net(const gn_net *net, const struct gn_net_info *about, const char *steps)
{
    cli_line("network       %s, %d layers, %llu parameters, %llu statistics, %llu multiply-adds",
             about->preset, about->layers, (unsigned long long)about->params,
             (unsigned long long)about->statistics, (unsigned long long)about->macs);
    cli_line("input         %dx%dx%d", about->size_h, about->size_w, about->channels);
    cli_line("classes       %d, auxiliary heads %d", about->classes, about->heads);
    for (int i = 0; about->labels && i < about->classes && i < MOST_LABELS; i++)
        cli_line("%-13s %d %s", i ? "" : "labels", i, about->labels[i]);
    if (about->labels && about->classes > MOST_LABELS)
        cli_line("              and %d more", about->classes - MOST_LABELS);
    if (!about->labels)
        cli_line("labels        none");
    cli_line("preprocessing %s", steps);
    cli_line("weights       CRC32C %08x", (unsigned)gn_net_hash(net));
}

static void print_text(const struct gn_file_info *info)
{
    char bytes[GN_NUMBER_TEXT];
    cli_line("format        %s%s%s", info->format, *info->version ? ", version " : "",
             info->version);
    cli_line("size          %s", gn_bytes_text(info->bytes, bytes));
    if (*info->producer)
        cli_line("producer      %s", info->producer);
    if (info->parts)
        cli_line("parts         %llu with %llu numbers", (unsigned long long)info->parts,
                 (unsigned long long)info->values);
    cli_line("checksums     %s", info->checks);
}

int cli_info_file(const char *path, const struct cli_file_flags *flags, bool json)
{
    static char note[4096], steps[STEPS];
    struct gn_file_info info;
    struct gn_net_info about = { 0 };
    if (gn_file_describe(path, &info) != GN_OK)
        return cli_fail_library();
    gn_net *net = NULL;
    if (info.imported)
        net = gn_import(path, .model = flags->model, .prototxt = flags->prototxt,
                        .mean = flags->mean, .note = note, .note_size = sizeof note);
    if (info.imported && !net) {
        const char *why = gn_error_message(); /* its second line advises on the library's fields */
        (void)snprintf(note, sizeof note, "%.*s", (int)strcspn(why, "\n"), why);
    }
    const bool known = net && gn_net_describe(net, &about) == GN_OK &&
                       gn_net_preprocess(net, steps, sizeof steps) == GN_OK;
    if (json) {
        print_json(path, &info, known ? json_net(net, &about, steps) : json_null(), note);
    } else {
        print_text(&info);
        if (known)
            print_net(net, &about, steps);
        if (*note)
            cli_line("note          %s", note);
        cli_line("use           %s", info.use);
    }
    gn_free_net(net);
    return CLI_DONE;
}
