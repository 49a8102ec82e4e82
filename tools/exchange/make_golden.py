"""Writes the answers of ONNX Runtime to the ONNX files of a folder: NAME.golden, float32, two images.

The images are those of tests/exchange/test_fixtures.c. Run: python tools/exchange/make_golden.py
tests/exchange/fixtures (needs numpy, onnxruntime).
"""

import pathlib
import sys

import numpy as np
import onnxruntime

N, SIZE = 2, 16


def main():
    i = np.arange(N * SIZE * SIZE * 3, dtype=np.uint64)
    values = ((i * np.uint64(2654435761) >> np.uint64(7)) % np.uint64(1000)).astype(np.float32)
    nhwc = (values / np.float32(1000)).reshape(N, SIZE, SIZE, 3)
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        given = session.get_inputs()[0]
        x = nhwc if given.shape[3] == 3 else nhwc.transpose(0, 3, 1, 2)
        answers = session.run(None, {given.name: np.ascontiguousarray(x)})[0]
        answers.astype("<f4").tofile(path.with_suffix(".golden"))
        print(path.name, answers.shape, flush=True)


if __name__ == "__main__":
    main()
