/*
 * Runs on disk: how they ended, their best epochs, their curves in one picture, TensorBoard's files.
 *
 *   cc runs.c $(pkg-config --cflags --libs googlenet) -o runs
 *   ./runs DATA OUT      # trains two small runs below OUT and looks at them
 *
 * test-args: @DATA@ looked-at
 */
#include <googlenet.h>

/* A run of two epochs that TensorBoard can show, too; or one without, whose classes count alike. */
static int train(gn_dataset *data, const char *folder, bool shown)
{
    gn_net *net = gn_googlenet(.size = 32, .channels = 1, .classes = 4);
    gn_history *history =
        gn_fit(net, data, .validation = data, .epochs = 2, .batch = 16, .limit_train = 32,
               .limit_val = 16, .out = folder, .overwrite = true, .tensorboard = shown,
               .class_weights = shown ? NULL : "balanced");
    gn_free_history(history);
    gn_free_net(net);
    return history == NULL;
}

static void look_at(const char *folder)
{
    char path[512], digest[65];
    struct gn_run_info info;
    struct gn_epoch best;
    gn_history *history = gn_read_history(folder);
    if (gn_describe_run(folder, &info) == GN_OK &&
        gn_history_epoch(history, gn_history_best(history), &best) == GN_OK)
        printf("%s: %s, best in epoch %d with accuracy %.3f\n", folder,
               gn_run_state_name((int)info.state), best.epoch, best.val_accuracy);
    snprintf(path, sizeof path, "%s/best.safetensors", folder);
    if (gn_sha256_file(path, digest) == GN_OK)
        printf("%s  %s\n", digest, path);
    gn_free_history(history);
}

int main(int argc, char **argv)
{
    char first[512], second[512], picture[512];
    if (argc != 3) {
        fprintf(stderr, "usage: %s DATA OUT\n", argv[0]);
        return 2;
    }
    snprintf(first, sizeof first, "%s/first", argv[2]);
    snprintf(second, sizeof second, "%s/second", argv[2]);
    snprintf(picture, sizeof picture, "%s/both.svg", argv[2]);
    gn_dataset *data = gn_open_dataset(argv[1], .split = GN_TRAIN);
    if (train(data, first, true) || train(data, second, false)) {
        fprintf(stderr, "%s\n", gn_error_message());
        return 1;
    }
    gn_close_dataset(data);
    look_at(first);
    look_at(second);
    if (gn_draw_runs((const char *[]){ first, second }, 2, picture) == GN_OK)
        printf("%s shows both\n", picture);
    if (gn_export_tensorboard(second, NULL) == GN_OK) /* the first one has them already */
        printf("tensorboard --logdir %s shows both\n", argv[2]);
    return gn_remove_run(first) == GN_OK ? 0 : 1;
}
