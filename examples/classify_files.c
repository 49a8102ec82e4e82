/*
 * Classifies files: pictures, folders of pictures, or IDX files with many images.
 *
 *   cc classify_files.c $(pkg-config --cflags --libs googlenet) -o classify_files
 *   ./classify_files model.safetensors cat.jpg dog.png pictures/
 *
 * The model file says how a picture becomes the network's input and what its classes are called.
 *
 * test-args: @MODEL@ @SOURCE@/docs/curves.png @DATA@/t10k-images-idx3-ubyte
 */
#include <googlenet.h>

struct job {
    const struct gn_net_info *net;
    const char *path; /* the first of a set */
    const gn_dataset *images;
};

/* Prints the line of one image; a picture that cannot be read is named and left out. */
static int print_answer(const struct gn_answer *answer, void *user)
{
    const struct job *job = user;
    const char *file = gn_dataset_file(job->images, answer->index); /* NULL: of an IDX file */
    char label[64];
    int class;
    if (answer->logits == NULL) {
        fprintf(stderr, "left out: %s\n", answer->message);
        return 0;
    }
    (void)gn_top_classes(answer->logits, job->net->classes, 1, &class);
    printf("%s image %llu: ", file == NULL ? job->path : file, (unsigned long long)answer->index);
    if (job->net->labels == NULL)
        printf("class %d\n", class);
    else
        printf("%s\n", gn_printable(label, sizeof label, job->net->labels[class]));
    return 0;
}

/* Answers for one set: a folder, an IDX file, or all pictures that follow each other. */
static gn_status classify(gn_predictor *predictor, const struct gn_net_info *net,
                          const char *const *paths, size_t n, size_t *taken)
{
    gn_dataset *images = gn_open_image_files(paths, n, 0, taken);
    struct gn_dataset_info set = { 0 };
    struct job job = { .net = net, .path = paths[0], .images = images };
    gn_status status = gn_dataset_describe(images, &set);
    const struct gn_predict_options all = { .data = images, .n = set.samples };
    if (status == GN_OK)
        status = gn_predictor_each(predictor, &all, print_answer, &job);
    gn_close_dataset(images);
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: classify_files MODEL FILE...\n");
        return 2;
    }
    gn_net *net = gn_load(argv[1]);
    struct gn_net_info info = { 0 };
    gn_status status = gn_net_describe(net, &info);
    /* Weights are packed and memory is laid out once, for 16 images at a time. */
    gn_predictor *predictor = gn_predictor_create(net, 16);
    const size_t n = (size_t)argc;
    for (size_t i = 2, taken = 1; i < n && status == GN_OK; i += taken)
        status = classify(predictor, &info, (const char *const *)argv + i, n - i, &taken);
    if (status != GN_OK)
        fprintf(stderr, "%s\n", gn_error_message());
    gn_predictor_free(predictor);
    gn_free_net(net);
    return status != GN_OK;
}
