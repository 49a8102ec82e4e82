/*
 * googlenet.h - GoogLeNet (Inception v1) and networks of its block, in C.
 *
 * Build, train, evaluate and use the network of "Dive into Deep Learning", section 5.9
 * (Szegedy et al., "Going Deeper with Convolutions", 2014) on the CPU. A whole program:
 *
 *     #include <googlenet.h>
 *
 *     int main(void)
 *     {
 *         gn_net *net = gn_googlenet(.size = 96, .channels = 1, .classes = 10);
 *         gn_summary(net, stdout);
 *
 *         gn_dataset *train = gn_open_dataset("fashion-mnist", .split = GN_TRAIN, .size = 96);
 *         gn_dataset *test = gn_open_dataset("fashion-mnist", .split = GN_TEST, .size = 96);
 *
 *         gn_fit(net, train, .validation = test, .epochs = 5, .batch = 128, .lr = 0.05);
 *         return gn_save(net, "model.safetensors");
 *     }
 *
 * Sections: simple (the first 150 lines), data, training, using, own networks, measuring and
 * machine. Each has a short program in examples/.
 *
 * Options are structs filled by name; a field that is zero has its default. Every macro wraps a
 *   plain function (`..._with`) that takes the struct, for C++ and bindings; NULL means all
 *   defaults.
 * Errors: functions that can fail return GN_OK (0) or a pointer that is not NULL; otherwise
 *   gn_error_message() says in one sentence what was wrong. Every function accepts the NULL of a
 *   failed constructor, does nothing and keeps the first message, so a program may check once.
 *   The library never prints, exits or installs signal handlers. Its only global state is the last
 *   error of each thread, and what gn_set_allocator and gn_set_log are given.
 * Structs that a caller makes, for options and for answers alike, end in `reserved` fields, all zero:
 *   a later version may give them a meaning and keep every size, so programs need not be compiled
 *   anew. Without them are pairs and rows of tables, which stay as they are for good.
 * Tensors are float32, NHWC; convolution weights [kh][kw][in][out], dense weights [in][out].
 * Threads: an object is used by one thread at a time; different objects freely. Computations run
 *   on threads of the library's own; their number never changes a single bit of a result. After
 *   fork() parent and child go on by themselves, with all that the parent made before.
 */
#ifndef GOOGLENET_H
#define GOOGLENET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) && !defined(_WIN32)
#define GN_API               __attribute__((visibility("default")))
#define GN_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else /* on Windows the linker is given a list of what is exported */
#define GN_API
#define GN_PRINTF(fmt, args)
#endif

/* Of this header; gn_version() is that of the library in use, such as "0.1.0". */
#define GN_VERSION_MAJOR  0
#define GN_VERSION_MINOR  1
#define GN_VERSION_PATCH  0
#define GN_VERSION_STRING "0.1.0"
GN_API const char *gn_version(void);

/* ==== Simple: the verbs of the notebook ======================================================== */

/* What a call returns, and what gn_error_status() says. */
typedef enum gn_status {
    GN_OK = 0,
    GN_STATUS_BAD_ARGUMENT, /* a value or combination that makes no sense */
    GN_STATUS_BAD_SHAPE,    /* tensors that do not fit together */
    GN_STATUS_BAD_DATA,     /* a data set is missing, damaged or contradicts itself */
    GN_STATUS_BAD_MODEL,    /* a model file is missing, damaged or of another network */
    GN_STATUS_UNSUPPORTED,  /* a model file of a kind or version that is not read */
    GN_STATUS_NO_MEMORY,    /* does not fit in memory */
    GN_STATUS_NO_DEVICE,    /* the device or an optional part is not there */
    GN_STATUS_IO,           /* reading or writing failed (disk full, no permission) */
    GN_STATUS_BUSY,         /* another process holds the run folder */
    GN_STATUS_STOPPED,      /* stopped on request, after a clean checkpoint */
    GN_STATUS_DIVERGED,     /* the loss became NaN or infinite */
    GN_STATUS_INTERNAL      /* a fault of the library */
} gn_status;

/* This thread's last error, never NULL ("": none); a hint may follow as a second line. Until the next. */
GN_API const char *gn_error_message(void);
GN_API gn_status gn_error_status(void); /* the status that belongs to gn_error_message() */
GN_API void gn_clear_error(void);       /* forgets this thread's last error */

/* Copies a text from a file (a label, a name) so that it may be printed: what is not UTF-8, controls a
 * terminal or turns the direction of writing becomes '?'; a longer text ends in "...". Returns
 * `buffer`. The library's own sentences are printable already. */
GN_API const char *gn_printable(char *buffer, size_t size, const char *text);

typedef struct gn_net gn_net;         /* a network with its parameters */
typedef struct gn_dataset gn_dataset; /* labelled images */
typedef struct gn_history gn_history; /* what a training run reported */

/* The notebook's network with fresh weights: Glorot-uniform kernels, zero biases. gn_preset takes
 * any preset by name, gn_preset("googlenet-bn", .size = 224), or a text file that describes a
 * network, "my.net". Free it with gn_free_net. Options: struct gn_preset_options. */
#define gn_googlenet(...)                                                                          \
    gn_preset_with(&(struct gn_preset_options){ .preset = "googlenet", __VA_ARGS__ })
#define gn_preset(...) gn_preset_with(&(struct gn_preset_options){ .preset = __VA_ARGS__ })
struct gn_preset_options;
GN_API gn_net *gn_preset_with(const struct gn_preset_options *options);
GN_API void gn_free_net(gn_net *net);

/* A table of all layers, as Keras prints it, and a line a stage, as the notebook's shape walk. */
GN_API gn_status gn_summary(const gn_net *net, FILE *out);
GN_API gn_status gn_walk(const gn_net *net, FILE *out);

/* Labelled images of a folder or of a named set. Options: struct gn_dataset_options. */
#define gn_open_dataset(...)                                                                       \
    gn_open_dataset_with(&(struct gn_dataset_options){ .data = __VA_ARGS__ })
struct gn_dataset_options;
GN_API gn_dataset *gn_open_dataset_with(const struct gn_dataset_options *options);
GN_API void gn_close_dataset(gn_dataset *data);

/* Trains, and returns what was reported, or NULL on error. Options: struct gn_fit_options. Where both the
 * network and a data set name their classes, equal numbers must have equal names (here and in
 * gn_evaluate): see .labels of struct gn_dataset_options and of struct gn_load_options. */
#define gn_fit(net, ...) gn_fit_with((net), &(struct gn_fit_options){ .train = __VA_ARGS__ })
struct gn_fit_options;
GN_API gn_history *gn_fit_with(gn_net *net, const struct gn_fit_options *options);
GN_API void gn_free_history(gn_history *history);

/* Loss and accuracy on a data set: gn_evaluate(net, &score, test). */
#define gn_evaluate(net, score, ...)                                                               \
    gn_evaluate_with((net), (score), &(struct gn_evaluate_options){ .data = __VA_ARGS__ })
struct gn_score;
struct gn_evaluate_options;
GN_API gn_status gn_evaluate_with(gn_net *net, struct gn_score *score,
                                  const struct gn_evaluate_options *options);

/* Logits of images: gn_predict(net, logits, pixels, .n = 1, .height = 28, ...). */
#define gn_predict(net, logits, ...)                                                               \
    gn_predict_with((net), (logits), &(struct gn_predict_options){ .pixels = __VA_ARGS__ })
struct gn_predict_options;
GN_API gn_status gn_predict_with(gn_net *net, float *logits,
                                 const struct gn_predict_options *options);

/* One safetensors file with all that prediction needs, written atomically, and back. */
GN_API gn_status gn_save(const gn_net *net, const char *path);
#define gn_load(...) gn_load_with(&(struct gn_load_options){ .path = __VA_ARGS__ })
struct gn_load_options;
GN_API gn_net *gn_load_with(const struct gn_load_options *options);

/* ==== Data ===================================================================================== */

/* GN_VAL chooses the best epoch, GN_TEST is measured at the end. Where a set has one of the two, both
 * names mean it. */
typedef enum gn_split { GN_TRAIN = 0, GN_TEST, GN_VAL } gn_split;

/* How an image comes to the network's size (formulas: docs/design.md). */
typedef enum gn_resize {
    GN_RESIZE_DEFAULT = 0, /* the model's own; for new models the notebook's, tf1-legacy, until
                              they are trained on pictures: pil-bilinear */
    GN_RESIZE_TF1_LEGACY,  /* TensorFlow 1.x, align_corners=False */
    GN_RESIZE_HALF_PIXEL,  /* TensorFlow 2.x, PyTorch, OpenCV */
    GN_RESIZE_PIL_BILINEAR /* Pillow's BILINEAR: on bytes, with antialiasing */
} gn_resize;

/* What happens to a picture that cannot be read while batches are made. */
typedef enum gn_bad_image {
    GN_BAD_STOP = 0, /* an error that names the file */
    GN_BAD_SKIP      /* it is left out and listed; an error when they are more than 5% (and 10) */
} gn_bad_image;

/* ---- Opening a set ---- */

/* `data` is a folder with the four IDX files (plain or .gz), with CIFAR's binary files, or with
 * pictures: train/CLASS/... and test/CLASS/... (or val/), or CLASS/... alone, which is divided by
 * val_fraction and seed; a list of pictures (.txt: a path and a label a line); or the name of a
 * known set (gn_dataset_known). Pictures are JPEG, PNG, BMP, PNM, GIF, WebP and TIFF files, as far as
 * this build has the libraries (gn_system_describe). Images are resized when batches are made; `size`
 * only says what the network must have. */
struct gn_dataset_options {
    const char *data;     /* folder or name */
    gn_split split;       /* GN_TRAIN, GN_TEST or GN_VAL */
    int size;             /* 0: whatever the network takes */
    int classes;          /* 0: the named set's, or largest label + 1; a larger label is an error */
    gn_resize resize;     /* 0: the model's */
    const char *data_dir; /* NULL: $GOOGLENET_DATA and the usual places */
    bool offline;         /* never download */
    uint64_t limit;       /* only the first N samples of the file; 0: all */
    double val_fraction;  /* of pictures without a division: share for testing; 0: 0.1 */
    bool no_val_fraction; /* of such pictures none is for testing */
    uint64_t seed;        /* of the choice of those for testing */
    gn_bad_image on_bad_image;
    int channels; /* of pictures: 1 grey, 3 colour; 0: what they have */
    const char *const
        *labels;        /* `classes` names (a model's): classes are numbered in this order, and
                                  one that is not among them is an error; NULL: byte order of the
                                  names. Sets with an order of their own (IDX, CIFAR) keep it */
    bool beside;        /* return when sizes and classes are known; images are read concurrently */
    bool scaled_decode; /* large JPEGs are decoded to 1/2, 1/4 or 1/8 of their size as long as twice
                           the network's size remains: faster, other pixels */
    int folds,
        fold; /* the training samples in so many folds, by class and seed: number `fold`, from 0,
                        is GN_VAL, the others are GN_TRAIN; 0: none */
    uint64_t reserved[4];
};

