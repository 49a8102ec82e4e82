/* A data set and a network so small that a whole training run takes milliseconds. */
#ifndef GN_TESTS_TINY_H
#define GN_TESTS_TINY_H

#include <googlenet.h>

enum {
    TINY_SIZE = 12,
    TINY_CLASSES = 3,
    TINY_TRAIN = 92,
    TINY_TEST = 40,
    TINY_BATCH = 8,
    TINY_STEPS = 12, /* of an epoch; its last batch holds 4 samples */
    TINY_EPOCHS = 3
};

/* Writes the four IDX files of a learnable set into `folder`. */
void tiny_write_data(const char *folder, int n_train, int n_test);

/* One convolution, one Inception block, a dense layer; about 900 parameters. */
gn_net *tiny_net(void);

/* What the tests of a file share: a net with the data of folder "data" (made when it is missing), and
 * the fixtures of cmocka that open and close them. */
struct tiny {
    gn_net *net;
    gn_dataset *train, *test;
};
extern struct tiny tiny;
int tiny_open(void **state);
int tiny_close(void **state);

/* TINY_EPOCHS epochs in batches of TINY_BATCH with validation, one thread, all steps logged. */
struct gn_fit_options tiny_options(const char *out);

/* A fresh net trained with these options (train and validation are filled in); the run must
 * succeed. Returns the hash of the weights. */
uint32_t tiny_run(struct gn_fit_options options);

/* The same with a net of the caller, which is freed. */
uint32_t tiny_train(gn_net *net, struct gn_fit_options options);

/* The same for a run that must end with `status`, with `part` in its sentence. */
void tiny_run_fails(struct gn_fit_options options, gn_status status, const char *part);

/* Fails the test unless the file has the same bytes in both folders. */
void tiny_same_file(const char *folder_a, const char *folder_b, const char *name);

/* Fails the test unless both runs have the same records in history.jsonl, but for their times. */
void tiny_same_records(const char *folder_a, const char *folder_b);

/* All files of a run but history.jsonl, and that one too but for its times. */
void tiny_same_runs(const char *folder_a, const char *folder_b);

#endif
