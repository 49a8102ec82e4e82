#!/usr/bin/env python3
"""Writes tests/golden/explain.safetensors: Grad-CAM and occlusion of a small network.

    /tmp/peers/bin/python tools/golden/make_explain.py tests/golden

The network has what GoogLeNet and its family are made of: strided SAME convolutions, a normalisation
with running statistics, an Inception block, pools, a dense layer (tests/infer/test_explain.c builds
the same). Everything is computed by PyTorch in float64, gradients by its automatic differentiation. The
file holds the parameters, an image, and for two classes the Grad-CAM maps of three layers and the
occlusion maps.
"""

import os
import sys

import numpy as np

import tensors

SIZE, CHANNELS, CLASSES = 24, 3, 5
WANTED = [3, 0]
WINDOW, STRIDE, EPS = 7, 3, 1e-3
LAYERS = ["second.relu", "block", "last"]


def parameters(rng):
    """Tensors by our names, in our layouts."""
    made = {}

    def conv(name, k, cin, cout, bias=True):
        made[name + ".weight"] = rng.normal(0, np.sqrt(2 / (k * k * cin)), (k, k, cin, cout))
        if bias:
            made[name + ".bias"] = rng.normal(0, 0.1, cout)

    conv("first", 3, CHANNELS, 8)
    conv("second", 3, 8, 12, bias=False)
    made["second.norm.gamma"] = rng.uniform(0.5, 1.5, 12)
    made["second.norm.beta"] = rng.normal(0, 0.2, 12)
    made["second.norm.mean"] = rng.normal(0, 0.3, 12)
    made["second.norm.variance"] = rng.uniform(0.5, 1.5, 12)
    conv("block.p1_1", 1, 12, 4)
    conv("block.p2_1", 1, 12, 4)
    conv("block.p2_2", 3, 4, 6)
    conv("block.p3_1", 1, 12, 2)
    conv("block.p3_2", 5, 2, 4)
    conv("block.p4_2", 1, 12, 4)
    conv("last", 3, 18, 16)
    made["dense.weight"] = rng.normal(0, 2, (16, CLASSES))
    made["dense.bias"] = rng.normal(0, 0.1, CLASSES)
    return {name: value.astype(np.float32) for name, value in made.items()}


class Torch:
    """Layers in PyTorch's NCHW; arrays between them are NHWC."""

    def __init__(self):
        import torch

        self.torch = torch

    def array(self, value):
        return self.torch.tensor(np.asarray(value, dtype=np.float64))

    def pad(self, x, k, stride, value):
        n = x.shape[1]
        total = max((-(-n // stride) - 1) * stride + k - n, 0)
        side = (total // 2, total - total // 2)
        return self.torch.nn.functional.pad(x.permute(0, 3, 1, 2), side + side, value=value)

    def conv(self, x, w, b, stride):
        y = self.torch.nn.functional.conv2d(self.pad(x, w.shape[0], stride, 0.0),
                                            w.permute(3, 2, 0, 1), b, stride)
        return y.permute(0, 2, 3, 1)

    def relu(self, x):
        return self.torch.relu(x)

    def pool(self, x, k, stride):
        padded = self.pad(x, k, stride, -float("inf"))
        return self.torch.nn.functional.max_pool2d(padded, k, stride).permute(0, 2, 3, 1)

    def concat(self, parts):
        return self.torch.cat(parts, dim=-1)

    def mean(self, x):
        return x.mean(dim=(1, 2))

    def softmax(self, logits):
        return self.torch.softmax(logits, dim=-1)

    def gradient(self, function, value):
        leaf = value.detach().clone().requires_grad_(True)
        function(leaf).backward()
        return leaf.grad.numpy()


def run(lib, p, x, start=None):
    """Logits and the values of LAYERS; from layer `start` on, whose value x is then."""
    seen = {}

    def keep(name, value):
        seen[name] = value
        return value

    def conv(name, x, stride=1):
        return lib.conv(x, p[name + ".weight"], p.get(name + ".bias"), stride)

    begun = LAYERS.index(start) if start else -1
    if begun < 0:
        x = lib.relu(conv("first", x, 2))
        x = conv("second", x)
        scale = p["second.norm.gamma"] / (p["second.norm.variance"] + np.float64(np.float32(EPS))) ** 0.5
        x = keep("second.relu", lib.relu((x - p["second.norm.mean"]) * scale + p["second.norm.beta"]))
    if begun < 1:
        x = keep("block", lib.concat([
            lib.relu(conv("block.p1_1", x)),
            lib.relu(conv("block.p2_2", lib.relu(conv("block.p2_1", x)))),
            lib.relu(conv("block.p3_2", lib.relu(conv("block.p3_1", x)))),
            lib.relu(conv("block.p4_2", lib.pool(x, 3, 1)))]))
    if begun < 2:
        x = keep("last", lib.relu(conv("last", lib.pool(x, 3, 2))))
    return lib.mean(x) @ p["dense.weight"] + p["dense.bias"], seen


def grad_cam(lib, p, value, layer, label):
    gradient = lib.gradient(lambda v: run(lib, p, v, layer)[0][0, label], value)
    weights = gradient.mean(axis=(1, 2))[0]
    return np.maximum((np.asarray(value)[0] * weights).sum(axis=-1), 0)


def occlusion(lib, p, image):
    """The mean fall of each wanted class's probability over the squares that cover a pixel."""
    before = np.asarray(lib.softmax(run(lib, p, lib.array(image))[0]))[0]
    last = SIZE - WINDOW
    places = list(range(0, last, STRIDE)) + [last]
    falls, counts = np.zeros((len(WANTED), SIZE, SIZE)), np.zeros((SIZE, SIZE))
    for top in places:
        for left in places:
            covered = image.astype(np.float64).copy()
            covered[0, top:top + WINDOW, left:left + WINDOW] = image.astype(np.float64).mean((0, 1, 2))
            after = np.asarray(lib.softmax(run(lib, p, lib.array(covered))[0]))[0]
            counts[top:top + WINDOW, left:left + WINDOW] += 1
            for i, label in enumerate(WANTED):
                falls[i, top:top + WINDOW, left:left + WINDOW] += before[label] - after[label]
    return falls / counts


def main():
    lib = Torch()
    rng = np.random.default_rng(14)
    values = parameters(rng)
    image = rng.uniform(0, 1, (1, SIZE, SIZE, CHANNELS)).astype(np.float32)
    p = {name: lib.array(value) for name, value in values.items()}
    logits, seen = run(lib, p, lib.array(image))
    out = dict(values)
    out["image"], out["logits"] = image, np.asarray(logits, dtype=np.float32)
    for layer in LAYERS:
        out["cam." + layer] = np.stack([grad_cam(lib, p, seen[layer], layer, label)
                                        for label in WANTED]).astype(np.float32)
    out["occlusion"] = occlusion(lib, p, image).astype(np.float32)
    for name, value in out.items():
        if name.startswith("cam.") or name == "occlusion":
            print(name, value.shape, value.min(), value.max())
    tensors.save(os.path.join(sys.argv[1], "explain.safetensors"), out,
                 {"pytorch": lib.torch.__version__, "numpy": np.__version__})


main()