/* Waits for the images of a set that was opened with .beside, and reports what is wrong with them.
 * Until then only gn_dataset_describe, gn_close_dataset and gn_fit may use the set. gn_fit waits
 * for the images after its other preparations and before it writes any file. */
GN_API gn_status gn_dataset_wait(gn_dataset *data);

/* The images of one IDX file (plain or .gz), one picture, or all pictures below a folder, to
 * predict their classes: gn_dataset_sample gives label -1, and such a set cannot be trained on. */
GN_API gn_dataset *gn_open_images(const char *path);

/* The same for the first of n paths or, where these are files of pictures, for as many as follow each
 * other: one sample each, which are opened when they are needed. *taken gets their number. Of an
 * IDX file only the first `limit` images (0: all) are read. */
GN_API gn_dataset *gn_open_image_files(const char *const *paths, size_t n, uint64_t limit,
                                       size_t *taken);

/* Files of a kind in the folders of a set of pictures that are not among its samples. */
struct gn_unused_kind {
    char kind[32]; /* ".txt", "no extension", "hidden", "picture outside of a class", ... */
    uint64_t files;
};

/* What a data set holds. Strings belong to the data set. */
struct gn_dataset_info {
    const char *name;  /* "fashion-mnist", or the folder's path */
    const char *path;  /* the folder that the files were read from */
    uint64_t samples;  /* after `limit` */
    int height, width; /* of the stored images; 0: pictures, each of its own size */
    int channels, classes;
    const char *const *labels; /* `classes` names, or NULL */
    bool divided;              /* test samples are a part drawn by seed, not a set of their own */
    uint64_t unread;        /* IDX: images of the file after `limit`, neither read nor verified */
    bool has_val, has_test; /* it has samples of its own to choose the best epoch, to test */
    uint64_t unused;        /* files that are left out, of all kinds: */
    int n_unused;
    const struct gn_unused_kind *unused_kinds; /* n_unused */
    uint64_t reserved[4];
};
GN_API gn_status gn_dataset_describe(const gn_dataset *data, struct gn_dataset_info *info);

/* Copies sample i: height*width*channels bytes as stored. Either pointer may be NULL; of pictures
 * only the label is copied. */
GN_API gn_status gn_dataset_sample(const gn_dataset *data, uint64_t i, uint8_t *pixels, int *label);

/* Sample i of any set, decoded; free with gn_free_image. */
struct gn_image {
    int height, width, channels;
    uint8_t *pixels; /* height*width*channels bytes */
    uint64_t reserved[2];
};
GN_API gn_status gn_dataset_picture(const gn_dataset *data, uint64_t i, struct gn_image *image);
GN_API void gn_free_image(struct gn_image *image);

/* The file of picture i below the set's path; NULL for images in memory. */
GN_API const char *gn_dataset_file(const gn_dataset *data, uint64_t i);

/* ---- Sets that the library knows by name ---- */

/* A data set that is known by name. */
struct gn_known_dataset {
    const char *name;
    int classes;
    const char *where; /* the folder where it lies, or NULL */
    bool verified;     /* all files are there and their bytes are right (only when checked) */
    uint64_t reserved[4];
};
/* Fills `known` for data set number i; BAD_ARGUMENT after the last one. With `verify` the files
 * are read and their digests compared. */
GN_API gn_status gn_dataset_known(int i, const char *data_dir, bool verify,
                                  struct gn_known_dataset *known);
/* Finds or downloads a named set and verifies it; `where` (may be NULL) gets the folder. */
GN_API gn_status gn_dataset_get(const char *name, const char *data_dir, bool offline, char *where,
                                size_t where_size);

/* ---- Looking at a whole data set ---- */

/* What can be wrong with an image. */
typedef enum gn_finding_kind {
    GN_FINDING_UNREADABLE = 1, /* damaged, truncated, not a picture */
    GN_FINDING_SAME_FILE,      /* the bytes of another file of the split */
    GN_FINDING_SAME_PIXELS,    /* the pixels of another one */
    GN_FINDING_LEAK,           /* an image of two splits */
    GN_FINDING_CONFLICT,       /* the pixels of another one under another label */
    GN_FINDING_KINDS
} gn_finding_kind;

/* One thing that gn_check_data_sets found. Texts belong to the report. */
struct gn_finding {
    gn_finding_kind kind;
    const char *file, *other; /* other: the one it equals, or NULL */
    const char *message;
    uint64_t reserved[2];
};

/* All of them, and what the sets hold. */
struct gn_check_report {
    size_t n_findings;
    struct gn_finding *findings;
    uint64_t counts[GN_FINDING_KINDS]; /* findings of each kind */
    int classes;
    uint64_t *samples; /* [classes][3]: images of a class, by gn_split */
    int least_height, least_width, most_height, most_width;
    void *texts; /* of the findings */
    uint64_t reserved[4];
};

/* Reads every image of the splits; all but `train` may be NULL. Free the report with gn_free_check. */
GN_API gn_status gn_check_data_sets(const gn_dataset *train, const gn_dataset *validation,
                                    const gn_dataset *test, struct gn_check_report *report);
GN_API void gn_free_check(struct gn_check_report *report);

/* Writes a PNG with what training will see: the first images of an epoch as the network gets them
 * (without normalisation), each above its label. NO_DEVICE when this build lacks cairo. */
struct gn_preview_options {
    gn_dataset *data;
    const char *path;    /* of the PNG */
    int size, channels;  /* of the network's input; 0: 96, the data's */
    gn_resize resize;    /* 0: the data set's, or as in a training */
    const char *augment; /* as in gn_fit_options */
    int short_side;
    uint64_t seed, epoch;     /* epoch counted from 0 */
    int images;               /* 0: 40 */
    const struct gn_net *net; /* shown as this network gets them; it says size, channels, resize and
                                 short side, and squares and cuts as its pixel options ask; NULL: none */
    uint64_t reserved[4];
};
GN_API gn_status gn_preview_with(const struct gn_preview_options *options);

/* ==== Training ================================================================================= */

/* ---- The network to begin with ---- */

/* An unknown name is BAD_MODEL and the message names the nearest one. A name that ends in ".net"
 * is that of a text file that describes a network (docs/net-files.md); its faults are BAD_ARGUMENT
 * with file and line. */
struct gn_preset_options {
    const char *preset;   /* NULL: "googlenet" */
    int size;             /* height and width of the input; 0: the preset's (96) */
    int width;            /* of the input, where it is not square: then `size` is the height */
    int channels;         /* of the input; 0: the preset's (1) */
    int classes;          /* 0: the preset's (10) */
    uint64_t seed;        /* of the initial weights */
    gn_resize resize;     /* stored in the model; 0: the preset's (tf1-legacy) */
    bool aux;             /* with the preset's auxiliary heads, which only training uses */
    const char *net_text; /* what the file `preset` (NAME.net) holds; NULL: it is read */
    uint64_t reserved[4];
};

/* Name of preset number i, NULL after the last one. */
GN_API const char *gn_preset_name(int i);

/* ---- What is reported while training ---- */

/* What has happened in a training. */
typedef enum gn_event_kind {
    GN_EVENT_START = 1, /* before the first step: totals are known */
    GN_EVENT_STEP,      /* after every step */
    GN_EVENT_VALIDATE,  /* after every validation batch */
    GN_EVENT_EPOCH,     /* after an epoch and its validation, files written */
    GN_EVENT_WARNING    /* `message` says what; training goes on */
} gn_event_kind;

/* Figures by name, in the order in which they are reported. A step has loss, lr, grad_norm (length of
 * the gradient before it is clipped) and the losses and accuracies of auxiliary heads (aux1_loss). An
 * epoch has means of them over its steps, lr of its last step, accuracy and images_per_second;
 * val_loss and val_accuracy with validation; val_ema_loss and val_ema_accuracy with averaged
 * weights; seconds. `loss` and `accuracy` are those of the answer alone, without the heads. */
enum { GN_MOST_METRICS = 32, GN_METRIC_NAME = 80 };
struct gn_metric {
    char name[GN_METRIC_NAME];
    double value;
    bool is_time; /* taken from the clock: it differs between equal runs */
};
struct gn_metrics {
    int n;
    struct gn_metric list[GN_MOST_METRICS];
};

/* The value of the metric of that name; NAN when there is none. */
GN_API double gn_metric_value(const struct gn_metrics *metrics, const char *name);

/* What a training says about it, to on_event of struct gn_fit_options. */
struct gn_event {
    gn_event_kind kind;
    int epoch, epochs;     /* counted from 1 */
    uint64_t step, steps;  /* in this epoch, counted from 1; of this epoch */
    uint64_t total_step;   /* since the run began */
    uint64_t samples;      /* seen in this epoch so far */
    double loss, accuracy; /* mean over the samples of this epoch so far */
    double step_loss;      /* mean over the batch, before the update */
    double lr;
    bool has_validation;
    double val_loss, val_accuracy;
    double seconds;      /* since the epoch began; of the epoch in GN_EVENT_EPOCH */
    bool is_best;        /* GN_EVENT_EPOCH: the best epoch so far, see gn_history_best */
    const char *message; /* GN_EVENT_WARNING, GN_EVENT_START (what will happen) */
    /* All figures by name: of the step in GN_EVENT_STEP, of the epoch's row in GN_EVENT_EPOCH,
     * otherwise none. Never NULL. */
    const struct gn_metrics *metrics;
};

/* ---- Options ---- */

/* The order of samples. */
typedef enum gn_shuffle {
    GN_SHUFFLE_FULL = 0, /* a new permutation of all samples every epoch */
    GN_SHUFFLE_WINDOW,   /* tf.data's shuffle(window): uniform pick from a moving buffer */
    GN_SHUFFLE_NONE      /* the file's order */
} gn_shuffle;

/* How convolutions are computed. Winograd's minimal filtering needs fewer multiplications and
 * rounds a little more (about 1e-6 to 8e-6 relative a layer). The choice of `auto` is a function of
 * shapes and batch alone. */
typedef enum gn_algorithm {
    GN_ALGORITHM_AUTO = 0, /* the faster one for each layer and direction */
    GN_ALGORITHM_DIRECT,   /* direct everywhere */
    GN_ALGORITHM_WINOGRAD  /* Winograd wherever a layer allows it */
} gn_algorithm;

/* How the weights are kept that the kernels of prediction read. With 16 bits (IEEE 754 binary16, each weight rounded
 * once; sums stay in float32) one picture is answered in less time and memory, because reading the weights is what
 * takes most of it; logits move by 0.0001 to 0.001 of their length. Bits are again the same for any number of threads and
 * all instruction sets but the generic one. A weight that 16 bits cannot hold, 65,504 or more, is UNSUPPORTED. */
typedef enum gn_weights { GN_WEIGHTS_F32 = 0, GN_WEIGHTS_F16 } gn_weights;

