/*
 * The answers of an ONNX file to numbers, for check_backend.py: MODEL.onnx DIMS... reads float32 values in
 * the file's own order from stdin and writes the logits to stdout. 2: the file is refused, with a
 * sentence on stderr; 1: something else went wrong.
 */
#include <googlenet.h>
#include <stdlib.h>

/* From the file's order, NCHW or NHWC, to ours, with what the file does to its input first. */
static float *ours(const float *from, const int *dims, const gn_net *net)
{
    struct gn_net_info info;
    struct gn_pixel_options p;
    if (gn_net_describe(net, &info) != GN_OK || gn_net_pixels(net, &p) != GN_OK)
        return NULL;
    const int h = info.size_h, w = info.size_w, c = info.channels;
    const bool nchw = dims[1] == c && dims[2] == h && dims[3] == w;
    float *to = malloc((size_t)dims[0] * (size_t)h * (size_t)w * (size_t)c * sizeof *to);
    for (int n = 0; to != NULL && n < dims[0]; n++)
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                for (int k = 0; k < c; k++) {
                    const int from_k = p.bgr ? c - 1 - k : k;
                    const int at = nchw ? ((n * c + from_k) * h + y) * w + x
                                        : ((n * h + y) * w + x) * c + from_k;
                    to[((n * h + y) * w + x) * c + k] =
                        p.affine ? from[at] * (float)p.factor[k] + (float)p.summand[k] : from[at];
                }
    return to;
}

int main(int argc, char **argv)
{
    int dims[4];
    size_t count = 1;
    for (int i = 0; i < 4; i++) {
        dims[i] = argc == 6 ? atoi(argv[2 + i]) : 0;
        count *= (size_t)dims[i];
    }
    float *values = malloc(count * sizeof *values + 1);
    if (argc != 6 || values == NULL || fread(values, sizeof *values, count, stdin) != count)
        return 1;
    gn_net *net = gn_import(argv[1]);
    if (net == NULL) {
        fprintf(stderr, "%s\n", gn_error_message());
        free(values);
        return 2;
    }
    struct gn_net_info info;
    int code = 1;
    float *inputs = ours(values, dims, net);
    float *logits = gn_net_describe(net, &info) == GN_OK
                        ? malloc((size_t)dims[0] * (size_t)info.classes * sizeof *logits)
                        : NULL;
    if (inputs != NULL && logits != NULL &&
        gn_predict(net, logits, NULL, .inputs = inputs, .n = (uint64_t)dims[0]) == GN_OK) {
        const size_t n = (size_t)dims[0] * (size_t)info.classes;
        code = fwrite(logits, sizeof *logits, n, stdout) == n ? 0 : 1;
    } else {
        fprintf(stderr, "%s\n", gn_error_message());
    }
    free(logits);
    free(inputs);
    free(values);
    gn_free_net(net);
    return code;
}
