/*
 * Trains with several processes: the files are those of one process, byte for byte.
 *
 *   cc processes.c $(pkg-config --cflags --libs googlenet) -o processes
 *   ./processes DATA OUT [PROCESSES]      on this machine
 *   mpirun -n 4 ./processes DATA OUT      those of a launcher, on one machine or many
 *
 * test-args: @FEW@ run
 *
 * Everything after gn_fork_ranks, or gn_join_ranks, runs in each of them; rank 0 alone writes OUT and prints.
 */
#include <googlenet.h>

#include <stdlib.h>

static int train(gn_ranks *ranks, const char *data, const char *out)
{
    const bool leads = gn_ranks_rank(ranks) == 0;
    /* Rank 0 opens the data first, which may have to be fetched. */
    if (!leads && gn_ranks_meet(ranks, GN_OK) != GN_OK)
        return 1;
    gn_dataset *train = gn_open_dataset(data, .split = GN_TRAIN);
    if (leads && gn_ranks_meet(ranks, train == NULL ? gn_error_status() : GN_OK) != GN_OK)
        return 1;
    struct gn_dataset_info set = { 0 };
    if (gn_dataset_describe(train, &set) != GN_OK) {
        gn_ranks_fail(ranks, gn_error_status(), gn_error_message());
        return 1;
    }
    gn_net *net = gn_preset("googlenet-small", .channels = set.channels, .classes = set.classes);
    gn_history *history =
        gn_fit(net, train, .epochs = 1, .batch = 16, .grain = 4, .out = out, .overwrite = true,
               .ranks = ranks, .rank_timeout = 60, .threads = gn_ranks_threads(ranks));
    const int code = history == NULL;
    if (leads && code)
        fprintf(stderr, "%s\n", gn_error_message());
    else if (leads)
        printf("trained by %d processes: %s\n", gn_ranks_size(ranks), gn_ranks_describe(ranks));
    gn_free_history(history);
    gn_free_net(net);
    gn_close_dataset(train);
    return code;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: processes DATA OUT [PROCESSES]\n");
        return 2;
    }
    gn_ranks *ranks =
        gn_launched(NULL) != 1 ? gn_join_ranks() : gn_fork_ranks(argc > 3 ? atoi(argv[3]) : 2);
    if (ranks == NULL) {
        fprintf(stderr, "%s\n", gn_error_message());
        return 1;
    }
    const int code = train(ranks, argv[1], argv[2]);
    if (code != 0)
        gn_end_ranks(ranks, code); /* what mpirun ends with, if it must end the others */
    else
        gn_free_ranks(ranks); /* rank 0 waits for the others */
    return code;
}
