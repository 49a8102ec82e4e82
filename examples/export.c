/*
 * Writes a model as ONNX, for ONNX Runtime, OpenVINO, ncnn and others: once for callers that prepare
 * the pictures, once with the preparation in the graph; and reads it back.
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
    if (back == NULL || gn_save(back, "back.safetensors") != GN_OK)
        fprintf(stderr, "%s\n", gn_error_message());
    gn_free_net(back);
    printf("model.onnx takes numbers that are made so: %s\nbytes.onnx takes bytes of pictures\n",
           steps);
    gn_free_net(net);
    return 0;
}
