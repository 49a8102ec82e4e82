#!/usr/bin/env python3
"""Times a forward pass of the network in OpenVINO: fixed shape, one stream on all threads, fp32."""

import os

import material
import measure


def main():
    args = measure.parser(__doc__.splitlines()[0]).parse_args()
    import openvino

    images, _, _ = material.batch(args.material, args.batch)
    x = images.transpose(0, 3, 1, 2)  # one channel: the same bytes
    core = openvino.Core()
    model = core.read_model(os.path.join(args.material, "net.onnx"))
    model.reshape(list(x.shape))
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": args.threads,
        "NUM_STREAMS": 1,
    }
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    request.set_input_tensor(openvino.Tensor(x, shared_memory=True))

    def forward():
        request.infer()
        return request.get_output_tensor().data

    version = f"openvino {openvino.__version__.split('-')[0]}"
    measure.serve(args, forward, forward, version, "f32")


if __name__ == "__main__":
    main()
