"""Imports ONNX's own model zoo with random weights and compares the answers.

The package `onnx` has the graphs of its model zoo without weights ("light"). Each gets random weights here,
is imported, exported again, and both files are run by ONNX Runtime on the same random input: equal to
1e-4 relative, or refused with a sentence. Run: python tools/exchange/check_import.py
[build/googlenet] (needs numpy, onnx, onnxruntime).
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

LIGHT = pathlib.Path(onnx.__file__).parent / "backend/test/data/light"
MUST = {"light_inception_v1", "light_inception_v2", "light_densenet121"}


def randomise(model, rng):
    """Replaces ConstantOfShape nodes by initialisers with random values that keep signals alive."""
    shapes = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    keep = []
    for node in model.graph.node:
        if node.op_type != "ConstantOfShape" or node.input[0] not in shapes:
            keep.append(node)
            continue
        shape = tuple(int(n) for n in shapes[node.input[0]])
        fan = max(1, int(np.prod(shape[1:])))
        if len(shape) > 1:
            values = rng.normal(0, (2 / fan) ** 0.5, shape)
        else:
            values = rng.uniform(0.5, 1.5, shape)  # also variances: above 0
        model.graph.initializer.append(
            numpy_helper.from_array(values.astype(np.float32), node.output[0]))
    del model.graph.node[:]
    model.graph.node.extend(keep)


def run(path, x):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]
    return session.run(None, {names[0]: x})[0]


def check(program, source, folder):
    model = onnx.load(source)
    rng = np.random.default_rng(1)
    randomise(model, rng)
    known = {i.name for i in model.graph.initializer}
    image = next(i for i in model.graph.input if i.name not in known)
    shape = [d.dim_value for d in image.type.tensor_type.shape.dim]
    if model.graph.node[-1].op_type == "Softmax":  # it would hide differences
        model.graph.output[0].name = model.graph.node[-1].input[0]
        del model.graph.node[-1]
    theirs, ours, back = (str(folder / n) for n in ("theirs.onnx", "m.safetensors", "back.onnx"))
    onnx.save(model, theirs)
    done = subprocess.run([program, "import", theirs, ours, "-q"], capture_output=True, text=True)
    if done.returncode:
        print(f"{source.stem}: {done.stderr.splitlines()[0].split(': ', 2)[-1]}", flush=True)
        return source.stem not in MUST
    subprocess.run([program, "export", ours, back, "-q"], check=True)
    x = rng.normal(0, 1, shape).astype(np.float32)
    a, b = run(theirs, x).ravel(), run(back, x).ravel()
    error = np.abs(a - b).max() / np.abs(a).max()
    print(f"{source.stem}: largest difference {error:.1e} of the largest value", flush=True)
    return error <= 1e-4


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else "build/googlenet"
    with tempfile.TemporaryDirectory() as name:
        good = [check(program, path, pathlib.Path(name)) for path in sorted(LIGHT.glob("*.onnx"))
                if path.stem not in ("light_vgg19", "light_bvlc_alexnet", "light_zfnet512")]
    print("good" if all(good) else "FAILED")
    sys.exit(not all(good))


if __name__ == "__main__":
    main()
