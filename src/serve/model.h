/*
 * The models that are served. A version of a model is never changed after it was loaded: it is counted
 * by its users (requests, and the list of models), and freed by the last one. A reload puts a new version
 * into the list; requests that run keep theirs.
 */
#ifndef GN_SERVE_MODEL_H
#define GN_SERVE_MODEL_H

#include "cli/answer.h"
#include "cli/shared.h"

#include <googlenet.h>
#include <pthread.h>
#include <stdatomic.h>

enum { SERVE_NAME = 64, SERVE_VERSION = 16, SERVE_MAX_MODELS = 64, SERVE_MAX_RUNNERS = 4 };

/* Threads that each compute a batch, when the computation has so many threads in all. */
int serve_runners_number(int threads);

struct serve_model {
    atomic_int owners;
    char name[SERVE_NAME];
    char version
        [SERVE_VERSION]; /* the first digits of the file's MD5; of a preset, of its weights */
    gn_net *net;
    struct gn_net_info info;
    size_t input_floats;     /* of one image */
    gn_predictor *predictor; /* of the whole batch, with all threads; by one runner at a time */
    gn_explainer *explainer; /* likewise; NULL until the first map is asked for */
    gn_predictor
        *shares[SERVE_MAX_RUNNERS]; /* likewise, with each runner's part of the threads; NULL
                                                  where one runner has all of them */
    pthread_mutex_t lock;           /* of what follows */
    struct cli_answer answer;
    gn_preprocessor *spare[SERVE_MAX_MODELS]; /* that no thread uses now */
    int n_spare;
};

/* How models are loaded. */
struct serve_model_options {
    const struct cli_net *net;
    int max_batch, threads, top, weights;
};

/* NULL after the fault was named on stderr; *code gets the exit code. It has answered once, so that
 * the first request waits for nothing. */
struct serve_model *serve_model_load(const char *name, const char *path,
                                     const struct serve_model_options *options, int *code);
void serve_model_release(struct serve_model *model);

/* A preprocessor for one thread, NULL: the library's last error; and back. `large`: its buffers have
 * become large, it is freed. */
gn_preprocessor *serve_preprocessor_take(struct serve_model *model);
void serve_preprocessor_give(struct serve_model *model, gn_preprocessor *preprocessor, bool large);

/* The list. */
struct serve_models {
    pthread_mutex_t lock;
    struct serve_model_options options;
    int n;
    struct serve_slot {
        char name[SERVE_NAME];
        const char *path;
        struct serve_model *model;
    } slots[SERVE_MAX_MODELS];
};

/* Reads "MODEL" and "NAME=MODEL" and loads them all: 0, or an exit code after the fault was named. */
int serve_models_load(struct serve_models *models, const char *const *words, int n,
                      const struct serve_model_options *options);

/* Loads those again whose files have changed; a bad file keeps the old version. Counts both. */
void serve_models_reload(struct serve_models *models, int *loaded, int *failed);
void serve_models_free(struct serve_models *models);

/* The current version of a model, to be released; name NULL: the first one; NULL: there is none of
 * this name. */
struct serve_model *serve_models_take(struct serve_models *models, const char *name);

#endif
