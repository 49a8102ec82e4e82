/*
 * Writes a model as ONNX, for ONNX Runtime, OpenVINO, ncnn and others: once for callers that prepare
 * the pictures, once with the preparation in the graph; reads it back, and sees that the answers are the
 * same.
 *
 *   cc export.c $(pkg-config --cflags --libs googlenet) -o export
 *   ./export model.safetensors
 *
 * test-args: @MODEL@
 */
#include <googlenet.h>

int main(int argc, char **argv)
{
    char steps[4096];
    struct gn_file_info info;
    struct gn_comparison both;
    if (argc != 2) {
        fprintf(stderr, "usage: export MODEL\n");
        return 2;
    }
    gn_net *net = gn_load(argv[1]);
    if (net == NULL || gn_export(net, "model.onnx") != GN_OK ||
        gn_export(net, "bytes.onnx", .embed_preprocessing = true, .softmax = true) != GN_OK ||
        gn_net_preprocess(net, steps, sizeof steps) != GN_OK) {
        fprintf(stderr, "%s\n", gn_error_message());
        gn_free_net(net);
        return 1;
    }
    gn_net *back = gn_import("model.onnx");
    if (back == NULL || gn_save(back, "back.safetensors") != GN_OK ||
        gn_file_describe("model.onnx", &info) != GN_OK ||
        gn_compare(net, back, &both, 16, .layers = true) != GN_OK)
        fprintf(stderr, "%s\n", gn_error_message());
    else
        printf("%s, %s: %s\n", info.format, info.version,
               both.within ? "the same answers" : both.first_layer);
    gn_free_net(back);
    printf("model.onnx takes numbers that are made so: %s\nbytes.onnx takes bytes of pictures\n",
           steps);
    gn_free_net(net);
    return 0;
}