/* How weights follow their gradients: by Keras' rules, LARS by its paper's, Muon by its post's
 * (kellerjordan.github.io/posts/muon; filters of convolutions, all else by sgd). */
typedef enum gn_optimizer { GN_SGD = 0, GN_ADAMW, GN_LARS, GN_MUON } gn_optimizer;

/* Whose statistics a batch normalisation takes in training. */
typedef enum gn_bn_group {
    GN_BN_BATCH = 0, /* the whole batch's, over all processes */
    GN_BN_GRAIN /* each grain's alone, without an exchange ("ghost" batch normalisation). Running statistics
                        move towards the means over the batch of the grains' means and variances */
} gn_bn_group;

/* How the learning rate changes from step to step (formulas: src/train/schedule.c). */
typedef enum gn_schedule {
    GN_SCHEDULE_CONSTANT = 0,
    GN_SCHEDULE_STEP,       /* times step_factor every step_epochs epochs */
    GN_SCHEDULE_POLYNOMIAL, /* down to lr_min at the end of the run, by `power` */
    GN_SCHEDULE_COSINE,     /* down to lr_min in half a wave of the cosine */
    GN_SCHEDULE_ONE_CYCLE   /* up to lr over a part `rise` of the run, then down linearly */
} gn_schedule;

/* Processes that train one network together: each runs the same program up to gn_fit, which cuts every batch
 * into grains, deals them out, and gives rank 0 the files that one process would have written, byte for byte. The
 * others write nothing. */
typedef struct gn_ranks gn_ranks;

/* Starts processes - 1 others with fork() and returns in all of them; call it before anything starts a thread. NULL
 * in this one on an error. */
GN_API gn_ranks *gn_fork_ranks(int processes);
GN_API int gn_ranks_rank(const gn_ranks *ranks); /* 0 for NULL */
GN_API int gn_ranks_size(const gn_ranks *ranks); /* 1 for NULL */

/* Who and where they are, "4 on 2 machines, Open MPI v4.1.4"; valid as long as they are. */
GN_API const char *gn_ranks_describe(const gn_ranks *ranks);

/* Threads for this one where nobody says how many: its part of the processors that it may use, which others may share
 * with it. */
GN_API int gn_ranks_threads(const gn_ranks *ranks);

/* Whether rank 0 has come as far as this call; the others wait for it. Not GN_OK when it, or another rank, has
 * failed. Each passes what has become of it so far. */
GN_API gn_status gn_ranks_meet(gn_ranks *ranks, gn_status status);

/* Tells all others that this one cannot go on; they name it. For errors outside of gn_fit. */
GN_API void gn_ranks_fail(gn_ranks *ranks, gn_status status, const char *why);

/* Rank 0 waits for the others to end. NULL is fine. */
GN_API void gn_free_ranks(gn_ranks *ranks);

/* The same with the exit code of a launcher that has to end processes which hang, 0: 1. */
GN_API void gn_end_ranks(gn_ranks *ranks, int code);

/* How many processes a launcher (mpirun, srun) says to have started, and which of them this one is, *rank (may be
 * NULL). 1: it was started alone; 0: it is one of some, of which only MPI knows how many. */
GN_API int gn_launched(int *rank);

/* Joins the processes that a launcher started, on one machine or on many, by the MPI of that launcher: a plugin,
 * which is opened here and stays open. gn_free_ranks is the end of MPI in this process. All calls are for the thread
 * that called this. NULL: NO_DEVICE when there is no launcher, no plugin for its MPI, or when MPI does not know of
 * the others. */
GN_API gn_ranks *gn_join_ranks(void);

/* All of a training; every field that is zero has its default. */
struct gn_fit_options {
    /* -- Data: what is learned, in which order, and how much of it -- */
    gn_dataset *train;
    gn_dataset *validation; /* NULL: none */
    bool no_validation;     /* none, whatever `validation` is */
    uint64_t limit_train;   /* first N samples in file order; 0: all */
    uint64_t limit_val;     /* the same for validation */
    gn_shuffle shuffle;
    int window;            /* of GN_SHUFFLE_WINDOW; 0: 1000 */
    uint64_t seed;         /* of the order of samples, augmentation and dropout */
    gn_resize resize;      /* 0: the model's */
    const char *augment;   /* "mirror,shift:2": see gn_check_augment; NULL: nothing */
    bool balanced_sampler; /* an epoch has as many samples of each class, some of them several times
                              or not at all */
    const char *class_weights; /* factors of the training loss: "balanced", samples / (classes *
                                  samples of the class), or "cat=2,dog=0.5" by names or numbers,
                                  others 1; NULL: all 1 */

    /* -- Length: how long a run lasts -- */
    int epochs;         /* 0: 5 */
    uint64_t max_steps; /* stop after this many steps since the run began; 0: no limit */
    double max_seconds; /* end after the step in which this call has run so long; 0: no limit */
    int early_stop;     /* end after so many epochs without a new best; 0: never */

    /* -- Batch and gradient: from images to the gradient of a step -- */
    int batch;      /* 0: 128 */
    int accumulate; /* a step has the mean gradient of so many batches; 0: 1 */
    int grain; /* a batch is cut into grains of so many images: their gradients are sums of their
                               own, which meet in a fixed tree, so another grain gives other bits. It is what
                               one of several processes computes at least. 0: as suits network and batch */
    double clip_norm;       /* longest gradient, over all tensors together; 0: any */
    double label_smoothing; /* part of the target that all classes share; in the training loss */
    gn_bn_group
        bn_group; /* which part of a batch is normalised together; GN_BN_GRAIN goes with `grain` */
    double
        bn_momentum; /* share of the running statistics of batch normalisations that a step keeps, in
                           this run; 0: the layers' own. Keras' 0.99 needs hundreds of steps */

    /* -- Optimiser: from the gradient to new weights -- */
    gn_optimizer optimizer;
    double momentum;      /* 0: none for sgd, 0.9 for lars, 0.95 for muon */
    bool no_momentum;     /* lars or muon without momentum */
    bool nesterov;        /* sgd, lars or muon with momentum */
    double weight_decay;  /* 0: none for sgd, 0.004 for adamw, 0.0005 for lars */
    bool no_weight_decay; /* adamw or lars without decay */
    bool decay_all;       /* decay biases too, not only kernels */
    double adam_eps;      /* 0: 1e-7 */
    double lars_trust;    /* length of a step in lengths of the weights, at a rate of 1; 0: 0.001 */
    double muon_others;   /* rate of what is no filter, in rates of filters; 0: 10 */
    double ema;           /* decay of an average of the weights, a step; 0: none is kept */
    int lookahead_steps; /* every so many steps slow weights follow the fast ones (arXiv 1907.08610); 0: never */
    double
        lookahead_share; /* by this part of the way, and the fast ones go on from there; above 0, at most 1 */

    /* -- Learning rate and its schedule -- */
    double lr;    /* 0: 0.05 (adamw 0.001, lars 1, muon 0.02) */
    bool zero_lr; /* a learning rate of zero */
    gn_schedule schedule;
    double lr_min;         /* polynomial, cosine, one-cycle: the rate at the end */
    int step_epochs;       /* step; 0: 10 */
    double step_factor;    /* step; 0: 0.1 */
    double power;          /* polynomial; 0: 1 */
    double rise;           /* one-cycle: part of the run in which the rate rises; 0: 0.2 */
    uint64_t warmup_steps; /* before the schedule the rate rises linearly over so many steps */
    double warmup_epochs;  /* or over so many epochs */
    double plateau_factor; /* lr times this when the validation loss has not fallen by 1e-4 */
    int plateau_patience;  /* for so many epochs; 0: never */

    /* -- Single tensors, by patterns of their names -- */
    const char *no_decay; /* tensors that do not decay; NULL: none */
    const char *freeze;   /* tensors that keep their values */
    const char *lr_scale; /* "PATTERN=FACTOR,...": factors of lr for tensors; the last one counts */
    bool
        whiten; /* the filters of the first layer, a convolution of a fresh network, become those that whiten
                    patches of up to 5,000 training images, and keep these values */

    /* -- Machine: how it is computed, with the same result for any number of threads -- */
    gn_algorithm algorithm;
    int threads; /* 0: all that the process may use, of forked ranks each its part */

    /* -- Several processes: the same files and bits for any number of them -- */
    gn_ranks *ranks; /* that train together, each of which calls gn_fit; NULL: one */
    double
        rank_timeout; /* seconds without an answer after which one is lost, at least 20 steps; 0: 300 */
    const char *
        share; /* of a batch's grains: "auto", faster ranks more, as measured at the start; "3,1", by weight; NULL or
                          "equal" */

    /* -- Files of the run -- */
    const char *out;           /* folder of the run's files; NULL: write nothing */
    bool overwrite;            /* `out` may hold an earlier run, which is replaced */
    bool resume;               /* go on from the checkpoint in `out` */
    uint64_t log_steps;        /* a step record in history.jsonl every N steps; 0: none */
    uint64_t checkpoint_steps; /* a checkpoint every N steps too; 0: only each epoch */
    bool tensorboard;          /* event files in out/tensorboard/train and .../validation */
    bool histograms;           /* in these: of weights, gradients and their updates, too */
    const char *config;        /* JSON object whose members config.json keeps, too; those of its
                                  "options" join the run's */

    /* -- The caller's hand in a running fit -- */
    void (*on_event)(const struct gn_event *event, void *user);
    void *user;
    const volatile int *stop; /* not NULL and not zero: finish the step, save, GN_STATUS_STOPPED */
    volatile int *save;       /* not NULL and not zero: save a checkpoint after the step, set it to
                                 0, go on */
    uint64_t reserved[2];
};

/* Patterns of tensor names are separated by commas; `*` stands for any characters, `?` for one. A
 * pattern names tensors ("*.bias"), or all of a layer, block or stage ("dense", "b3.inception3a",
 * "b1"). One that names nothing is BAD_ARGUMENT. */

/* Whether a list of augmentations can be understood: words separated by commas, each done to every
 * training image with random strength, a function of (seed, epoch, sample).
 *   mirror              left and right, every other time
 *   alternate-mirror    the same in every other epoch of each image, which thus sees both in two (arXiv 2404.00498)
 *   shift:N, pad-crop:N up to N pixels of the stored image (pictures: of the network's) each way
 *   crop[:SHARE]        a random part of at least this share of the area (0.08), resized
 *   rotate:DEGREES      up to so many each way
 *   brightness:X contrast:X saturation:X    by factors from 1-X to 1+X
 *   erase[:P]           a random rectangle becomes noise, P of the time (0.5)
 *   mixup[:A] cutmix[:A]    with another image of the batch, shares drawn from Beta(A, A) (1)
 *   trivial-augment     one operation of any strength (Mueller and Hutter, 2021)
 * BAD_ARGUMENT names the word that cannot. */
GN_API gn_status gn_check_augment(const char *list);

/* Checks every value and their combinations, as gn_fit does, and writes the defaults where zeros
 * stand for them. The data sets may be missing still; `threads` stays. */
