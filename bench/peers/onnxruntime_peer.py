#!/usr/bin/env python3
"""Times a forward pass of the network in ONNX Runtime: all graph optimisations, fp32 or 8 bits."""

import os

import material
import measure


def main():
    parser = measure.parser(__doc__.splitlines()[0])
    parser.add_argument("--int8", action="store_true", help="the folder's files are quantised")
    args = parser.parse_args()
    import onnxruntime

    images, _, _ = material.batch(args.material, args.batch)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    session = onnxruntime.InferenceSession(
        os.path.join(args.material, "net.onnx"), options, providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name
    x = {name: images.transpose(0, 3, 1, 2)}  # one channel: the same bytes

    def forward():
        return session.run(None, x)[0]

    version = f"onnxruntime {onnxruntime.__version__}"
    if args.int8:
        setting = "int8 QDQ, a scale of each channel"
        measure.serve(args, forward, forward, version, setting, measure.INT8_TOLERANCE)
    else:
        measure.serve(args, forward, forward, version, "fp32")


if __name__ == "__main__":
    main()
