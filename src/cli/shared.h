/*
 * What several commands share: rows of their option tables, and opening the MODEL and the data set
 * that they name.
 */
#ifndef GN_CLI_SHARED_H
#define GN_CLI_SHARED_H

#include "base/words.h"
#include "cli/options.h"

#include <googlenet.h>

/* Flags that every command has; a command's struct holds it first, under the name `common`. */
struct cli_common {
    bool quiet, verbose, json, no_color;
};

/* Flags that describe a network; member `net` of a command's struct. Zero: not given. */
struct cli_net {
    const char *preset;
    int size, width, channels, classes;
    int resize;    /* gn_resize */
    bool new_head; /* a model file of another number of classes gets a new last layer */
    bool aux;      /* with auxiliary heads, where the network has them; set by the command */
    const char *const *labels; /* with new_head: names of its classes */
};

/* Flags that say where data lies; member `place` of a command's struct. */
struct cli_place {
    const char *data_dir;
    bool offline;
    /* Of sets of pictures; each has its own row in the commands that know it. */
    double val_fraction;       /* part for testing; 0: none, but see has_fraction */
    bool has_fraction;         /* false: the library's default */
    uint64_t seed;             /* of the choice of that part, and of folds */
    int folds, fold;           /* of the training samples; 0: none */
    int on_bad_image;          /* gn_bad_image */
    bool scaled_decode;        /* of large JPEGs */
    const char *const *labels; /* a model's, for as many classes as are asked for */
};

extern const char *const cli_split_names[]; /* by gn_split */
const char *cli_split_name(int i);          /* NULL after the last one */

#define CLI_COUNT_OF(table) ((int)(sizeof(table) / sizeof *(table)))
#define CLI_LARGEST_INT     2147483647.0
#define CLI_LARGEST_COUNT   9007199254740992.0 /* 2^53: exact in a double and in JSON */
#define CLI_LARGEST_FLOAT   3.4e38

#define CLI_HEADING(text)                                                                          \
    {                                                                                              \
        .kind = GN_OPTION_HEADING, .name = "", .help = (text)                                      \
    }

/* clang-format off */
#define CLI_COMMON_ROWS(T)                                                                         \
    CLI_HEADING("Common"),                                                                         \
    { .name = "json", .kind = GN_OPTION_SWITCH, .offset = offsetof(T, common.json),                \
      .help = "print the result as JSON on stdout" },                                              \
    { .name = "quiet", .letter = 'q', .kind = GN_OPTION_SWITCH, .offset = offsetof(T, common.quiet),       \
      .help = "print only errors and warnings" },                                             \
    { .name = "verbose", .letter = 'v', .kind = GN_OPTION_SWITCH, .offset = offsetof(T, common.verbose),   \
      .help = "print more: the machine, every step" },                                             \
    { .name = "no-color", .kind = GN_OPTION_SWITCH, .offset = offsetof(T, common.no_color),        \
      .help = "no colours (also: NO_COLOR, TERM=dumb)" }

#define CLI_NET_ROWS(T)                                                                            \
    CLI_HEADING("Network"),                                                                        \
    { .name = "preset", .kind = GN_OPTION_TEXT, .value = "NAME", .offset = offsetof(T, net.preset),\
      .traits = GN_OPTION_SAVED, .help = "the preset of a model file that does not name it" },     \
    { .name = "size", .kind = GN_OPTION_INT, .value = "N", .offset = offsetof(T, net.size),        \
      .low = 1, .high = CLI_LARGEST_INT, .standard = "the model's, 96", .traits = GN_OPTION_SAVED, \
      .help = "height and width of the input" },                                                   \
    { .name = "width", .kind = GN_OPTION_INT, .value = "N", .offset = offsetof(T, net.width),      \
      .low = 1, .high = CLI_LARGEST_INT, .standard = "the size", .traits = GN_OPTION_SAVED,        \
      .help = "width of the input, where it is not square" },                                      \
    { .name = "channels", .kind = GN_OPTION_INT, .value = "N", .offset = offsetof(T, net.channels),\
      .low = 1, .high = CLI_LARGEST_INT, .traits = GN_OPTION_SAVED,                                \
      .help = "channels of the input" },                                                           \
    { .name = "classes", .kind = GN_OPTION_INT, .value = "N", .offset = offsetof(T, net.classes),  \
      .low = 1, .high = CLI_LARGEST_INT, .traits = GN_OPTION_SAVED, .help = "classes of the output" },   \
    { .name = "resize", .kind = GN_OPTION_CHOICE, .value = "RULE", .offset = offsetof(T, net.resize),    \
      .choice = gn_resize_name, .low = GN_RESIZE_TF1_LEGACY, .standard = "the model's, tf1-legacy", .traits = GN_OPTION_SAVED,     \
      .help = "tf1-legacy, half-pixel or pil-bilinear" }