GN_API gn_status gn_fit_defaults(struct gn_fit_options *options);

/* The resize rule that gn_fit takes with these options: the one that they, a data set or the network's
 * maker asks for; without one pil-bilinear for picture files, which are large, and the network's own
 * for images in memory. GN_RESIZE_DEFAULT after an error (two rules are asked for). */
GN_API gn_resize gn_fit_resize(const gn_net *net, const struct gn_fit_options *options);

/* Bytes that gn_fit will take at most, about: weights, gradients, the plan, batches, images in memory,
 * and for picture files what decoding their largest takes in each thread. 0 on an error. */
GN_API uint64_t gn_fit_memory(const gn_net *net, const struct gn_fit_options *options);

/* ---- Options by name: for programs with flags, files or forms ---- */

/* How an option's text is read. */
typedef enum gn_option_kind {
    GN_OPTION_HEADING = 1, /* no option: `help` is the heading of those that follow */
    GN_OPTION_SWITCH,      /* bool: true, false */
    GN_OPTION_INT,         /* int within low ... high */
    GN_OPTION_COUNT,       /* uint64_t within low ... high */
    GN_OPTION_SEED,        /* uint64_t, any */
    GN_OPTION_REAL,        /* double within low ... high */
    GN_OPTION_SECONDS,     /* double: 90, 90s, 15m, 1.5h */
    GN_OPTION_TEXT,        /* const char *, not empty; the text is not copied */
    GN_OPTION_LIST,        /* the same: items separated by commas */
    GN_OPTION_CHOICE,      /* enum or int: one of the names of `choice` */
    GN_OPTION_SHUFFLE,     /* gn_shuffle; its window is an int at `second`: full, window:N, none */
    GN_OPTION_PLATEAU,     /* double, and an int at `second`: FACTOR:PATIENCE */
    GN_OPTION_LOOKAHEAD    /* int, and a double at `second` within low ... high: STEPS:SHARE */
} gn_option_kind;

/* What is special about an option; bits. */
enum gn_option_trait {
    GN_OPTION_SAVED = 1, /* config.json keeps it */
    GN_OPTION_ANEW = 2,  /* may be given again when a run is resumed */
    GN_OPTION_SWEEP = 4  /* gn_lr_find uses it, too */
};

/* One option: a member of a struct of values, and all that a program must know to show and read it. */
struct gn_option {
    const char *name; /* "max-time" */
    char letter;      /* short form of a flag; 0: none */
    gn_option_kind kind;
    unsigned traits;      /* gn_option_trait */
    const char *value;    /* what the value is called: "N"; NULL: a switch */
    const char *help;     /* one line */
    const char *standard; /* the default as a help text shows it; NULL: none */
    size_t offset;        /* of the member */
    size_t second;    /* of the second one (a number's: bool, zero is meant); 0: there is none */
    double low, high; /* inclusive */
    const char *(*choice)(int i);     /* name of value i, NULL after the last; `low` is the first */
    const char *field, *second_field; /* names of the members, where they are not `name` with _ */
    uint64_t reserved[4];
};

/* Option i of struct gn_fit_options, below headings; NULL after the last one. */
GN_API const struct gn_option *gn_fit_option(int i);

/* Reads `text` into the member of `values`. BAD_ARGUMENT: the message says what is wrong with the
 * text, not where it stood. */
GN_API gn_status gn_option_set(const struct gn_option *option, void *values, const char *text);

/* Writes the member's value as gn_option_set reads it; "" when it has none (0: a default). */
GN_API gn_status gn_option_text(const struct gn_option *option, const void *values, char *text,
                                size_t size);

/* Names of the values of enumerations, NULL after the last one. */
GN_API const char *gn_resize_name(int i);
GN_API const char *gn_algorithm_name(int i);
GN_API const char *gn_weights_name(int i);
GN_API const char *gn_bad_image_name(int i);

/* ---- What a run leaves ---- */

/* gn_fit returns NULL on error, with the last good files kept: GN_STATUS_DIVERGED when the loss is
 * no longer finite, GN_STATUS_STOPPED after a requested stop. With `out` the folder holds
 * model.safetensors, best.safetensors, checkpoint.safetensors, history.csv, history.jsonl,
 * curves.svg and config.json, and with `ema` ema.safetensors: the averaged weights. Best are the
 * raw or the averaged weights, whichever have the higher validation accuracy, of equals the lower
 * loss. */
struct gn_epoch {
    int epoch; /* counted from 1 */
    double loss, accuracy;
    bool has_validation;
    double val_loss, val_accuracy;
    double seconds;
    struct gn_metrics metrics; /* all of its figures, those above too */
    uint64_t reserved[4];
};
GN_API int gn_history_epochs(const gn_history *history); /* their number */

/* Index of the epoch whose weights are in best.safetensors: the one with the highest validation
 * accuracy, of equals the lowest validation loss, of equals the earliest; without validation the
 * last one. -1 when there is none. */
GN_API int gn_history_best(const gn_history *history);
GN_API gn_status gn_history_epoch(const gn_history *history, int i, struct gn_epoch *epoch);

/* ---- Runs: the folders that gn_fit leaves ---- */

/* How a run ended, if it did. */
typedef enum gn_run_state {
    GN_RUN_RUNNING = 1, /* a process trains in it */
    GN_RUN_FINISHED,
    GN_RUN_STOPPED, /* on request, or its process died: it can be resumed */
    GN_RUN_FAILED
} gn_run_state;
GN_API const char *gn_run_state_name(int i); /* "running"; NULL for another number */

/* A run as a whole. */
struct gn_run_info {
    gn_run_state state;
    char message[512]; /* why it stopped or failed; "": nothing is said */
    uint64_t reserved[4];
};
/* BAD_DATA for a folder that holds no run. */
GN_API gn_status gn_describe_run(const char *run, struct gn_run_info *info);

/* The epochs that RUN/history.jsonl holds, also while a process writes it. NULL: BAD_DATA, IO. */
GN_API gn_history *gn_read_history(const char *run);

/* Draws the loss and accuracy of several runs, of validation where they have one: SVG, or PNG when the
 * name ends in ".png". */
GN_API gn_status gn_draw_runs(const char *const *runs, int n, const char *path);

/* Event files for TensorBoard from the history of a run, in folder/train and folder/validation. NULL:
 * RUN/tensorboard, which must not be there yet. */
GN_API gn_status gn_export_tensorboard(const char *run, const char *folder);

/* Removes the files of a run, nothing else, and its folder if that is empty then. BUSY while a process
 * trains in it. */
GN_API gn_status gn_remove_run(const char *run);

/* The SHA-256 of a file's bytes, as 64 hex digits. BAD_DATA, IO. */
GN_API gn_status gn_sha256_file(const char *path, char hex[65]);

/* ---- Finding a learning rate ---- */

/* A sweep over learning rates (L. Smith, "Cyclical Learning Rates", 2017): `steps` updates with
 * rates that grow from `from` to `to` by a constant factor; then the weights are what they were.
 * It ends early when the loss has become four times its smallest value, or is not finite. */
struct gn_lr_find_options {
    struct gn_fit_options fit; /* as in gn_fit: train, batch, seed, optimizer, ... */
    double from, to;           /* 0: 1e-5, 1 */
    int steps;                 /* 0: 100 */
    uint64_t reserved[4];
};
struct gn_lr_point {
    double lr, loss, smoothed; /* smoothed: mean over the steps before, the newest counting most */
};
struct gn_lr_sweep {
    int n;
    struct gn_lr_point *points; /* free with gn_free_lr_sweep */
    double suggestion;          /* where the smoothed loss falls fastest; 0: it does not fall */
    bool ended_early;
    uint64_t reserved[4];
};
GN_API gn_status gn_lr_find(gn_net *net, struct gn_lr_sweep *sweep,
                            const struct gn_lr_find_options *options);
GN_API void gn_free_lr_sweep(struct gn_lr_sweep *sweep);

/* Draws a sweep as PNG when the name ends in ".png", otherwise as SVG. UNSUPPORTED without
 * cairo. */
GN_API gn_status gn_lr_plot(const struct gn_lr_sweep *sweep, const char *path);

/* ==== Using a network ========================================================================== */

/* A file without our metadata (made by another tool, with our tensor names; float16, bfloat16,
 * float32 or float64) needs `preset`; the other fields that are 0 take the preset's value. The
 * same fields override a file's own where that makes sense (another size). */
struct gn_load_options {
    const char *path;
    const char *preset;
    int size, channels, classes;
    int width; /* of the input, where it is not square: then `size` is the height */
    gn_resize resize;
    bool new_head; /* the file may have other classes: the layers that make logits, those of heads
                      too, are drawn anew but for the classes that `labels` and the file name alike */
    uint64_t seed; /* of a new head */
    int *drawn;    /* not NULL: gets the number of tensors that were drawn, if only for one class */
    bool aux;      /* with the auxiliary heads that the file holds, to train on */
    const char *const *labels; /* with new_head: the names of the `classes`, such as a data set's;
                                  weights go with the name, whatever the class's number. NULL: other
                                  classes are another number of classes */
    char *note; /* not NULL: gets a sentence, without its subject, the file, about what became */
    size_t note_size; /* of the classes ("has other classes: ..."); "" when nothing did */
    const struct gn_file_bytes
        *bytes; /* the file's content in memory (an embedded model): then `path`
                                          is only what sentences call it, and may be NULL */
    uint64_t reserved[4];
};

/* Reads weights from a model file into an existing network of the same tensors. */
GN_API gn_status gn_load_weights(gn_net *net, const char *path);

/* Writes the network in another program's format, by the ending of the file's name:
 *
 *   .onnx          ONNX (https://onnx.ai), inference only: NCHW, a free batch, float32
 *   .safetensors   as gn_save, or with torchvision's names (.names)
 *   .h5            Keras 3 weights (.weights.h5) or those of older versions, and the network as Python
 *                  code in a .py file of the same name; NO_DEVICE in a build without HDF5
 *   .keras         a whole model for Keras 3, whose block is a class of that .py file
 *   .npz           NumPy's arrays under our names of tensors, and the network as JSON in one of them
 *   .c             C99: weights and inference in one file that needs no library (docs/c-export.md)
 *
 * Auxiliary heads are left out but by .npz and torchvision's names. A layer or a step that the format
 * cannot say is UNSUPPORTED, by its name. */
struct gn_export_options {
    const char *path;
    int opset;                /* ONNX: 9 to 21; 0: 13 */
    bool softmax;             /* ONNX, C: "probabilities" instead of "logits" */
    bool embed_preprocessing; /* ONNX: the input is bytes of pictures, NHWC, of any size */
    bool keep_norm;           /* ONNX: normalisations as nodes, not in the weights before them */
    bool f16;          /* ONNX: weights and arithmetic in float16; input and answer float32 */
    const char *names; /* safetensors: "torchvision" for its names and orders; NULL: ours */
    const char
        *keras_block; /* Keras: the Inception block is a subclassed "layer" (NULL) or "model" */
    const char *name; /* C: what the names of its functions begin with; NULL: the file's name */
    uint64_t reserved[3];
};
#define gn_export(net, ...)                                                                        \
    gn_export_with((net), &(struct gn_export_options){ .path = __VA_ARGS__ })
