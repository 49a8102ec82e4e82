#!/usr/bin/env python3
"""Writes ONNX Runtime's own static quantisation of FROM/net.onnx as TO/net.onnx.

Usage: make_int8.py FROM TO. Pairs of QuantizeLinear and DequantizeLinear, bytes without sign for values,
weights with sign and a scale of each channel, ranges by the smallest and the largest value. Weights have 7
bits, as ours: without VNNI its kernels saturate with 8.
"""

import pathlib
import sys

import material
from onnxruntime import quantization


class Images(quantization.CalibrationDataReader):
    """The folder's images, one at a time."""

    def __init__(self, folder):
        images, _, _ = material.batch(folder, 10)
        self.rest = iter([{"images": image[None].transpose(0, 3, 1, 2)} for image in images])

    def get_next(self):
        return next(self.rest, None)


def main():
    whole, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    prepared = folder / "prepared.onnx"
    quantization.quant_pre_process(whole / "net.onnx", prepared, skip_symbolic_shape=True)
    quantization.quantize_static(
        prepared,
        folder / "net.onnx",
        Images(whole),
        quant_format=quantization.QuantFormat.QDQ,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        per_channel=True,
        reduce_range=True,
    )


if __name__ == "__main__":
    main()
