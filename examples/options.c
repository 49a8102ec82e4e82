/*
 * Options by name: trains with options that are typed as NAME=TEXT, as a program with flags, a file
 * of settings or a form would.
 *
 *   cc options.c $(pkg-config --cflags --libs googlenet) -o options
 *   ./options DATA optimizer=adamw lr=0.002 max-time=5m shuffle=window:500
 *
 * test-args: @DATA@ batch=16 max-steps=2 momentum=0.9 schedule=cosine algorithm=direct
 */
#include <googlenet.h>

#include <string.h>

static const struct gn_option *find(const char *name, size_t length)
{
    const struct gn_option *option;
    for (int i = 0; (option = gn_fit_option(i)) != NULL; i++)
        if (strlen(option->name) == length && strncmp(option->name, name, length) == 0)
            return option;
    return NULL;
}

/* All options with their values and what they mean. */
static void print_options(const struct gn_fit_options *options)
{
    const struct gn_option *option;
    char text[64];
    for (int i = 0; (option = gn_fit_option(i)) != NULL; i++)
        if (option->kind == GN_OPTION_HEADING)
            printf("%s\n", option->help);
        else if (gn_option_text(option, options, text, sizeof text) == GN_OK)
            printf("  %-18s %-10s %s\n", option->name, text, option->help);
}

int main(int argc, char **argv)
{
    struct gn_fit_options options = { .train = NULL };
    for (int i = 2; i < argc; i++) {
        const size_t length = strcspn(argv[i], "=");
        const struct gn_option *option = find(argv[i], length);
        if (option == NULL || argv[i][length] == '\0') {
            fprintf(stderr, "\"%s\" is not NAME=TEXT of an option\n", argv[i]);
            return 2;
        }
        if (gn_option_set(option, &options, argv[i] + length + 1) != GN_OK) {
            fprintf(stderr, "%s: %s\n", option->name, gn_error_message());
            return 2;
        }
    }
    if (argc < 2 || gn_fit_defaults(&options) != GN_OK) {
        fprintf(stderr, "%s\n", argc < 2 ? "usage: options DATA NAME=TEXT..." : gn_error_message());
        return 2;
    }
    print_options(&options);

    struct gn_dataset_info set = { 0 };
    options.train = gn_open_dataset(argv[1], .split = GN_TRAIN, .on_bad_image = GN_BAD_SKIP);
    (void)gn_dataset_describe(options.train, &set);
    gn_net *net = gn_preset("googlenet-small", .channels = set.channels, .classes = set.classes);
    printf("resize %s, bad pictures %s, convolutions %s\n",
           gn_resize_name((int)gn_fit_resize(net, &options)), gn_bad_image_name(GN_BAD_SKIP),
           gn_algorithm_name((int)options.algorithm));
    printf("about %.0f MB of memory\n", (double)gn_fit_memory(net, &options) / 1e6);
    gn_history *history = gn_fit_with(net, &options);
    if (history == NULL)
        fprintf(stderr, "%s\n", gn_error_message());

    const bool failed = history == NULL;
    gn_free_history(history);
    gn_free_net(net);
    gn_close_dataset(options.train);
    return failed;
}
