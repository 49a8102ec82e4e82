/*
 * Looks at a data set before training: what it holds, what is wrong with it, and what the network
 * will see.
 *
 *   cc look_at_data.c $(pkg-config --cflags --libs googlenet) -o look_at_data
 *   ./look_at_data                    # the sets that the library knows by name
 *   ./look_at_data DATA preview.png   # a folder, or a name: it is downloaded where it is missing
 *
 * test-args: @DATA@ preview.png
 */
#include <googlenet.h>

#include <string.h>

/* The folder of a set that the library knows by name, downloaded where it is missing; or `data`. */
static const char *find(const char *data, char *where, size_t size)
{
    struct gn_known_dataset known;
    for (int i = 0; gn_dataset_known(i, NULL, false, &known) == GN_OK; i++) {
        if (data == NULL)
            printf("%s: %d classes, %s\n", known.name, known.classes,
                   known.where == NULL ? "not here" : known.where);
        else if (strcmp(known.name, data) == 0)
            return gn_dataset_get(data, NULL, false, where, size) == GN_OK ? where : NULL;
    }
    gn_clear_error(); /* the loop ended after the last set */
    return data;
}

static gn_status print_problems(const gn_dataset *train, const gn_dataset *test)
{
    struct gn_check_report report = { 0 };
    const gn_status status = gn_check_data_sets(train, NULL, test, &report);
    for (size_t i = 0; status == GN_OK && i < report.n_findings && i < 10; i++)
        printf("%s\n", report.findings[i].message);
    if (status == GN_OK)
        printf("%llu test images are training images, too\n",
               (unsigned long long)report.counts[GN_FINDING_LEAK]);
    gn_free_check(&report);
    return status;
}

static gn_status print_first(const gn_dataset *data)
{
    struct gn_image image = { 0 };
    int label = -1;
    gn_status status = gn_dataset_picture(data, 0, &image);
    if (status == GN_OK)
        status = gn_dataset_sample(data, 0, NULL, &label);
    if (status == GN_OK)
        printf("the first image is %d x %d x %d, label %d\n", image.height, image.width,
               image.channels, label);
    gn_free_image(&image);
    return status;
}

int main(int argc, char **argv)
{
    char where[4096];
    const char *folder = find(argc > 1 ? argv[1] : NULL, where, sizeof where);
    if (argc < 2)
        return 0;
    const char *augment = "mirror,shift:2";
    gn_dataset *train = gn_open_dataset(folder, .split = GN_TRAIN, .beside = true);
    gn_dataset *test = gn_open_dataset(folder, .split = GN_TEST);

    /* With .beside the images may still be on their way; classes and counts are known. */
    struct gn_dataset_info set = { 0 };
    gn_status status = gn_dataset_describe(train, &set);
    if (status == GN_OK)
        printf("%s: %llu training images, %d classes\n", set.name, (unsigned long long)set.samples,
               set.classes);
    if (status == GN_OK)
        status = gn_dataset_wait(train);
    if (status == GN_OK)
        status = print_first(train);
    if (status == GN_OK)
        status = print_problems(train, test);
    if (status == GN_OK)
        status = gn_check_augment(augment);
    if (status == GN_OK && argc > 2) {
        const struct gn_preview_options preview = { .data = train,
                                                    .path = argv[2],
                                                    .augment = augment };
        status = gn_preview_with(&preview);
        if (status == GN_STATUS_NO_DEVICE) { /* a build without cairo draws nothing */
            printf("%s\n", gn_error_message());
            status = GN_OK;
        }
    }
    if (status != GN_OK)
        fprintf(stderr, "%s\n", gn_error_message());
    gn_close_dataset(train);
    gn_close_dataset(test);
    return status != GN_OK;
}
