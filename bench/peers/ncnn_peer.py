#!/usr/bin/env python3
"""Times a forward pass of the network in ncnn: fp32, its Winograd kernels on.

ncnn has no batches: the images go through one after the other, each on all threads.
"""

import os

import material
import measure
import numpy as np


def main():
    args = measure.parser(__doc__.splitlines()[0]).parse_args()
    import ncnn

    images, _, _ = material.batch(args.material, args.batch)
    net = ncnn.Net()
    net.opt.num_threads = args.threads
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    net.load_param(os.path.join(args.material, "net.param"))
    net.load_model(os.path.join(args.material, "net.bin"))
    inputs = [ncnn.Mat(image[None, :, :, 0]).clone() for image in images]

    def forward():
        logits = []
        for image in inputs:
            extractor = net.create_extractor()
            extractor.input("images", image)
            logits.append(np.array(extractor.extract("logits")[1]))
        return np.stack(logits)

    measure.serve(args, forward, forward, f"ncnn {ncnn.__version__}", "fp32, Winograd")


if __name__ == "__main__":
    main()