GN_API gn_status gn_export_with(const gn_net *net, const struct gn_export_options *options);

/* A network from another program's file, by the ending of its name: .onnx; .safetensors with the names of
 * torchvision's googlenet; .caffemodel with its .prototxt; Keras' .h5, .weights.h5 and .keras; .index, a
 * checkpoint of TensorFlow 2, with the data next to it; .npz with our names of tensors. Every node and tensor gets
 * its place or the import ends with a sentence that names it. What the file does not say about pictures is assumed, and said in the note. Free with
 * gn_free_net. NULL: BAD_MODEL, UNSUPPORTED, BAD_ARGUMENT, BAD_DATA, NO_MEMORY. */
struct gn_import_options {
    const char *path;
    int size, width;  /* of the input; 0: the file's */
    gn_resize resize; /* 0: the file's, or half-pixel */
    char *note;       /* may be NULL; gets sentences about what was assumed or left out */
    size_t note_size;
    const char
        *model; /* the network, where the file holds weights alone: a preset or a .net file */
    const char *labels;      /* a file of class names, one a line; NULL: the file's */
    const char *preprocess;  /* from a picture to numbers: a preset's name, or steps as JSON (as
                                gn_net_preprocess gives them); NULL: the file's, or assumed */
    bool no_transform_input; /* torchvision: the model was made with transform_input=False */
    const char
        *prototxt; /* Caffe: the file that describes the network; NULL: next to the weights */
    const char
        *mean;   /* Caffe: a mean file (.binaryproto), or a value a channel ("104,117,123"); NULL:
                         what lies next to the weights, or assumed */
    char *table; /* may be NULL; gets both sides in lines when weights do not fit */
    size_t table_size;
    uint64_t reserved[4];
};
#define gn_import(...) gn_import_with(&(struct gn_import_options){ .path = __VA_ARGS__ })
GN_API gn_net *gn_import_with(const struct gn_import_options *options);

/* ---- What a file is ---- */

/* Seen by its first bytes, its name and its tables; weights are not read. */
struct gn_file_info {
    char format[64];        /* "safetensors", "ONNX", "Keras 3 weights (HDF5)", "JPEG", "unknown" */
    char version[96];       /* of the format or of what wrote it, "" when it does not say */
    char producer[128];     /* "" when it does not say */
    char checks[96];        /* how its bytes are protected against damage */
    char use[256];          /* what can be done with it: a command line of the program */
    uint64_t bytes;         /* of the file */
    uint64_t parts, values; /* tensors or nodes, and numbers in tensors; 0: not known */
    bool ours;              /* a model file of this library */
    bool imported;          /* gn_import reads such files */
    uint64_t reserved[4];
};
GN_API gn_status gn_file_describe(const char *path, struct gn_file_info *info);

/* ---- Comparing two networks ---- */

/* The same inputs through both, such as a network before and after an export: noise as numbers in the
 * range that the first one's preprocessing makes, or samples through the preprocessing of each. */
struct gn_compare_options {
    gn_dataset *data; /* NULL: noise */
    uint64_t images;  /* 0: 64 of noise, all samples */
    uint64_t seed;    /* of the noise */
    double tolerance; /* of the largest logit of the first; 0: 1e-4 */
    bool zero_tolerance;
    bool layers; /* look for the first layer whose outputs part */
    int threads;
    uint64_t reserved[4];
};
struct gn_comparison {
    uint64_t images;
    double max_abs, mean_abs; /* differences of logits */
    double largest;           /* logit of the first network, whatever its sign */
    double top1_agreement;    /* share of images with the same best class */
    bool within;          /* max_abs is at most tolerance * largest, and all logits are finite */
    bool same_preprocess; /* both make numbers of pictures in the same way */
    char first_layer[64]; /* with .layers: "" when none parts by more than the tolerance */
    double layer_max_abs, layer_largest; /* of that layer's outputs; both 0: they differ in shape */
    uint64_t reserved[4];
};
#define gn_compare(a, b, result, ...)                                                              \
    gn_compare_with((a), (b), (result), &(struct gn_compare_options){ .images = __VA_ARGS__ })
GN_API gn_status gn_compare_with(gn_net *a, gn_net *b, struct gn_comparison *result,
                                 const struct gn_compare_options *options);

/* ---- Quantisation: a network that computes in 8 bits ---- */

/* How much of a network computes in 8 bits. */
struct gn_quantize_info {
    int convolutions, int8; /* in all, and those that compute in 8 bits */
    uint64_t reserved[4];
};
/* From which pictures the ranges of values come. */
struct gn_quantize_options {
    gn_dataset *data; /* samples like those it will see: scales come from them */
    uint64_t images;  /* of them, chosen by `seed`; 0: 512 */
    uint64_t seed;
    int threads;
    struct gn_quantize_info *info; /* may be NULL; filled */
    uint64_t reserved[4];
};
/* A copy of a trained network for prediction alone, which is saved, loaded and used like any other. Weights
 * of convolutions are whole numbers of 7 bits times a scale of each output channel, values between them bytes;
 * normalisations become part of weights. What reads the picture, dense layers, and convolutions that read
 * negative values or channels that are no multiple of 4 stay in float32. NULL: the library's last error;
 * UNSUPPORTED when no convolution can compute in 8 bits. Free with gn_free_net. */
#define gn_quantize(net, ...)                                                                      \
    gn_quantize_with((net), &(struct gn_quantize_options){ .data = __VA_ARGS__ })
GN_API gn_net *gn_quantize_with(const gn_net *net, const struct gn_quantize_options *options);

/* ---- Evaluation ---- */

/* How well a network answers. */
struct gn_score {
    uint64_t samples;
    double loss, accuracy; /* means over the samples */
    uint64_t correct;
    double seconds;
    uint64_t reserved[2];
};

/* Test-time augmentation: the answer is the mean of the probabilities of several views. Figures that
 * were measured with it are not comparable with others, so name it next to them. */
typedef enum gn_tta {
    GN_TTA_NONE = 0,
    GN_TTA_MIRROR,       /* as it is, and mirrored */
    GN_TTA_MIRROR_SHIFT, /* these two, also shifted by one pixel up-left and down-right: 6 views */
    GN_TTA_TEN_CROP /* enlarged by 8/7; corners and centre, each also mirrored (AlexNet, 2012) */
} gn_tta;
GN_API const char *gn_tta_name(int i); /* "none", "mirror", ...; NULL after the last */

/* What gn_evaluate measures, and how. */
struct gn_evaluate_options {
    gn_dataset *data;
    uint64_t limit; /* first N samples; 0: all */
    int batch;      /* 0: 128 */
    gn_resize resize;
    gn_algorithm algorithm;
    int threads;
    const volatile int *stop;
    struct gn_evaluation *evaluation; /* may be NULL; gets the answers, those in it are forgotten */
    gn_tta tta;
    /* May be NULL; called after every batch with the score so far. */
    void (*on_batch)(void *user, const struct gn_score *so_far, uint64_t samples);
    void *user;
    gn_ranks *ranks; /* which answer together, and all get every answer; NULL: one process */
    gn_weights weights;
    uint32_t reserved[1];
};

/* ---- Evaluation in full: every answer, and the figures that follow from them ---- */

/* Filled by gn_evaluate(..., .evaluation = e), or answer by answer, for answers of other programs.
 * Free with gn_evaluation_free. */
typedef struct gn_evaluation gn_evaluation;
GN_API gn_evaluation *gn_evaluation_create(void);
GN_API void gn_evaluation_free(gn_evaluation *evaluation);
GN_API gn_status gn_evaluation_add(gn_evaluation *evaluation, uint64_t index, int label,
                                   const float *logits, int classes);

/* Definitions as in scikit-learn with zero_division=0: a ratio without cases is 0, and means of
 * classes leave out those that are neither among the labels nor among the answers. */
struct gn_class_mean {
    double precision, recall, f1;
};
enum { GN_CALIBRATION_BINS = 15 };
struct gn_calibration_bin {
    uint64_t samples;
    double probability, accuracy; /* means over the samples */
};
struct gn_evaluation_figures {
    uint64_t samples, correct;
    int classes;
    double loss, accuracy;
    double low, high;              /* Wilson's 95% interval of the accuracy */
    struct gn_class_mean macro;    /* every class counts alike */
    struct gn_class_mean weighted; /* every sample does */
    double ece; /* expected calibration error over equal bins of the highest probability */
    struct gn_calibration_bin bins[GN_CALIBRATION_BINS];
    double temperature; /* of the smallest loss, 0.01 to 100: above 1, the network is too sure */
    uint64_t temperature_samples; /* it is of the first so many: their logits fit into 64 MiB */
    uint64_t reserved[4];
};
GN_API gn_status gn_evaluation_figures(const gn_evaluation *evaluation,
                                       struct gn_evaluation_figures *figures);

/* The same of class i alone. */
struct gn_class_score {
    uint64_t support; /* samples of the class */
    uint64_t predicted, correct;
    double precision, recall, f1;
    uint64_t reserved[2];
};
GN_API gn_status gn_evaluation_class(const gn_evaluation *evaluation, int i,
                                     struct gn_class_score *score);

/* The confusion matrix: samples of class `label` for which `predicted` was answered. */
GN_API uint64_t gn_evaluation_count(const gn_evaluation *evaluation, int label, int predicted);

/* The share of samples whose class is among the k most probable ones. */
GN_API double gn_evaluation_top(const gn_evaluation *evaluation, int k);

/* The pairs of classes that are confused most often, at most `most`; returns their number. */
struct gn_confused {
    int label, predicted;
    uint64_t count;
};
GN_API int gn_evaluation_confused(const gn_evaluation *evaluation, struct gn_confused *pairs,
                                  int most);

/* Answer i of `samples`, in the order in which they were added. */
struct gn_evaluated {
    uint64_t index; /* of the sample in its data set */
    int label, predicted;
    int rank;           /* classes that are more probable than the label: 0 for a right answer */
    double probability; /* of the predicted class */
    double loss;
    uint64_t reserved[2];
};
GN_API gn_status gn_evaluation_sample(const gn_evaluation *evaluation, uint64_t i,
                                      struct gn_evaluated *sample);

/* Two networks on the same samples: BAD_SHAPE when they are not the same. */
struct gn_evaluation_pair {
    uint64_t samples;
    uint64_t changed;                 /* samples with different answers */
    uint64_t only_first, only_second; /* samples that only one network answered rightly */
    double difference;                /* of the accuracies, second minus first */
    double p_value; /* McNemar's exact test, two-sided: small when the difference is not chance */
    uint64_t reserved[4];
};
GN_API gn_status gn_evaluation_compare(const gn_evaluation *first, const gn_evaluation *second,
                                       struct gn_evaluation_pair *pair);

