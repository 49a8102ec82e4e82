/*
 * Opening what commands name on their line: a preset or model file, a data set.
 */
#include "base/path.h"
#include "cli/shared.h"

#include "base/words.h"
#include "cli/report.h"

#include <math.h>
#include <string.h>

const char *const cli_split_names[] = { "train", "test", "val", NULL };

const char *cli_split_name(int i)
{
    return i >= 0 && i + 1 < CLI_COUNT_OF(cli_split_names) ? cli_split_names[i] : NULL;
}

const char *cli_resize_name(gn_resize resize)
{
    return gn_resize_name(resize == GN_RESIZE_DEFAULT ? GN_RESIZE_TF1_LEGACY : (int)resize);
}

bool cli_is_net_file(const char *word)
{
    const size_t n = strlen(word);
    return n > 4 && strcmp(word + n - 4, ".net") == 0;
}

bool cli_is_preset(const char *word)
{
    if (cli_is_net_file(word))
        return true;
    for (int i = 0; gn_preset_name(i); i++)
        if (strcmp(word, gn_preset_name(i)) == 0)
            return true;
    return false;
}

static int unknown_model(const char *word)
{
    const char *names[33] = { NULL };
    int n = 0;
    for (; n < CLI_COUNT_OF(names) - 1 && gn_preset_name(n); n++)
        names[n] = gn_preset_name(n);
    const int code = cli_fail(CLI_MODEL, "%s: neither a preset nor a model file that exists", word);
    const char *nearest = gn_nearest(word, names);
    if (!nearest && !strpbrk(word, "./") && n > 0)
        nearest = names[0];
    if (nearest)
        cli_hint("the nearest preset is %s", nearest);
    return code;
}

int cli_check_model(const char *word)
{
    return cli_is_preset(word) || gn_path_exists(word) ? 0 : unknown_model(word);
}

gn_net *cli_open_model(const char *word, const struct cli_net *flags, uint64_t seed, int *code)
{
    if (!word)
        word = flags->preset ? flags->preset : "googlenet";
    gn_net *net = NULL;
    char note[1024] = "";
    *code = cli_check_model(word);
    if (*code)
        return NULL;
    if (cli_is_preset(word)) {
        if (flags->preset && strcmp(word, flags->preset) != 0) {
            *code =
                cli_fail(CLI_USAGE, "--preset %s contradicts the preset %s", flags->preset, word);
            return NULL;
        }
        net = gn_preset_with(&(struct gn_preset_options){
            .preset = word,
            .size = flags->size,
            .width = flags->width,
            .channels = flags->channels,
            .classes = flags->classes,
            .seed = seed,
            .resize = (gn_resize)flags->resize,
            .aux = flags->aux,
        });
    } else {
        net = gn_load_with(&(struct gn_load_options){
            .path = word,
            .preset = flags->preset,
            .size = flags->size,
            .width = flags->width,
            .channels = flags->channels,
            .classes = flags->classes,
            .resize = (gn_resize)flags->resize,
            .new_head = flags->new_head,
            .seed = seed,
            .aux = flags->aux,
            .labels = flags->new_head ? flags->labels : NULL,
            .note = note,
            .note_size = sizeof note,
        });
    }
    /* A file without our metadata; of others the library refuses such values. */
    const bool foreign = flags->preset && !cli_is_preset(word);
    const char *tensor = foreign ? gn_net_not_finite(net) : NULL;
    if (tensor)
        cli_warn("%s: tensor %s has a value that is not finite: the model has no answers", word,
                 tensor);
    if (!net)
        *code = cli_fail_library();
    else if (note[0])
        cli_note("network   %s %s", word, note);
    return net;
}

/* A named set that lies nowhere yet is fetched by the library in silence: announce it. */
static void announce_download(const char *data, const struct cli_place *place)
{
    struct gn_known_dataset known;
    if (place->offline || gn_path_exists(data))
        return;
    for (int i = 0; gn_dataset_known(i, place->data_dir, false, &known) == GN_OK; i++)
        if (strcmp(known.name, data) == 0 && !known.where)
            cli_note("%s is not on this machine, downloading it", data);
    gn_clear_error();
}

gn_dataset *cli_begin_data(const char *data, gn_split split, int classes, uint64_t limit,
                           const struct cli_place *place)
{
    announce_download(data, place);
    return gn_open_dataset_with(&(struct gn_dataset_options){
        .data = data,
        .split = split,
        .classes = classes,
        .data_dir = place->data_dir,
        .offline = place->offline,
        .limit = limit,
        .val_fraction = place->val_fraction,
        .no_val_fraction = place->has_fraction && place->val_fraction <= 0.0,
        .seed = place->seed,
        .folds = place->folds,
        .fold = place->fold,
        .on_bad_image = (gn_bad_image)place->on_bad_image,
        .labels = place->labels,
        .beside = true,
        .scaled_decode = place->scaled_decode,
    });
}

gn_dataset *cli_open_data(const char *data, gn_split split, int classes, uint64_t limit,
                          const struct cli_place *place, int *code)
{
    gn_dataset *set = cli_begin_data(data, split, classes, limit, place);
    if (set && gn_dataset_wait(set) != GN_OK) {
        gn_close_dataset(set);
        set = NULL;
    }
    *code = set ? 0 : cli_fail_library();
    return set;
}

/* A limit saves time and memory for what comes after it, and so its check. */
void cli_note_unread(const struct gn_dataset_info *info, const char *split)
{
    if (info->unread > 0)
        cli_note("          %s images: the first %llu of %llu; the rest is not read, so the file's "
                 "checksum is not verified",
                 split, (unsigned long long)info->samples,
                 (unsigned long long)(info->samples + info->unread));
}

const char *cli_what_images(char *buffer, const struct gn_dataset_info *info)
{
    if (info->height > 0)
        snprintf(buffer, 64, "images of %dx%dx%d", info->height, info->width, info->channels);
    else
        snprintf(buffer, 64, "%s pictures", info->channels == 1 ? "grey" : "colour");
    return buffer;
}

void cli_note_machine(int threads)
{
    struct gn_system_info system;
    if (gn_system_describe(&system) != GN_OK)
        return;
    const int used = threads > 0 ? threads : system.threads;
    cli_note("machine   %d thread%s (%s), %s kernels", used, used == 1 ? "" : "s",
             threads > 0 ? "--threads" : system.threads_reason, system.isa);
}
