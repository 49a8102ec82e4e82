#!/usr/bin/env python3
"""Writes tests/golden/lars.safetensors: LARS as timm (PyTorch) and tf-models-official compute it.

    tools/peers-venv.sh /tmp/peers
    /tmp/peers/bin/pip install --no-deps timm==1.0.31 tf-models-official==2.20.0 tf_keras==2.21.0
    /tmp/peers/bin/python tools/golden/make_lars.py tests/golden

tests/golden/README.md explains the file. The two differ in one thing: the ratio's denominator is
|g| + decay * |w| in the paper (arXiv 1708.03888) and in timm, and |g + decay * w| in TensorFlow's,
so only timm's has cases with decay; and timm multiplies by the rate after the momentum, so only
TensorFlow's, which does as the paper, has a rate that changes. Either in a process of its own: with
one of the two not installed, the cases of the other are kept as the file has them.
"""

import argparse
import importlib.metadata
import importlib.util
import math
import os
import sys
import types

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

import draws
import tensors

SEED = 0
KERNEL_SHAPE, BIAS_SHAPE, STEPS = (6, 5), (5,), 10
FALLING = [2.0 / (1 + k) for k in range(STEPS)]


def start():
    kernel = draws.symmetric(SEED, 5200, math.prod(KERNEL_SHAPE), 1.0).reshape(KERNEL_SHAPE)
    return kernel, draws.symmetric(SEED, 5201, BIAS_SHAPE[0], 1.0)


def gradients(k, scale):
    kernel = draws.symmetric(SEED, 5000 + k, math.prod(KERNEL_SHAPE), scale).reshape(KERNEL_SHAPE)
    return kernel, draws.symmetric(SEED, 5100 + k, BIAS_SHAPE[0], scale)


def module_of(package, folder, name):
    """One file of a package and its neighbours, without all that the package itself needs."""
    found = importlib.util.find_spec(package)
    parent = types.ModuleType("lars_of_" + package)
    parent.__path__ = [os.path.join(found.submodule_search_locations[0], folder)]
    sys.modules[parent.__name__] = parent
    return importlib.import_module(f"{parent.__name__}.{name}")


def by_timm(out):
    """Rate 2, trust 0.001; epsilon 0, so that the ratio is the paper's; the kernel is adapted with and
    without decay, the bias never."""
    import torch

    lars = module_of("timm", "optim", "lars").Lars
    cases = {
        "timm": (dict(momentum=0.9, weight_decay=0.0005), 1.0),
        "timm_nesterov": (dict(momentum=0.9, weight_decay=0.0005, nesterov=True), 1.0),
        "timm_no_decay": (dict(momentum=0.9, weight_decay=0.0), 1.0),
        "timm_no_momentum": (dict(momentum=0.0, weight_decay=0.0005), 1.0),
        "timm_large_decay": (dict(momentum=0.9, weight_decay=0.1, trust_coeff=0.02), 1.0),
        "timm_small_gradients": (dict(momentum=0.9, weight_decay=0.0005), 2.0**-23),
    }
    for name, (options, scale) in cases.items():
        kernel, bias = (torch.nn.Parameter(torch.tensor(x)) for x in start())
        common = dict(lr=2.0, eps=0.0, foreach=False) | options
        optimizers = [
            lars([kernel], always_adapt=True, **common),
            lars([bias], always_adapt=False, **(common | {"weight_decay": 0.0})),
        ]
        kernels, biases = [], []
        for k in range(STEPS):
            kernel.grad, bias.grad = (torch.tensor(x) for x in gradients(k, scale))
            for optimizer in optimizers:
                optimizer.step()
            kernels.append(kernel.detach().numpy().copy())
            biases.append(bias.detach().numpy().copy())
        out[f"{name}.kernel"], out[f"{name}.bias"] = np.stack(kernels), np.stack(biases)
    return f"timm {importlib.metadata.version('timm')}, torch {torch.__version__}"


def by_tensorflow(out):
    """Momentum 0.9, trust 0.001, no decay; a rate of 2, or of 2 / step."""
    import tensorflow as tf

    lars = module_of("official", "modeling/optimization", "lars").LARS
    cases = {
        "tf": (dict(), [2.0] * STEPS),
        "tf_falling": (dict(), FALLING),
        "tf_nesterov_falling": (dict(nesterov=True), FALLING),
    }
    for name, (options, rates) in cases.items():
        optimizer = lars(rates[0], exclude_from_layer_adaptation=["bias"], **options)
        kernel, bias = (tf.Variable(x, name=n) for x, n in zip(start(), ("kernel", "bias")))
        kernels, biases = [], []
        for k, rate in enumerate(rates):
            optimizer.learning_rate = rate
            optimizer.apply_gradients(zip(map(tf.constant, gradients(k, 1.0)), (kernel, bias)))
            kernels.append(kernel.numpy().copy())
            biases.append(bias.numpy().copy())
        out[f"{name}.kernel"], out[f"{name}.bias"] = np.stack(kernels), np.stack(biases)
    return f"tf-models-official {importlib.metadata.version('tf-models-official')}, " \
           f"tensorflow {tf.__version__}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="where the file goes, e.g. tests/golden")
    path = f"{parser.parse_args().folder}/lars.safetensors"
    out, versions = {}, {}
    if os.path.exists(path):
        out, kept = tensors.load(path)
        versions = {k: v for k, v in kept.items() if k.startswith("versions_")}
    for name, make, package in (("timm", by_timm, "torch"), ("tf", by_tensorflow, "tensorflow")):
        if importlib.util.find_spec(package) is not None:
            versions["versions_" + name] = make(out)
    metadata = {
        "script": "tools/golden/make_lars.py",
        "content": "LARS, kernel [10][6][5] and bias [10][5] after each step",
        "seed": SEED,
        "purpose": draws.PURPOSE,
    }
    tensors.save(path, out, metadata | versions)
    print(path, versions)


if __name__ == "__main__":
    main()
