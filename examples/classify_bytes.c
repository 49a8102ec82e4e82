/*
 * What a server does: one copy of the weights, a predictor for each of its threads, and pictures that
 * come as the bytes of a JPEG or PNG file.
 *
 *   cc classify_bytes.c $(pkg-config --cflags --libs googlenet) -lpthread -o classify_bytes
 *   ./classify_bytes model.safetensors picture.png
 *
 * test-args: @MODEL@ @SOURCE@/docs/curves.png
 */
#include <googlenet.h>

#include <pthread.h>
#include <stdlib.h>

enum { THREADS = 2 };

struct file {
    void *bytes;
    size_t size;
};

static struct file read_file(const char *path)
{
    struct file file = { .bytes = malloc(1 << 20) };
    FILE *in = fopen(path, "rb");
    if (in != NULL && file.bytes != NULL)
        file.size = fread(file.bytes, 1, 1 << 20, in);
    if (in != NULL)
        fclose(in);
    return file;
}

struct worker {
    gn_net *net;
    gn_pack *pack;
    int classes, batch;
    struct file file;
    char line[128];
};

/* The bytes of the file are decoded, scaled and resized as the model says. */
static void *answer(void *argument)
{
    struct worker *w = argument;
    gn_predictor *predictor = gn_predictor_create(w->net, w->batch, .threads = 1, .pack = w->pack);
    const struct gn_file_bytes file = { .bytes = w->file.bytes, .size = w->file.size };
    float *logits = calloc((size_t)w->classes, sizeof *logits);
    double *probabilities = calloc((size_t)w->classes, sizeof *probabilities);
    int class;
    if (logits != NULL && probabilities != NULL &&
        gn_predictor_run(predictor, logits,
                         &(struct gn_predict_options){ .files = &file, .n = 1 }) == GN_OK &&
        gn_softmax(logits, w->classes, probabilities) == GN_OK &&
        gn_top_classes(logits, w->classes, 1, &class) == 1)
        snprintf(w->line, sizeof w->line, "class %d with probability %.3f", class,
                 probabilities[class]);
    else
        snprintf(w->line, sizeof w->line, "%.120s", gn_error_message());
    free(logits);
    free(probabilities);
    gn_predictor_free(predictor);
    return NULL;
}

/* The same in single steps, for programs that look at the pixels or keep the inputs. */
static gn_status step_by_step(gn_net *net, const struct gn_net_info *info, struct file file)
{
    struct gn_image image = { 0 };
    float *input =
        calloc((size_t)info->size_h * (size_t)info->size_w * (size_t)info->channels, sizeof *input);
    float *logits = calloc((size_t)info->classes, sizeof *logits);
    gn_preprocessor *preprocessor = gn_preprocessor_create_with(net, NULL);
    gn_status status = gn_image_measure(file.bytes, file.size, &image); /* looks at the header */
    if (status == GN_OK && image.height > 10000)
        printf("%d rows: a server may refuse it here\n", image.height);
    if (status == GN_OK)
        status = gn_image_decode(file.bytes, file.size, &image);
    if (status == GN_OK) {
        printf("%d x %d pixels, %d channels\n", image.height, image.width, image.channels);
        status = gn_preprocess(preprocessor, &image, 0, input);
    }
    if (status == GN_OK) /* or at once, from the bytes */
        status = gn_preprocess_file(preprocessor, file.bytes, file.size, input);
    if (status == GN_OK)
        status = gn_predict(net, logits, NULL, .n = 1, .inputs = input);
    gn_free_image(&image);
    gn_preprocessor_free(preprocessor);
    free(input);
    free(logits);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: classify_bytes MODEL PICTURE\n");
        return 2;
    }
    gn_net *net = gn_load(argv[1]);
    struct gn_net_info info = { 0 };
    gn_status status = gn_net_describe(net, &info);
    struct file file = read_file(argv[2]);
    if (gn_net_not_finite(net) != NULL)
        printf("tensor %s holds a value that is not finite\n", gn_net_not_finite(net));
    if (status == GN_OK)
        status = step_by_step(net, &info, file);

    gn_pack *pack = gn_pack_create(net);
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    int n = 0;
    for (; n < THREADS && status == GN_OK; n++) {
        workers[n] = (struct worker){ net, pack, info.classes, 1 + n, file, "" };
        if (pthread_create(&threads[n], NULL, answer, &workers[n]) != 0)
            break;
    }
    for (int i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
        printf("%s\n", workers[i].line);
    }
    printf("packed weights: %llu bytes\n", (unsigned long long)gn_pack_bytes(pack));
    if (status != GN_OK)
        fprintf(stderr, "%s\n", gn_error_message());
    gn_pack_free(pack);
    gn_free_net(net);
    free(file.bytes);
    return status != GN_OK;
}