#define CLI_PLACE_ROWS(T)                                                                          \
    { .name = "data-dir", .kind = GN_OPTION_TEXT, .value = "DIR", .traits = GN_OPTION_SAVED | GN_OPTION_ANEW,        \
      .offset = offsetof(T, place.data_dir), .standard = "$GOOGLENET_DATA and the usual places",   \
      .help = "where named data sets lie" },                                                       \
    { .name = "offline", .kind = GN_OPTION_SWITCH, .offset = offsetof(T, place.offline),           \
      .traits = GN_OPTION_SAVED | GN_OPTION_ANEW, .help = "never download" }

/* What a Caffe file does not say itself; `in` is the member that holds both, with its point, or nothing. */
#define CLI_CAFFE_ROWS_AT(T, in)                                                                   \
    { .name = "prototxt", .kind = GN_OPTION_TEXT, .value = "FILE",                                 \
      .offset = offsetof(T, in prototxt), .standard = "next to the weights",                       \
      .help = "Caffe: the description of the network" },                                           \
    { .name = "mean", .kind = GN_OPTION_TEXT, .value = "WHAT", .offset = offsetof(T, in mean),     \
      .standard = "next to the weights",                                                           \
      .help = "Caffe: a mean file (.binaryproto) or a value a channel: 104,117,123" }
#define CLI_CAFFE_ROWS(T) CLI_CAFFE_ROWS_AT(T, )

#define CLI_ALGORITHM_ROW(T)                                                                       \
    { .name = "algorithm", .kind = GN_OPTION_CHOICE, .value = "NAME", .traits = GN_OPTION_SAVED,   \
      .offset = offsetof(T, algorithm), .choice = gn_algorithm_name, .standard = "auto",         \
      .help = "of the convolutions: auto, direct or winograd" }

#define CLI_WEIGHTS_ROW(T)                                                                         \
    { .name = "weights", .kind = GN_OPTION_CHOICE, .value = "BITS",                                \
      .offset = offsetof(T, weights), .choice = gn_weights_name, .standard = "f32",                \
      .help = "as the kernels read them: f32, or f16, which answers one picture faster in less memory; other bits" }

#define CLI_THREADS_ROW(T)                                                                         \
    { .name = "threads", .kind = GN_OPTION_INT, .value = "N", .offset = offsetof(T, threads),      \
      .low = 1, .high = 256, .standard = "all that the process may use",                           \
      .traits = GN_OPTION_SAVED | GN_OPTION_ANEW,                                                  \
      .help = "number of threads; it changes no bit of a result" }
/* clang-format on */

/* Reads --fold K/N (NULL: none) into numbers (eval_run.c). 0, or the exit code after the fault was named. */
int cli_read_fold(const char *text, struct cli_place *place);

/* The network that MODEL names: a preset with weights drawn by `seed`, or a model file. `word` NULL
 * stands for --preset, or for "googlenet". NULL after the fault was named; *code gets the exit
 * code. Free with gn_free_net. */
gn_net *cli_open_model(const char *word, const struct cli_net *flags, uint64_t seed, int *code);

/* Whether `word` is a preset or a file that is there: 0, or the exit code after the fault was
 * named. */
int cli_check_model(const char *word);

/* Whether `word` names a text file that describes a network. */
bool cli_is_net_file(const char *word);

/* Whether `word` is a preset's name, or that of such a file. */
bool cli_is_preset(const char *word);

/* Begins to open a split of --data; `classes` and `limit` 0 as in gn_dataset_options. Says so when a
 * named set must be downloaded first. gn_dataset_wait ends it. NULL with the library's last error. */
gn_dataset *cli_begin_data(const char *data, gn_split split, int classes, uint64_t limit,
                           const struct cli_place *place);

/* Both at once. NULL after the fault was named; *code gets the exit code. */
gn_dataset *cli_open_data(const char *data, gn_split split, int classes, uint64_t limit,
                          const struct cli_place *place, int *code);

/* "images of 28x28x1" or "grey pictures"; returns `buffer`, which has room for 64 bytes. */
const char *cli_what_images(char *buffer, const struct gn_dataset_info *info);

/* One line of talk when images after a limit were not read. */
void cli_note_unread(const struct gn_dataset_info *info, const char *split);

/* Warns, in a line each, when there is one class only or when classes have no sample among the first
 * `limit` (0: all) of the set, whose images are there. `of` are the names of the classes or NULL, `what`
 * is the samples' use ("training"). */
void cli_warn_classes(const gn_dataset *data, uint64_t limit, const char *const *names,
                      const char *what);

/* Says in a line which files of a set's folders are not among its pictures, if there are any. */
void cli_note_unused(const struct gn_dataset_info *info);

/* The rule's name; "tf1-legacy" for the default. */
const char *cli_resize_name(gn_resize resize);

/* One line of talk about the machine: threads and why, kernel set. `threads` 0: not given. */
void cli_note_machine(int threads);

#endif