/* A file of all answers, written atomically: .csv with the columns
 * file,index,label,predicted,probability,correct or .jsonl with these keys. `data` is the set that was
 * evaluated. A cell that a spreadsheet would take for a formula begins with an apostrophe. */
GN_API gn_status gn_write_predictions(const gn_evaluation *evaluation, const gn_dataset *data,
                                      const char *path);

/* Writes FOLDER/index.html, one page without scripts that needs no other file: figures, classes,
 * confusions, calibration, the surest mistakes and the least sure answers with their pictures. The
 * folder is made if it is missing. */
struct gn_report_options {
    const gn_evaluation *evaluation;
    const gn_dataset *data; /* the set that was evaluated */
    const char *folder;
    const char *model, *split; /* names for the page; may be NULL */
    gn_tta tta;                /* that the answers were given with */
    uint64_t reserved[4];
};
#define gn_write_report(...)                                                                       \
    gn_write_report_with(&(struct gn_report_options){ .evaluation = __VA_ARGS__ })
GN_API gn_status gn_write_report_with(const struct gn_report_options *options);

/* ---- Prediction ---- */

/* The bytes of a file in memory. */
struct gn_file_bytes {
    const void *bytes;
    size_t size;
};

/* What a pixel consists of, in the order of its bytes. Alpha is left out, as for PNG files. */
typedef enum gn_pixel_format {
    GN_PIXELS_GREY,
    GN_PIXELS_RGB,
    GN_PIXELS_BGR,
    GN_PIXELS_RGBA,
    GN_PIXELS_BGRA,
    GN_PIXELS_NV12 /* of cameras and video decoders: a plane of luma, then one of chroma pairs for 2x2
                      pixels; BT.601, 16 to 235; even height and width */
} gn_pixel_format;

/* A picture as a program has it in memory, or a part of a larger one: `pixels` then points at the
 * part's first pixel, and `stride` is that of the larger one (of NV12, the part begins at an even row
 * and column in both planes). Nothing is written to it, and nothing copied that the network can read
 * as it lies. Grey and colour are converted into each other as Pillow does. */
struct gn_pixels {
    const void *pixels;
    int height, width;
    gn_pixel_format format;
    bool floats;        /* values are floats, 0 to 1 (rounded to the nearest 1/255), not bytes */
    size_t stride;      /* bytes from one row to the next; 0: no gaps */
    const void *chroma; /* the second plane of NV12 */
    size_t chroma_stride;
    uint64_t reserved[2];
};

/* Logits of n images, given in one of five ways: `pixels` holds n*height*width*channels bytes (u8,
 * NHWC), which are scaled and resized as the model says, as samples of data sets and files are.
 * `logits` has room for n*classes floats. */
struct gn_predict_options {
    const uint8_t *pixels; /* NULL: one of `data`, `files`, `inputs`, `images` */
    uint64_t n;
    int height, width, channels; /* of the pixels */
    gn_resize resize;
    gn_algorithm algorithm;
    int threads;
    const gn_dataset *data; /* n samples of it, from `first` on */
    uint64_t first;
    const struct gn_file_bytes *files; /* n files in memory */
    const float *inputs; /* n inputs as the network takes them, such as gn_preprocess makes */
    const char *layer;   /* of gn_predict: as in gn_predictor_options */
    const struct gn_pixels *images; /* n pictures of any sizes and formats */
    gn_weights weights;             /* of gn_predict: as in gn_predictor_options */
    uint64_t reserved[3];
};

/* The weights of a network in the order in which its kernels read them: made once, then only read
 * by any number of predictors, whatever their batches and threads, which may run at the same time.
 * What a kernel needs depends on layer and batch; the first predictor that needs it adds it. A pack
 * holds the weights that the network had then and never follows a change: after one (gn_fit,
 * gn_load_weights, writing to a tensor) predictors of the old pack answer with a mixture of old and
 * new values, so free them and begin with a new pack. The net must outlive it. The memory is given
 * back when gn_pack_free has been called and the last of its predictors is freed. */
typedef struct gn_pack gn_pack;
GN_API gn_pack *gn_pack_create(gn_net *net);
GN_API void gn_pack_free(gn_pack *pack);
GN_API uint64_t gn_pack_bytes(gn_pack *pack); /* so far */

/* A network made ready to answer many times: gn_predict packs the weights and lays out its memory
 * at every call, a predictor once. The net must outlive it and keep its weights. Free it with
 * gn_predictor_free. NULL on error (no memory for the batch). */
typedef struct gn_predictor gn_predictor;
struct gn_predictor_options {
    int batch; /* images that are computed together; 0: 1, the shortest time for one image */
    gn_resize resize;
    gn_algorithm algorithm;
    int threads;   /* 0: all that the process may use */
    gn_pack *pack; /* of the same net; NULL: that of its other predictors, if the net's weights are
                      still what they were (a checksum tells), otherwise one of its own */
    const char
        *layer; /* answer with the values of this layer, as gn_find_layer finds it, in place of
                          the logits; NULL: the logits */
    gn_weights weights;
    uint64_t reserved[1];
};
#define gn_predictor_create(net, ...)                                                              \
    gn_predictor_create_with((net), &(struct gn_predictor_options){ .batch = __VA_ARGS__ })
GN_API gn_predictor *gn_predictor_create_with(gn_net *net,
                                              const struct gn_predictor_options *options);
GN_API void gn_predictor_free(gn_predictor *predictor);

/* Logits of any number of images, as gn_predict gives them; resize, algorithm and threads are
 * those of the predictor. The first image that cannot be read ends the call.
 *
 * After the first call with pixels or inputs, one makes no thread and takes no memory but for larger
 * pictures (decoders of files take their own). With .threads = 1 nor does it take a lock or wait, and
 * it runs on a stack of 256 KiB; with more, it waits for its other threads, which all predictors
 * share and which sleep when there is nothing to do. Predictors of one net may run at the same time. */
GN_API gn_status gn_predictor_run(gn_predictor *predictor, float *logits,
                                  const struct gn_predict_options *images);

/* Both make a call of gn_predictor_run or gn_predictor_each return STOPPED before its next unit of
 * work, which takes microseconds to a few milliseconds; what it has written is worth nothing. While
 * `cancel` is true, a call that is running ends and none begins; any thread and a signal handler may
 * say it at any time. The limit counts from the beginning of each later call; 0: none. */
GN_API void gn_predictor_cancel(gn_predictor *predictor, bool cancel);
GN_API gn_status gn_predictor_limit(gn_predictor *predictor, double seconds);

/* One answer after the other. */
struct gn_answer {
    uint64_t index;      /* of the sample in the data set */
    const float *logits; /* `classes` of them, valid during the call; NULL: it cannot be read */
    const char *message; /* then: why */
};
/* The same for n samples of `images->data`, which are read by threads of one call while others are
 * computed, and handed to on_answer in their order. Unlike gn_predictor_run it goes on after a
 * picture that cannot be read; on_answer ends the call with STOPPED by returning anything but 0. A
 * last batch that is shorter is computed as a predictor of its length would. */
GN_API gn_status gn_predictor_each(gn_predictor *predictor, const struct gn_predict_options *images,
                                   int (*on_answer)(const struct gn_answer *answer, void *user),
                                   void *user);

struct gn_layer_info;
/* The layer of that name, and how many values it has of an image. An unknown name is BAD_ARGUMENT and
 * the message names the nearest one. A convolution that gn_conv_relu made counts with its ReLU. Name
 * NULL: what the last dense layer reads, the features of an image; of a network without one, the
 * answer. */
GN_API gn_status gn_find_layer(const gn_net *net, const char *name, struct gn_layer_info *info,
                               size_t *values);

/* Softmax of the logits of one image, in double. */
GN_API gn_status gn_softmax(const float *logits, int classes, double *probabilities);

/* The `most` classes with the highest logits, highest first, of equals the lower class; returns how
 * many there are. `order` has room for `most`. */
GN_API int gn_top_classes(const float *logits, int classes, int most, int *order);

/* The name of the first tensor with a value that is not finite (NaN or infinite), NULL when all are:
 * such a network has no answers. */
GN_API const char *gn_net_not_finite(const gn_net *net);

/* ---- What an answer rests on ---- */

/* Maps of where an image speaks for a class. Made once for a network, which must outlive it. */
typedef struct gn_explainer gn_explainer;
struct gn_explainer_options {
    const char *layer; /* whose maps Grad-CAM weighs; NULL: the last one that is a map */
    int classes;       /* most classes of one call; 0: 5 */
    int window;        /* occlusion: side of the square in pixels of the input; 0: a quarter of the
                          shorter side */
    int stride;        /* from one square to the next; 0: a quarter of the window */
    int threads;       /* 0: all that the process may use */
    uint64_t reserved[4];
};
#define gn_explainer_create(net, ...)                                                              \
    gn_explainer_create_with((net), &(struct gn_explainer_options){ .layer = __VA_ARGS__ })
GN_API gn_explainer *gn_explainer_create_with(gn_net *net,
                                              const struct gn_explainer_options *options);
GN_API void gn_explainer_free(gn_explainer *explainer);

/* What an explainer looks at. */
struct gn_explainer_info {
    const char *layer;
    int height, width;  /* of the layer's maps, and of a Grad-CAM map */
    int window, stride; /* of the occlusion */
    int positions;      /* squares of an image */
    uint64_t reserved[4];
};
GN_API gn_status gn_explainer_describe(const gn_explainer *explainer,
                                       struct gn_explainer_info *info);

/* Grad-CAM (Selvaraju et al., 2017) of one image, given as the network takes it (gn_preprocess): for each
 * of n classes max(0, sum over channels of mean gradient of the class's logit x value), height*width
 * floats. Normalisation and dropout are those of prediction. */
GN_API gn_status gn_grad_cam(gn_explainer *explainer, const float *input, const int *classes, int n,
                             float *maps);

/* Occlusion (Zeiler and Fergus, 2014) of one image: a square is painted with the image's mean colour;
 * a map holds, for each pixel of the input, the mean over the squares that cover it of how much the
 * class's probability falls. size_h*size_w floats a class. */
GN_API gn_status gn_occlusion(gn_explainer *explainer, const float *input, const int *classes,
                              int n, float *maps);

/* A PNG with a row a class: the image as the network sees it, with the Grad-CAM and the occlusion
 * laid over it, and the class's label and probability. NO_DEVICE in a build without cairo. */
struct gn_explain_sheet {
    const struct gn_image *image;
    const char *title;  /* NULL: none */
    const int *classes; /* NULL: the n most probable ones */
    int n;              /* 0: 1 */
    bool no_occlusion;
    uint64_t reserved[4];
};
GN_API gn_status gn_draw_explanation(gn_explainer *explainer, const struct gn_explain_sheet *sheet,
                                     const char *path);

/* A PNG with the first `most` (0: 64) maps of the explainer's layer for an image, each from its least
 * value (dark) to its largest. */
