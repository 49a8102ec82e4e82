/*
 * Trains a network on labelled images and keeps everything that a run leaves.
 *
 *   cc train.c $(pkg-config --cflags --libs googlenet) -o train
 *   ./train DATA OUT [EPOCHS]     # DATA: a folder of images, or a name such as fashion-mnist
 *
 * OUT then holds the weights, the best weights, a checkpoint, the history and its curves.
 *
 * test-args: @FEW@ run 1
 */
#include <googlenet.h>

#include <stdlib.h>

/* The size, channels and classes of the network follow from the data. */
static gn_net *network_for(const gn_dataset *data)
{
    struct gn_dataset_info set = { 0 };
    if (gn_dataset_describe(data, &set) != GN_OK)
        return NULL;
    printf("%s: %llu images of %d classes\n", set.path, (unsigned long long)set.samples,
           set.classes);
    return gn_preset("googlenet-small", .channels = set.channels, .classes = set.classes,
                     .seed = 1);
}

static void print_epochs(const gn_history *history)
{
    for (int i = 0; i < gn_history_epochs(history); i++) {
        struct gn_epoch row;
        if (gn_history_epoch(history, i, &row) == GN_OK)
            printf("epoch %d: loss %.4f, validation loss %.4f, validation accuracy %.3f, %.1f s\n",
                   row.epoch, row.loss, row.val_loss, row.val_accuracy, row.seconds);
    }
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: train DATA OUT [EPOCHS]\n");
        return 2;
    }
    gn_dataset *train = gn_open_dataset(argv[1], .split = GN_TRAIN);
    gn_dataset *test = gn_open_dataset(argv[1], .split = GN_TEST);
    gn_net *net = network_for(train);
    (void)gn_summary(net, stdout);

    gn_history *history =
        gn_fit(net, train, .validation = test, .epochs = argc > 3 ? atoi(argv[3]) : 5, .batch = 32,
               .lr = 0.02, .momentum = 0.9, .schedule = GN_SCHEDULE_COSINE, .warmup_steps = 5,
               .augment = "shift:1", .out = argv[2], .overwrite = true);
    if (history == NULL)
        fprintf(stderr, "%s\n", gn_error_message());
    print_epochs(history);

    const int code = history == NULL;
    gn_free_history(history);
    gn_free_net(net);
    gn_close_dataset(train);
    gn_close_dataset(test);
    return code;
}
