#!/usr/bin/env python3
"""Compares the golden files of the network with PyTorch: a second opinion on Keras.

    /tmp/peers/bin/python tools/golden/check_golden.py tests/golden

Everything is computed in float64 from the formula and the stored biases and variants, as a C test
has to do it, and with the padding that bench/peers/torch_network.py spells out.
"""

import os
import sys

import numpy as np
import torch

import draws
import network
import tensors

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../bench/peers"))
import torch_network

SEED = 0
LIMIT = 1e-6  # the files hold float32


def to_torch(value):
    """HWIO to OIHW, [in][out] to [out][in]; biases as they are."""
    axes = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[value.ndim]
    return torch.from_numpy(value.astype(np.float64).transpose(axes).copy())


def from_torch(value):
    axes = {4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}[value.ndim]
    return value.numpy().transpose(axes)


def model_with(parameters):
    model = torch_network.GoogLeNet().double()
    with torch.no_grad():
        for target, value in zip(model.parameters(), parameters, strict=True):
            target.copy_(to_torch(value))
    return model


def images(count, size):
    x = draws.images(SEED, 0, count, size).astype(np.float64)
    return torch.from_numpy(x.transpose(0, 3, 1, 2).copy())


def compare(what, ours, golden):
    error = np.linalg.norm(ours - golden) / np.linalg.norm(golden)
    if not error < LIMIT:
        raise SystemExit(f"check_golden: {what} differs by {error:.2e}")
    return error


def check_forward(folder, size, count):
    golden, _ = tensors.load(f"{folder}/forward_{size}.safetensors")
    model = model_with(network.formula_parameters(SEED, 0.1))
    worst = 0.0
    with torch.no_grad():
        x = images(count, size)
        for stage, name in enumerate(network.STAGES + ["dense"]):
            x = getattr(model, name)(x)
            y = x.numpy() if x.ndim == 2 else x.numpy().transpose(0, 2, 3, 1)
            name = "logits" if name == "dense" else name
            worst = max(worst, compare(name, np.array([np.linalg.norm(y)]), golden[name + ".l2"]))
            if name in golden:
                worst = max(worst, compare(name, y, golden[name]))
            else:
                index = draws.sample_indices(SEED, 3000 + stage, 1000, y.size)
                worst = max(worst, compare(name, y.ravel()[index], golden[name + ".sample"]))
    print(f"forward {size}: within {worst:.1e}")


def gradient_parameters(golden):
    out = []
    for number, (layer, shape) in enumerate(network.LAYERS):
        variants = golden.get(layer + ".variant", np.zeros(shape[-1]))
        kernel = np.empty(shape, np.float32)
        for v in np.unique(variants):
            fresh = network.formula_weight(SEED, number, shape, int(v))
            kernel[..., variants == v] = fresh[..., variants == v]
        out += [kernel, golden[layer + ".bias"]]
    return out


def check_gradients(folder):
    golden, _ = tensors.load(f"{folder}/gradients_96.safetensors")
    model = model_with(gradient_parameters(golden))
    count = golden["logits"].shape[0]
    logits = model(images(count, 96))
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(draws.labels(SEED, 0, count)))
    loss.backward()
    compare("logits", logits.detach().numpy(), golden["logits"])
    worst = compare("loss", np.array([loss.item()]), golden["loss"])
    for t, (name, p) in enumerate(zip(network.TENSOR_NAMES, model.parameters(), strict=True)):
        g = from_torch(p.grad).ravel()
        worst = max(worst, compare(name, np.array([np.linalg.norm(g)]), golden[f"grad.{name}.l2"]))
        if g.size > 64:
            g = g[draws.sample_indices(SEED, 3100 + t, 64, g.size)]
        worst = max(worst, compare(name, g, golden[f"grad.{name}.sample"]))
    print(f"gradients 96: within {worst:.1e}")


def main():
    if len(sys.argv) != 2:
        raise SystemExit("usage: check_golden.py FOLDER")
    check_forward(sys.argv[1], 96, 4)
    check_forward(sys.argv[1], 224, 1)
    check_gradients(sys.argv[1])


if __name__ == "__main__":
    main()
