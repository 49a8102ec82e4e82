"""Writes a few of ONNX's backend cases, as check_backend.py wraps them, for tests/exchange/fixtures/backend.

NAME.onnx, its input in float32 and NHWC (NAME.input) and the answer (NAME.golden). Run: python
tools/exchange/make_backend.py CASES FOLDER (as for check_backend.py; needs numpy and onnx).
"""

import pathlib
import sys

import numpy as np
import onnx

import check_backend

NAMES = ["test_basic_conv_with_padding", "test_conv_with_strides_and_asymmetric_padding",
         "test_maxpool_2d_precomputed_pads", "test_maxpool_2d_ceil", "test_averagepool_2d_ceil",
         "test_averagepool_2d_precomputed_same_upper", "test_globalaveragepool",
         "test_batchnorm_example", "test_gemm_transposeB", "test_gemm_beta"]


def main():
    cases, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    for name in NAMES:
        path = cases / "node" / name
        data = path / "test_data_set_0"
        model = onnx.load(str(path / "model.onnx"))
        inputs = [check_backend.tensor(p) for p in sorted(data.glob("input_*.pb"))]
        output = check_backend.tensor(data / "output_0.pb")
        rows = check_backend.wrap(model, inputs, output)
        x = inputs[0].reshape(*inputs[0].shape, 1, 1) if inputs[0].ndim == 2 else inputs[0]
        answer = output.reshape(len(output), -1) @ rows.T
        onnx.save(model, str(folder / f"{name}.onnx"))
        np.ascontiguousarray(x.transpose(0, 2, 3, 1), "<f4").tofile(folder / f"{name}.input")
        answer.astype("<f4").tofile(folder / f"{name}.golden")


if __name__ == "__main__":
    main()
