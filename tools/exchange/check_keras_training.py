"""Trains the notebook's network in Keras, brings it here, and compares logits and accuracy on 1,000 images.

Fashion-MNIST at 28x28; a short training is enough for answers that differ. Each way out of Keras that this version
has is imported: logits must agree to 1e-4 of the largest, and the accuracy exactly.
Run: python tools/exchange/check_keras_training.py FOLDER_OF_IDX [build/googlenet [FORM]] (needs Keras and numpy).
"""

import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.update(SIDE="28", CLASSES="10", CHANNELS="1")
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import make_keras  # noqa: E402  reads the environment
import numpy as np  # noqa: E402
from make_keras import keras  # noqa: E402

TRAIN, TEST = 1920, 1000


def read(folder, name):
    path = folder / name
    data = path.read_bytes() if path.exists() else gzip.open(f"{path}.gz").read()
    return np.frombuffer(data, np.uint8, offset=8 if "idx1" in name else 16)


def answers(program, folder, data, file):
    """Logits of the first images of the test set, and the accuracy."""
    subprocess.run([program, "import", file, "back.safetensors", "--size", "28", "-q"], check=True, cwd=folder)
    test = data / "t10k-images-idx3-ubyte"
    test = test if test.exists() else pathlib.Path(f"{test}.gz")
    lines = subprocess.run([program, "predict", "back.safetensors", str(test), "--limit", str(TEST),
                            "--logits", "--json"], check=True, cwd=folder, capture_output=True, text=True).stdout
    logits = np.array([json.loads(line)["logits"] for line in lines.splitlines()])
    score = subprocess.run([program, "eval", "back.safetensors", "--data", str(data), "--limit", str(TEST),
                            "--json"], check=True, cwd=folder, capture_output=True, text=True).stdout
    return logits, json.loads(score)["accuracy"]


def main():
    data = pathlib.Path(sys.argv[1]).resolve()
    program = os.path.abspath(sys.argv[2] if len(sys.argv) > 2 else "build/googlenet")
    form = sys.argv[3] if len(sys.argv) > 3 else "layer"
    images = lambda name: read(data, name).reshape(-1, 28, 28, 1).astype(np.float32) / np.float32(255)
    x, y = images("train-images-idx3-ubyte")[:TRAIN], read(data, "train-labels-idx1-ubyte")[:TRAIN]
    test = images("t10k-images-idx3-ubyte")[:TEST]
    labels = read(data, "t10k-labels-idx1-ubyte")[:TEST]
    model = make_keras.make(form)
    model.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, batch_size=64, epochs=4, verbose=2)
    wanted = np.asarray(model.predict(test, verbose=0))
    accuracy = float((wanted.argmax(1) == labels).mean())
    good = True
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        ways = [("a.weights.h5", model.save_weights), ("a.keras", model.save)]
        if int(keras.__version__.split(".")[0]) < 3:
            ways += [("b.h5", model.save_weights), ("c", model.save_weights)]
        for file, save in ways:
            save(str(folder / file))
            logits, ours = answers(program, folder, data, "c.index" if file == "c" else file)
            error = np.abs(logits - wanted).max() / np.abs(wanted).max()
            same = ours == accuracy
            good &= error <= 1e-4 and same
            print(f"Keras {keras.__version__}, {form}, {file}: {error:.1e} of the largest logit, accuracy "
                  f"{accuracy} there, {ours} here", flush=True)
    print("good" if good else "FAILED")
    sys.exit(not good)


if __name__ == "__main__":
    main()
