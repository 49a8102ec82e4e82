"""Loads what we export into Keras, compares the answers, and brings back what Keras saves.

A small network with blocks and normalisation goes out in both forms of the block and both formats; Keras loads
each through the Python file next to it, .keras also by load_model, and its logits are compared with those of ONNX Runtime for the same
network; then Keras saves the weights and we import them. Run: python tools/exchange/check_keras.py
[build/googlenet] (needs keras with jax or tensorflow, numpy, onnxruntime; minutes on a slow machine).
"""

import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
import onnxruntime

NET = """input 32 1
classes 3
norm keras
stage b1
conv conv 4 7 2
max pool 3 2
stage b2
inception i1 2 2 3 1 2 2
inception i2 3 2 4 2 3 2
mean
stage
output dense
"""


def check(program, folder, x, wanted, file, block):
    def run(*arguments):
        subprocess.run([program, *arguments, "-q"], check=True, cwd=folder,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    run("export", "tiny.net", file, "--keras-block", block)
    spec = importlib.util.spec_from_file_location("model", folder / "a.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = module.load(folder / file)
    if file.endswith(".keras"):  # also without load(), now that the class is known
        model = keras.saving.load_model(folder / file)
    error = np.abs(np.asarray(model(x)) - wanted).max() / np.abs(wanted).max()
    model.save_weights(folder / "back.weights.h5")
    run("import", "back.weights.h5", "back.safetensors", "--model", "tiny.net")
    run("verify", "tiny.net", "back.safetensors", "--tol", "0")
    print(f"{file}, block as a {block}: {error:.1e} of the largest logit, back equal", flush=True)
    return error <= 1e-4


def main():
    program = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build/googlenet")
    x = np.random.default_rng(0).random((2, 32, 32, 1)).astype(np.float32)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "tiny.net").write_text(NET)
        subprocess.run([program, "export", "tiny.net", "tiny.onnx", "-q"], check=True, cwd=folder,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        session = onnxruntime.InferenceSession(str(folder / "tiny.onnx"))
        wanted = session.run(None, {"input": x.transpose(0, 3, 1, 2)})[0]
        good = [check(program, folder, x, wanted, file, block)
                for file in ("a.weights.h5", "a.h5", "a.keras") for block in ("layer", "model")]
    print("good" if all(good) else "FAILED")
    sys.exit(not all(good))


if __name__ == "__main__":
    main()