GN_API gn_status gn_draw_maps(gn_explainer *explainer, const struct gn_image *image, int most,
                              const char *path);

/* A PNG with the filters of the first convolution: as colours if it reads three channels, otherwise
 * those of its first channel in grey. */
GN_API gn_status gn_draw_filters(const gn_net *net, const char *path);

/* Values of a layer in a file, a row an image: `.npy` (NumPy 1.0, float32, shape [rows, values]) or
 * `.csv` (columns file, index, f0, f1, ...), by the name of the file. gn_features_end gives the file
 * its name, or with `keep` false removes it; it is called in every case and may be given NULL. Fewer or
 * more rows than were announced are BAD_ARGUMENT. */
typedef struct gn_features gn_features;
GN_API gn_features *gn_features_begin(const char *path, uint64_t rows, size_t values);
GN_API gn_status gn_features_add(gn_features *features, const char *file, uint64_t index,
                                 const float *values);
GN_API gn_status gn_features_end(gn_features *features, bool keep);

/* The cosine of the angle between two vectors, in double; 0 when one of them is zero. */
GN_API double gn_cosine(const float *a, const float *b, size_t n);

/* ---- From pictures to numbers ---- */

/* One picture from its bytes, turned upright; free it with gn_free_image. BAD_DATA for what is
 * damaged or not a picture. */
GN_API gn_status gn_image_decode(const void *bytes, size_t n, struct gn_image *image);

/* Only its height, width and channels, from the header alone: `pixels` is NULL. For programs that
 * refuse large pictures before any memory is taken for them. */
GN_API gn_status gn_image_measure(const void *bytes, size_t n, struct gn_image *image);

/* What makes a network's input (size_h*size_w*channels floats, see gn_net_info) of pictures, as the
 * net says: resize rule, crop, order of channels, scaling. It keeps no pointer to the net. Each
 * thread needs its own. Free it with gn_preprocessor_free. */
typedef struct gn_preprocessor gn_preprocessor;
struct gn_preprocessor_options {
    gn_resize resize;   /* 0: the net's */
    bool scaled_decode; /* as in gn_dataset_options */
    uint64_t reserved[4];
};
#define gn_preprocessor_create(net, ...)                                                           \
    gn_preprocessor_create_with((net), &(struct gn_preprocessor_options){ .resize = __VA_ARGS__ })
GN_API gn_preprocessor *gn_preprocessor_create_with(const gn_net *net,
                                                    const struct gn_preprocessor_options *options);
GN_API void gn_preprocessor_free(gn_preprocessor *preprocessor);

/* Of pixels in memory, 1 or 3 channels; rows are `stride` bytes apart (0: without gaps). */
GN_API gn_status gn_preprocess(gn_preprocessor *preprocessor, const struct gn_image *image,
                               size_t stride, float *input);

/* Of pixels in any format. */
GN_API gn_status gn_preprocess_pixels(gn_preprocessor *preprocessor, const struct gn_pixels *image,
                                      float *input);

/* Of the bytes of a JPEG or PNG file. */
GN_API gn_status gn_preprocess_file(gn_preprocessor *preprocessor, const void *bytes, size_t n,
                                    float *input);

/* How pictures become the network's numbers besides the resize rule; kept in model files, so that
 * nobody has to remember it. googlenet-paper and googlenet-torchvision begin with what their
 * published weights expect (docs/design.md) when they have three channels; all other networks with
 * zeros: value / 255, resized straight to the network's size. */
struct gn_pixel_options {
    int short_side; /* bring the shorter side to this length and cut the centre out; at least the
                       network's size; 0: resize straight to that, whatever the proportions */
    bool normalise; /* (x/255 - mean) / deviation, with a value for each of up to 3 channels */
    double mean[3], deviation[3];
    bool square; /* bring both sides to short_side, whatever the proportions, before the centre is
                    cut out, as Caffe does */
    bool bgr;    /* the network's channels are blue, green, red; mean and so on are in that order */
    bool bytes;  /* the numbers are 0 to 255, not divided by 255 */
    bool affine; /* x * factor + summand of each channel, after the normalisation */
    double factor[3], summand[3];
    uint64_t reserved[4];
};
GN_API gn_status gn_net_set_pixels(gn_net *net, const struct gn_pixel_options *options);
GN_API gn_status gn_net_pixels(const gn_net *net, struct gn_pixel_options *options);

/* The steps from a picture to the network's numbers, in their order, as the JSON text that model
 * files hold. BAD_ARGUMENT when it needs more than `size` bytes (1024 are enough). */
GN_API gn_status gn_net_preprocess(const gn_net *net, char *text, size_t size);

/* Names of the classes, kept in model files; copied. NULL removes them. */
GN_API gn_status gn_net_set_labels(gn_net *net, const char *const *labels, int n);

/* ---- Files ---- */

/* Replaces a file as a whole, or makes it: after a crash at any instant the old one is there or the new
 * one, complete. IO when that fails; the old file is then untouched. */
GN_API gn_status gn_write_file(const char *path, const void *data, size_t n);

/* ==== Own networks ============================================================================= */

/* ---- The parts of a network ---- */

/* A network in numbers. Texts belong to the network. */
struct gn_net_info {
    const char *preset; /* "googlenet", or "custom" for a graph of the caller */
    int size_h, size_w, channels, classes;
    gn_resize resize;
    uint64_t params, macs; /* trainable values; multiply-adds of one forward image, nominal; all of
                              the answer and of the heads that the network has */
    int layers, stages, tensors;
    const char *const *labels; /* `classes` names, or NULL */
    uint64_t statistics;       /* values that are saved but not trained */
    int heads;                 /* auxiliary ones */
    double
        momentum; /* largest share of its running statistics that a training step keeps; 0: none */
    uint64_t reserved[4];
};
GN_API gn_status gn_net_describe(const gn_net *net, struct gn_net_info *info);

/* Layer i in graph order: weighted layers, pools and concatenations. */
struct gn_layer_info {
    const char *name; /* tensor prefix ("b3.inception3a.p1_1"), others block and path */
    const char *type; /* "Conv2D", "MaxPooling2D", "Concatenate", ... */
    const char *stage;
    int rank;     /* 3 or 1 */
    int shape[3]; /* without batch: height, width, channels; or units */
    uint64_t params, macs;
    uint64_t reserved[4];
};
GN_API gn_status gn_net_layer(const gn_net *net, int i, struct gn_layer_info *info);

/* Stage i of the shape walk: name and output shape. */
GN_API gn_status gn_net_stage(const gn_net *net, int i, struct gn_layer_info *info);

/* The network as a text for Graphviz, and as an SVG picture: a column a stage, the lines of a block side by
 * side. */
GN_API gn_status gn_dot(const gn_net *net, FILE *out);
GN_API gn_status gn_svg(const gn_net *net, FILE *out);

/* Name of auxiliary head i, NULL after the last one. */
GN_API const char *gn_net_head(const gn_net *net, int i);

/* Parameter tensor i (graph order, each weight before its bias); `values` stay the net's. */
struct gn_tensor_info {
    const char *name; /* "b1.conv.weight" */
    int rank;
    int shape[4];
    size_t count;
    float *values;
    bool trainable; /* false: running statistics, which no optimiser touches */
    uint64_t reserved[4];
};
GN_API gn_status gn_net_tensor(gn_net *net, int i, struct gn_tensor_info *info);

/* A CRC32C over all parameters, to compare two runs. */
GN_API uint32_t gn_net_hash(const gn_net *net);

/* ---- Building a graph ---- */

/* The first error sticks to the graph: later builders return an invalid node and gn_compile
 * reports it, so model code needs no checks. Example: examples/tiny_inception.c */
typedef struct gn_graph gn_graph;
typedef struct gn_node {
    int id; /* -1: invalid */
} gn_node;

/* An empty graph; gn_compile consumes it, gn_graph_free is for one that was given up. */
GN_API gn_graph *gn_graph_create(void);
GN_API void gn_graph_free(gn_graph *graph);

/* Turns the graph into a network whose answer is `output` (logits); the graph is consumed, also
 * on error. `seed` is that of the initial weights. */
GN_API gn_net *gn_compile(gn_graph *graph, gn_node output, uint64_t seed);

/* Names what follows: nodes until the next call belong to stage `name` of the shape walk and
 * their names begin with it. NULL ends the stage. */
GN_API void gn_stage(gn_graph *graph, const char *name);

/* The images, where every graph begins. */
GN_API gn_node gn_input(gn_graph *graph, int height, int width, int channels);

/* The Inception block with the notebook's c1...c4:
 * p1: 1x1 - p2: 1x1 then 3x3 - p3: 1x1 then 5x5 - p4: max pool then 1x1, concatenated. */
typedef struct gn_pair {
    int reduce, out; /* channels of a two-layer path: the 1x1 reduction, then the output */
} gn_pair;
GN_API gn_node gn_inception(gn_graph *graph, gn_node x, const char *name, int c1, gn_pair c2,
                            gn_pair c3, int c4);

/* An auxiliary head: `logits`, which no other layer reads, is trained together with the answer;
 * its loss counts `weight` times. Prediction leaves it out. */
GN_API void gn_head(gn_graph *graph, gn_node logits, double weight, const char *name);

/* ---- Layers ---- */

/* A convolution; with gn_conv_relu the ReLU after it is part of the layer. */
struct gn_conv_options {
    int channels;       /* output channels */
    int kernel;         /* height and width */
    int stride;         /* 0: 1 */
    const char *name;   /* NULL: "conv", "conv_1", ... within the stage */
    bool explicit_pads; /* take the pads below instead of TensorFlow's asymmetric SAME */
    int pad_top, pad_bottom, pad_left, pad_right;
    bool no_bias; /* a batch normalisation follows, which has one */
    bool int8; /* weights are whole numbers from -63 to 63 times a scale of each output channel, as
                     gn_quantize makes them; such a network cannot be trained */
    int kernel_h, kernel_w, stride_h,
        stride_w; /* of a window that is not square: 0: `kernel`, `stride` */
    uint64_t reserved[2];
};
#define gn_conv(graph, x, ...)                                                                     \
    gn_conv_with((graph), (x), &(struct gn_conv_options){ .channels = __VA_ARGS__ })
#define gn_conv_relu(graph, x, ...)                                                                \
    gn_conv_relu_with((graph), (x), &(struct gn_conv_options){ .channels = __VA_ARGS__ })
GN_API gn_node gn_conv_with(gn_graph *graph, gn_node x, const struct gn_conv_options *options);
GN_API gn_node gn_conv_relu_with(gn_graph *graph, gn_node x, const struct gn_conv_options *options);
/* max(x, 0) of any layer. */
GN_API gn_node gn_relu(gn_graph *graph, gn_node x);

