/*
 * Watches a training run, stops it in the middle, and resumes it.
 *
 *   cc callbacks.c $(pkg-config --cflags --libs googlenet) -o callbacks
 *   ./callbacks DATA OUT      # stops itself after 5 steps, then goes on to the end
 *
 * Ctrl-C ends the run after a clean checkpoint; `kill -USR1 PID` saves one and training goes on.
 *
 * test-args: @FEW@ run
 */
#include <googlenet.h>

#include <signal.h>

/* The library installs no signal handlers: it reads two flags of the caller after each step. */
static volatile int stop, save;

static void on_signal(int number)
{
    if (number == SIGUSR1)
        save = 1;
    else
        stop = 1;
}

static void on_event(const struct gn_event *event, void *user)
{
    const uint64_t *stop_after = user;
    switch (event->kind) {
    case GN_EVENT_START:
        printf("%d epochs of %llu steps\n", event->epochs, (unsigned long long)event->steps);
        break;
    case GN_EVENT_STEP:
        printf("step %llu: loss %.4f at learning rate %g\n", (unsigned long long)event->total_step,
               event->step_loss, event->lr);
        stop = stop || event->total_step == *stop_after;
        break;
    case GN_EVENT_EPOCH:
        printf("epoch %d: validation accuracy %.3f%s, %.0f images/s\n", event->epoch,
               event->val_accuracy, event->is_best ? ", the best so far" : "",
               gn_metric_value(event->metrics, "images_per_second"));
        break;
    case GN_EVENT_WARNING:
        printf("warning: %s\n", event->message);
        break;
    case GN_EVENT_VALIDATE:
        break;
    }
}

/* Trains until the end or a stop. A stop that was asked for is an error with a status of its own:
 * everything is saved, and the run can be resumed. */
static gn_status run(gn_net *net, struct gn_fit_options *options)
{
    gn_history *history = gn_fit_with(net, options);
    const gn_status status = history == NULL ? gn_error_status() : GN_OK;
    if (status != GN_OK)
        printf("%s\n", gn_error_message());
    else
        printf("the best weights are those of epoch %d\n", gn_history_best(history) + 1);
    gn_clear_error();
    gn_free_history(history);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: callbacks DATA OUT\n");
        return 2;
    }
    (void)signal(SIGINT, on_signal);
    (void)signal(SIGUSR1, on_signal);

    uint64_t stop_after = 5;
    struct gn_dataset_info set = { 0 };
    gn_dataset *train = gn_open_dataset(argv[1], .split = GN_TRAIN);
    gn_dataset *test = gn_open_dataset(argv[1], .split = GN_TEST);
    (void)gn_dataset_describe(train, &set);
    gn_net *net = gn_preset("googlenet-small", .channels = set.channels, .classes = set.classes);
    struct gn_fit_options options = { .train = train,
                                      .validation = test,
                                      .epochs = 1,
                                      .batch = 16,
                                      .out = argv[2],
                                      .on_event = on_event,
                                      .user = &stop_after,
                                      .stop = &stop,
                                      .save = &save };
    gn_status status = run(net, &options);
    if (status == GN_STATUS_STOPPED) {
        stop = 0;
        options.resume = true; /* from the checkpoint in OUT, to the same bits */
        status = run(net, &options);
    }
    gn_free_net(net);
    gn_close_dataset(train);
    gn_close_dataset(test);
    return status != GN_OK;
}
