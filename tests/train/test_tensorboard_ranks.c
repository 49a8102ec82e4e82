/* labels: quick
 *
 * TensorBoard's files of a training by several processes: rank 0 alone writes them, and they show what those of one
 * process show, the pictures to the byte. */
#include "draw/curves.h"
#include "support/check.h"
#include "support/event_file.h"
#include "support/files.h"
#include "support/tiny.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS "/events.out.tfevents.googlenet"

enum { MOST_RANKS = 3 };

static const char *const folders[1 + MOST_RANKS] = { NULL, "ranks-1", "ranks-2", "ranks-3" };

/* In processes of its own, before anything starts a thread. */
static int train(int n)
{
    (void)tiny_open(NULL);
    gn_ranks *ranks = n > 1 ? gn_fork_ranks(n) : NULL;
    struct gn_fit_options o = tiny_options(folders[n]);
    o.train = tiny.train;
    o.validation = tiny.test;
    o.histograms = true;
    o.ema = 0.9;
    o.grain = 2;
    o.ranks = ranks;
    o.out = gn_ranks_rank(ranks) == 0 ? o.out : NULL;
    gn_net *net = tiny_net();
    gn_history *history = gn_fit_with(net, &o);
    const int code = history == NULL || (n > 1 && gn_ranks_size(ranks) != n);
    if (history == NULL)
        (void)fprintf(stderr, "rank %d: %s\n", gn_ranks_rank(ranks), gn_error_message());
    gn_free_history(history);
    gn_free_net(net);
    (void)tiny_close(NULL);
    gn_free_ranks(ranks);
    return code;
}

static bool runs(int n)
{
    int status;
    const pid_t child = fork();
    if (child == 0)
        exit(train(n));
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static struct event_file read_of(int n, const char *part)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/tensorboard/%s" EVENTS, folders[n], part);
    return event_file_read(path);
}

/* Values of the same kind and size, but for times. */
static int compare(const struct event_file *a, const struct event_file *b)
{
    int pictures = 0;
    assert_int_equal(a->n, b->n);
    for (int i = 0; i < a->n; i++) {
        const struct event_value *x = &a->values[i], *y = &b->values[i];
        assert_string_equal(x->tag, y->tag);
        assert_int_equal(x->step, y->step);
        assert_int_equal(x->kind, y->kind);
        assert_int_equal(x->bytes, y->bytes);
        if (strstr(x->tag, "second") == NULL)
            assert_memory_equal(&x->scalar, &y->scalar, sizeof x->scalar);
        assert_true(x->n >= y->n && x->n <= y->n && x->low >= y->low && x->low <= y->low);
        pictures += x->kind == EVENT_IMAGE;
    }
    return pictures;
}

static void several_processes_show_what_one_does(void **state)
{
    static const char *const parts[] = { "train", "validation" };
    (void)state;
    for (int n = 2; n <= MOST_RANKS; n++)
        for (int part = 0; part < 2; part++) {
            struct event_file one = read_of(1, parts[part]), several = read_of(n, parts[part]);
            const int pictures = compare(&one, &several);
            if (part == 1 && gn_curves_available())
                assert_true(pictures >= TINY_EPOCHS);
            free(one.values);
            free(several.values);
            tiny_same_file(folders[1], folders[n], "model.safetensors");
            tiny_same_file(folders[1], folders[n], "checkpoint.safetensors");
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(several_processes_show_what_one_does) };
    for (int n = 1; n <= MOST_RANKS; n++)
        if (!runs(n))
            return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