/* A maximum or a mean over windows. */
struct gn_pool_options {
    int kernel, stride; /* SAME; stride 0: the kernel */
    const char *name;
    bool explicit_pads; /* take the pads below instead of SAME; they never win a maximum */
    int pad_top, pad_bottom, pad_left, pad_right;
    bool ceil;          /* with explicit pads: the last window may reach over the padded edge, as
                           Caffe's and torchvision's pools do; it is cut off there */
    bool count_padding; /* average: divide by the whole window, padding included */
    int adaptive;       /* average: cut the map into this many parts a side, instead of a kernel */
    int kernel_h, kernel_w, stride_h, stride_w; /* 0: `kernel`, `stride` */
    uint64_t reserved[2];
};
#define gn_max_pool(graph, x, ...)                                                                 \
    gn_max_pool_with((graph), (x), &(struct gn_pool_options){ .kernel = __VA_ARGS__ })
#define gn_avg_pool(graph, x, ...)                                                                 \
    gn_avg_pool_with((graph), (x), &(struct gn_pool_options){ .kernel = __VA_ARGS__ })
GN_API gn_node gn_max_pool_with(gn_graph *graph, gn_node x, const struct gn_pool_options *options);
GN_API gn_node gn_avg_pool_with(gn_graph *graph, gn_node x, const struct gn_pool_options *options);
/* The mean of each channel over the whole map: a vector. */
GN_API gn_node gn_global_avg_pool(gn_graph *graph, gn_node x);

/* Batch normalisation (Ioffe and Szegedy, 2015): by the statistics of the batch in training, by
 * running ones in prediction, where it is folded into a convolution before it. A training plan of
 * such a network runs each batch as a whole. */
struct gn_norm_options {
    const char *name; /* NULL: that of the convolution before it, followed by "norm" */
    double eps;       /* 0: 0.001 */
    double momentum;  /* share of the running statistics that a step keeps; 0: 0.99 */
    bool unbiased;    /* PyTorch's running variance, over n - 1; Keras' is the batch's own */
    uint64_t reserved[4];
};
#define gn_batch_norm(graph, x, ...)                                                               \
    gn_batch_norm_with((graph), (x), &(struct gn_norm_options){ __VA_ARGS__ })
GN_API gn_node gn_batch_norm_with(gn_graph *graph, gn_node x,
                                  const struct gn_norm_options *options);

/* Local response normalisation across channels (Krizhevsky et al., 2012), as Caffe's. */
struct gn_lrn_options {
    int size;              /* channels of a window, odd; 0: 5 */
    const char *name;      /* NULL: "lrn" */
    double alpha, beta, k; /* 0: 1e-4 (divided by size, as Caffe does), 0.75, 1 */
    uint64_t reserved[4];
};
#define gn_lrn(graph, x, ...)                                                                      \
    gn_lrn_with((graph), (x), &(struct gn_lrn_options){ .size = __VA_ARGS__ })
GN_API gn_node gn_lrn_with(gn_graph *graph, gn_node x, const struct gn_lrn_options *options);

/* Sets a share `rate` (0 to below 1) of the values to zero in training and scales the others up;
 * does nothing in prediction. */
GN_API gn_node gn_dropout(gn_graph *graph, gn_node x, double rate, const char *name);

/* Several layers of equal height and width as one: their channels follow each other. */
GN_API gn_node gn_concat(gn_graph *graph, const gn_node *nodes, int n, const char *name);

/* min(max(x, low), high); from 0 to 6 it is ReLU6. NULL: "clip". */
GN_API gn_node gn_clip(gn_graph *graph, gn_node x, double low, double high, const char *name);

/* The sum of 2 to 8 layers of equal shape, as a residual connection needs it. */
GN_API gn_node gn_sum(gn_graph *graph, const gn_node *nodes, int n, const char *name);

/* Of a vector, or of a small map in the order height, width, channels. */
GN_API gn_node gn_dense(gn_graph *graph, gn_node x, int units, const char *name);

/* How the weights of the layers that follow begin; `deviation` is that of GN_INITIAL_NORMAL.
 * Without a call kernels are Glorot-uniform and biases zero. */
typedef enum gn_initial {
    GN_INITIAL_GLOROT = 0, /* uniform, +-sqrt(6 / (fan_in + fan_out)) */
    GN_INITIAL_XAVIER,     /* uniform, +-sqrt(3 / fan_in): Caffe's */
    GN_INITIAL_NORMAL      /* normal with the deviation given */
} gn_initial;
GN_API void gn_initialize(gn_graph *graph, gn_initial kernels, double deviation, double biases);

/* ==== Measuring and machine ==================================================================== */

/* What gn_bench measures. */
struct gn_bench_options {
    bool train;  /* a whole training step; false: a forward pass */
    int batch;   /* 0: 128 */
    int threads; /* 0: all that the process may use */
    int rounds;  /* timed repetitions; 0: chosen for about three seconds */
    bool layers; /* time every layer too */
    gn_algorithm algorithm;
    const char
        *trace;  /* a file for one more round in Chrome's trace format: a track a thread, a span a
                          step of the plan and thread; NULL: none */
    bool memory; /* where the blocks of the arena lie */
    gn_weights weights; /* of a forward pass */
    gn_ranks *
        ranks; /* training: that share a step of the batch, each of which calls it; NULL: one process */
    int grain; /* training: images of a grain, as of gn_fit_options; 0: chosen */
    uint32_t reserved[1];
};
/* What a step of several processes spends on being several, as this one sees it. */
struct gn_bench_team {
    int processes;
    int grains,
        grain; /* of a batch, and images of each: processes beyond their number compute nothing */
    double ms_exchange; /* the exchange of the gradients when nothing else is done, median */
    double
        ms_waiting; /* the same after the backward pass, of a step: what is left of it there, mean */
    double bytes;   /* sent and received for a step */
    double overlap; /* the part of them that was moved before the backward pass ended, 0 to 1 */
    /* The gradient is sent in eight parts, from the last layers' to the first ones': so long before the end of
     * the backward pass each was final, mean. */
    double ms_final[8];
    uint64_t reserved[1];
};
/* A block of the arena, alive from step `first` to step `last` of the plan. */
struct gn_bench_block {
    char name[64]; /* the layer */
    char what[16]; /* "value", "gradient", "kept", "shared", "weights", "chain" */
    uint64_t offset, bytes;
    int first, last;
    uint64_t reserved[2];
};
struct gn_bench_layer {
    char name[64];
    char pass[16]; /* "forward", "backward", "update" */
    char kernel[32];
    double ms;
    double gflops; /* nominal, 0 where no multiplications are counted */
    uint64_t reserved[2];
};
struct gn_bench_result {
    double ms_median, ms_min, images_per_second;
    double ms_plan; /* planning and packing before the first step */
    int batch, threads, rounds;
    const char *isa;
    uint64_t arena_bytes;
    int n_layers;
    struct gn_bench_layer *layers; /* free with gn_free_bench */
    double ms_p90, ms_p99;         /* of the rounds; ms_median is p50 */
    int n_blocks, n_steps;
    struct gn_bench_block *blocks; /* with `memory` */
    struct gn_bench_team *team;    /* with `ranks`; NULL: one process */
    uint64_t reserved[3];
};
GN_API gn_status gn_bench(gn_net *net, struct gn_bench_result *result,
                          const struct gn_bench_options *options);
GN_API void gn_free_bench(struct gn_bench_result *result);

/* Bytes that training (or predicting) with this batch will take; checked before training. */
GN_API uint64_t gn_memory_estimate(const gn_net *net, int batch, bool train);

/* This build and this machine. */
struct gn_system_info {
    const char *version, *compiler;
    const char *isa;            /* kernel set in use; NULL and an error when GOOGLENET_ISA is bad */
    const char *isa_available;  /* such as "avx2 generic" */
    const char *cpu_features;   /* such as "avx2 fma f16c" */
    int threads;                /* that a computation would use */
    const char *threads_reason; /* such as "affinity mask" */
    uint64_t memory_bytes;      /* that the process may use */
    bool has_curl, has_cairo;
    const char *libraries; /* such as "zlib 1.2.13, jansson 2.14" */
    /* Pictures that can be read, besides BMP and PNM. */
    bool has_jpeg, has_png, has_gif, has_webp, has_tiff;
    const char *commit;          /* of the source, twelve hex digits; "": not built in a clone */
    bool has_hdf5;               /* Keras files are read and written, by a program of their own */
    bool has_openmpi, has_mpich; /* the plugin for that MPI is there */
    uint64_t reserved[7];
};
/* BAD_ARGUMENT when GOOGLENET_ISA names an unknown or unsupported set. */
GN_API gn_status gn_system_describe(struct gn_system_info *info);

/* ---- The program around the library ---- */

/* The version as a number to compare: that of this header, and that of the library in use. A program
 * that was made for one version runs with every later one of the same soname; the names that it links
 * carry the version which brought them (GN_0.2). */
#define GN_VERSION_NUMBER (10000 * GN_VERSION_MAJOR + 100 * GN_VERSION_MINOR + GN_VERSION_PATCH)
GN_API int gn_version_number(void);

/* Where all memory comes from that the library itself takes (zlib, the decoders of pictures and other
 * libraries take their own). `allocate` gives `bytes` at a multiple of `alignment`, a power of two,
 * or NULL; `release` gets back what it gave, but for some hundred bytes of each thread, which are
 * kept until the process ends. Any thread may call them. */
struct gn_allocator {
    void *(*allocate)(void *context, size_t bytes, size_t alignment);
    void (*release)(void *context, void *block, size_t bytes);
    void *context;
    uint64_t reserved[4];
};
/* For all memory from now on; copied. NULL: the C library's again. BUSY while the library holds
 * any memory, so call it first, and before any other thread uses the library. */
GN_API gn_status gn_set_allocator(const struct gn_allocator *allocator);

/* How much a line of the log matters. */
typedef enum gn_log_level {
    GN_LOG_ERROR = 1, /* the sentence of an error, when it happens; some are got over */
    GN_LOG_WARNING,   /* it goes on, but somebody should know */
    GN_LOG_INFO,      /* what was loaded, made, saved */
    GN_LOG_DEBUG      /* how: plans, packed weights, threads */
} gn_log_level;

/* What the library has to say, up to a level: a line a call, without its end, printable and valid during
 * the call. Any thread may call it, also several at once; it must not call the library. NULL: nothing
 * is said, as in the beginning. Like the allocator it is set before other threads use the library. */
typedef void gn_log(void *user, gn_log_level level, const char *text);
GN_API void gn_set_log(gn_log *log, void *user, gn_log_level most);

#ifdef __cplusplus
}

/* C++ has no compound literals: there, googlenet.hpp takes the place of these macros. */
#undef gn_avg_pool
#undef gn_batch_norm
#undef gn_compare
#undef gn_quantize
#undef gn_conv
#undef gn_conv_relu
#undef gn_evaluate
#undef gn_explainer_create
#undef gn_export
#undef gn_fit
#undef gn_googlenet
#undef gn_import
#undef gn_load
#undef gn_lrn
#undef gn_max_pool
#undef gn_open_dataset
#undef gn_predict
#undef gn_predictor_create
#undef gn_preprocessor_create
#undef gn_preset
#undef gn_write_report
#endif

#endif
