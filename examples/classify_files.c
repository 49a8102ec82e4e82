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

#include <stdlib.h>

static int best_of(const float *logits, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        if (logits[i] > logits[best])
            best = i;
    return best;
}

/* Prints a line for each image of `path`. */
static gn_status classify(gn_predictor *predictor, const struct gn_net_info *net, const char *path)
{
    gn_dataset *images = gn_open_images(path);
    struct gn_dataset_info set = { 0 };
    gn_status status = gn_dataset_describe(images, &set);
    float *logits = malloc((size_t)(set.samples + 1) * (size_t)net->classes * sizeof *logits);
    if (status == GN_OK && logits != NULL)
        status = gn_predictor_run(predictor, logits,
                                  &(struct gn_predict_options){ .data = images, .n = set.samples });
    for (uint64_t i = 0; status == GN_OK && logits != NULL && i < set.samples; i++) {
        const char *file = gn_dataset_file(images, i); /* NULL for images of an IDX file */
        char label[64];
        const int class = best_of(logits + i * (uint64_t)net->classes, net->classes);
        printf("%s%s%s image %llu: ", path, file == NULL ? "" : "/", file == NULL ? "" : file,
               (unsigned long long)i);
        if (net->labels == NULL)
            printf("class %d\n", class);
        else
            printf("%s\n", gn_printable(label, sizeof label, net->labels[class]));
    }
    free(logits);
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
    for (int i = 2; i < argc && status == GN_OK; i++)
        status = classify(predictor, &info, argv[i]);
    if (status != GN_OK)
        fprintf(stderr, "%s\n", gn_error_message());
    gn_predictor_free(predictor);
    gn_free_net(net);
    return status != GN_OK;
}
