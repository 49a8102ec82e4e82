#!/usr/bin/env python3
"""Writes tests/golden/variant_*.safetensors: one training step of each other preset.

    tools/peers-venv.sh /tmp/peers
    /tmp/peers/bin/python tools/golden/make_variants.py tests/golden keras
    /tmp/peers/bin/python tools/golden/make_variants.py tests/golden torch

googlenet-bn and googlenet-small are computed by Keras, googlenet-torchvision and googlenet-paper by PyTorch in float64: the
first by torchvision itself where it is installed (else by the same layers written here, which is
said), the second by a restatement of Caffe's train_val.prototxt. Dropout is left out. Kernels and
shifts are chosen by tie_free_variants.py and stand in the file where they are not the formula's. It holds
the losses before the step, norm and samples of each gradient, the running statistics behind the
step, and the logits that inference gives with them. Parameters, images and labels are those of
draws.py, tensor number t being its place in the model file.
"""

import os
import sys

import numpy as np

# TensorFlow and PyTorch do not bear each other in one process.
FRAMEWORK = sys.argv[2] if len(sys.argv) == 3 else "keras"
os.environ["KERAS_BACKEND"] = "torch" if FRAMEWORK == "torch" else "tensorflow"

import draws
import network  # first of the framework imports: it sets the environment
import tensors
import tie_free_variants

import keras

if FRAMEWORK == "torch":
    import torch
    from torch.nn import functional
else:
    import tensorflow as tf

SEED, SAMPLES, IMAGES, CLASSES = 0, 64, 4, 10
LIMIT_BIAS, LIMIT_GAMMA = 0.1, 0.3
HEAD_WEIGHT = 0.3
MARGIN = 2e-4 # of a layer's rms, around 0 and between the largest of a pooling window

# Name, kernel, stride and width of what comes before the blocks.
STEM = [("b1.conv", 7, 2, 64), ("b2.conv1", 1, 1, 64), ("b2.conv2", 3, 1, 192)]
SMALL_STEM = [("b1.conv", 3, 1, 32)]


class Table:
    """Names, shapes and values of a preset's tensors, in our order and layout."""

    def __init__(self, norm, channels, b5x5, head, stem=STEM, blocks=network.BLOCKS):
        self.names, self.values = [], {}
        cin = channels
        for name, k, _, width in stem:
            self.conv(name, k, cin, width, norm)
            cin = width
        for name, cin, c1, c2, c3, c4 in blocks:
            self.conv(name + ".p1_1", 1, cin, c1, norm)
            self.conv(name + ".p2_1", 1, cin, c2[0], norm)
            self.conv(name + ".p2_2", 3, *c2, norm)
            self.conv(name + ".p3_1", 1, cin, c3[0], norm)
            self.conv(name + ".p3_2", b5x5, *c3, norm)
            self.conv(name + ".p4_2", 1, cin, c4, norm)
        self.dense("dense", c1 + c2[1] + c3[1] + c4, CLASSES)
        for name, cin in [("aux1", 512), ("aux2", 528)] if head else []:
            self.conv(name + ".conv", 1, cin, 128, norm)
            self.dense(name + ".fc1", head * head * 128, 1024)
            self.dense(name + ".fc2", 1024, CLASSES)

    def add(self, name, shape, kind):
        t, count = len(self.names), int(np.prod(shape))
        if kind == "kernel":
            v = draws.symmetric(SEED, t, count, network.glorot_limit(shape))
        elif kind == "bias":
            v = draws.symmetric(SEED, t, count, LIMIT_BIAS)
        elif kind == "gamma":
            v = np.float32(1) + draws.symmetric(SEED, t, count, LIMIT_GAMMA)
        else:
            v = np.full(count, kind == "variance")
        self.names.append(name)
        self.values[name] = np.asarray(v, np.float32).reshape(shape)

    def conv(self, name, k, cin, cout, norm):
        self.add(name + ".weight", (k, k, cin, cout), "kernel")
        if norm:
            self.add(name + ".gamma", (cout,), "gamma")
            self.add(name + ".beta", (cout,), "bias")
            self.add(name + ".mean", (cout,), "mean")
            self.add(name + ".variance", (cout,), "variance")
        else:
            self.add(name + ".bias", (cout,), "bias")

    def dense(self, name, cin, cout):
        self.add(name + ".weight", (cin, cout), "kernel")
        self.add(name + ".bias", (cout,), "bias")

    def is_statistic(self, name):
        return name.endswith((".mean", ".variance"))


def convolve(x, kernel, stride):
    """Float64, NHWC and HWIO, without padding."""
    if FRAMEWORK == "keras":
        return tf.nn.conv2d(x, kernel, stride, "VALID").numpy()
    y = functional.conv2d(torch.tensor(x.transpose(0, 3, 1, 2).copy()),
                          torch.tensor(kernel.transpose(3, 2, 0, 1).copy()), stride=stride)
    return y.numpy().transpose(0, 2, 3, 1).copy()


def images(size, channels):
    return np.stack([draws.unit(SEED, 1000 + i, np.arange(size * size * channels))
                     for i in range(IMAGES)]).reshape(IMAGES, size, size, channels)


def choose(preset, table, size):
    """Moves the table's values away from ties; what a test must know of that, by tensor name."""
    variants, moved, margins = tie_free_variants.choose(
        preset, table, images(size, table.values["b1.conv.weight"].shape[2]), convolve, MARGIN)
    print(f"{preset}: {moved} shifts moved, {len(variants)} layers with variants, margins of ReLUs "
          f"and pools {margins[0]:.2e} {margins[1]:.2e}")
    chosen = {f"{name}.variant": v for name, v in variants.items()}
    chosen |= {n: v for n, v in table.values.items() if n.endswith((".bias", ".beta"))}
    return chosen, {"relu_margin": margins[0], "pool_margin": margins[1]}


def write(folder, preset, table, size, result, chosen, versions):
    """result: losses, logits, gradients and statistics by name, in our layout."""
    rows = {False: ([], []), True: ([], [])}
    for t, name in enumerate(table.names):
        statistic = table.is_statistic(name)
        values = np.asarray(result["after" if statistic else "gradients"][name], np.float64).ravel()
        index = draws.sample_indices(SEED, 4000 + t, SAMPLES, values.size)
        rows[statistic][0].append(np.linalg.norm(values))
        rows[statistic][1].append(values[index].astype(np.float32))
    out = {
        "losses": np.asarray(result["losses"], np.float64),
        "logits": np.asarray(result["logits"], np.float32),
        "gradient.norms": np.asarray(rows[False][0]),
        "gradient.samples": np.asarray(rows[False][1]),
    }
    if rows[True][0]:
        out["statistics.norms"] = np.asarray(rows[True][0])
        out["statistics.samples"] = np.asarray(rows[True][1])
    out |= chosen[0]
    meta = chosen[1] | {"script": "tools/golden/make_variants.py", "preset": preset, "size": size,
            "seed": SEED, "versions": versions}
    path = os.path.join(folder, f"variant_{preset.removeprefix('googlenet-')}.safetensors")
    tensors.save(path, out, meta)
    print(path, os.path.getsize(path), "losses", out["losses"])


# ---- The normalised networks in Keras ----


def keras_net(size, stem, blocks):
    layers = keras.layers
    made = {}

    def conv(x, name, k, width, stride=1):
        made[name] = (layers.Conv2D(width, k, strides=stride, padding="same", use_bias=False),
                      layers.BatchNormalization())
        return layers.ReLU()(made[name][1](made[name][0](x)))

    def pool(x, stride=2):
        return layers.MaxPool2D(3, stride, padding="same")(x)

    inputs = x = layers.Input((size, size, 1))
    for name, k, stride, width in stem:
        x = conv(x, name, k, width, stride)
        x = x if name == "b2.conv1" else pool(x)
    for name, _, c1, c2, c3, c4 in blocks:
        p = [conv(x, name + ".p1_1", 1, c1),
             conv(conv(x, name + ".p2_1", 1, c2[0]), name + ".p2_2", 3, c2[1]),
             conv(conv(x, name + ".p3_1", 1, c3[0]), name + ".p3_2", 5, c3[1]),
             conv(pool(x, 1), name + ".p4_2", 1, c4)]
        x = layers.Concatenate()(p)
        if name[-2:] in ("3b", "4e"):
            x = pool(x)
    made["dense"] = (layers.Dense(CLASSES),)
    model = keras.Model(inputs, made["dense"][0](layers.GlobalAveragePooling2D()(x)))
    return model, made


def write_keras(folder, preset, size, stem, blocks):
    keras.config.set_dtype_policy("float64")
    table = Table(True, 1, 5, 0, stem, blocks)
    chosen = choose(preset, table, size)
    model, made = keras_net(size, stem, blocks)
    variables = {}
    for name, (first, *norm) in made.items():
        variables[name + ".weight"] = first.weights[0]
        if norm:
            for part, v in zip(("gamma", "beta", "mean", "variance"), norm[0].weights, strict=True):
                variables[f"{name}.{part}"] = v
        else:
            variables[name + ".bias"] = first.weights[1]
    for name, v in variables.items():
        v.assign(table.values[name].astype(np.float64))
    x = tf.constant(images(size, 1), tf.float64)
    labels = draws.labels(SEED, 0, IMAGES)
    trainable = [n for n in table.names if not table.is_statistic(n)]
    with tf.GradientTape() as tape:
        logits = model(x, training=True)
        loss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    gradients = tape.gradient(loss, [variables[n].value for n in trainable])
    write(folder, preset, table, size, {
        "losses": [float(loss)],
        "gradients": {n: g.numpy() for n, g in zip(trainable, gradients, strict=True)},
        "after": {n: keras.ops.convert_to_numpy(variables[n]) for n in table.names},
        "logits": model(x, training=False).numpy(),
    }, chosen, f"keras {keras.__version__}, tensorflow {tf.__version__}")


# ---- The others in PyTorch ----


def to_torch(name, value):
    if value.ndim == 4:
        value = value.transpose(3, 2, 0, 1)
    elif value.ndim == 2 and name.startswith("aux") and ".fc1." in name:
        side = int(round((value.shape[0] / 128) ** 0.5)) # flattened maps: HWC here, CHW there
        value = value.reshape(side, side, 128, -1).transpose(2, 0, 1, 3).reshape(value.shape).T
    elif value.ndim == 2:
        value = value.T
    return torch.tensor(np.ascontiguousarray(value), dtype=torch.float64)


def from_torch(name, value):
    value = value.detach().numpy()
    if value.ndim == 4:
        return value.transpose(2, 3, 1, 0)
    if value.ndim == 2 and name.startswith("aux") and ".fc1." in name:
        side = int(round((value.shape[1] / 128) ** 0.5))
        return value.T.reshape(128, side, side, -1).transpose(1, 2, 0, 3).reshape(value.T.shape)
    return value.T if value.ndim == 2 else value


class Net:
    """Values by our names; `conv` and `dense` as the presets use them."""

    def __init__(self, table):
        self.table = table
        self.v = {n: to_torch(n, table.values[n]) for n in table.names}
        for n in table.names:
            self.v[n].requires_grad_(not table.is_statistic(n))

    def conv(self, x, name, stride=1, train=True):
        w = self.v[name + ".weight"]
        x = functional.conv2d(x, w, self.v.get(name + ".bias"), stride, w.shape[-1] // 2)
        if name + ".gamma" in self.v:
            x = functional.batch_norm(
                x, self.v[name + ".mean"], self.v[name + ".variance"], self.v[name + ".gamma"],
                self.v[name + ".beta"], train, 0.1, 1e-3)
        return functional.relu(x)

    def dense(self, x, name):
        return functional.linear(x.flatten(1), self.v[name + ".weight"], self.v[name + ".bias"])

    def forward(self, x, train, paper):
        def conv(x, name, stride=1):
            return self.conv(x, name, stride, train)

        def halve(x, kernel=3):
            return functional.max_pool2d(x, kernel, 2, ceil_mode=True)

        def lrn(x):
            return functional.local_response_norm(x, 5, 1e-4, 0.75, 1.0) if paper else x

        x = lrn(halve(conv(x, "b1.conv", 2)))
        x = halve(lrn(conv(conv(x, "b2.conv1"), "b2.conv2")))
        taps = {}
        for name, *_ in network.BLOCKS:
            x = torch.cat([
                conv(x, name + ".p1_1"),
                conv(conv(x, name + ".p2_1"), name + ".p2_2"),
                conv(conv(x, name + ".p3_1"), name + ".p3_2"),
                conv(functional.max_pool2d(x, 3, 1, 1), name + ".p4_2")], 1)
            taps[name[-2:]] = x
            if name[-2:] in ("3b", "4e"):
                x = halve(x, 2 if name[-2:] == "4e" and not paper else 3)
        logits = [self.dense(x.mean((2, 3)), "dense")]
        for name, tap in (("aux1", "4a"), ("aux2", "4d")) if train else ():
            y = (functional.avg_pool2d(taps[tap], 5, 3, ceil_mode=True) if paper
                 else functional.adaptive_avg_pool2d(taps[tap], 4))
            y = functional.relu(self.dense(conv(y, name + ".conv"), name + ".fc1"))
            logits.append(self.dense(y, name + ".fc2"))
        return logits


def torchvision_agrees(net, x, result):
    """Whether torchvision's own model gives these logits; None where it is not installed."""
    try:
        from torchvision.models.googlenet import GoogLeNet
    except ImportError:
        return None
    model = GoogLeNet(CLASSES, aux_logits=True, init_weights=False, dropout=0.0, dropout_aux=0.0)
    model = model.double().train()
    parts = {"p1_1": "branch1", "p2_1": "branch2.0", "p2_2": "branch2.1", "p3_1": "branch3.0",
             "p3_2": "branch3.1", "p4_2": "branch4.1"}
    stem = {"b1.conv": "conv1", "b2.conv1": "conv2", "b2.conv2": "conv3"}
    state = {}
    for n in net.table.names:
        owner, kind = n.rsplit(".", 1)
        first = owner.split(".")
        if owner in stem:
            theirs = stem[owner]
        elif owner == "dense":
            theirs = "fc"
        elif first[0].startswith("aux"):
            theirs = owner
        else:
            theirs = f"{first[1]}.{parts[first[2]]}"
        norm = {"gamma": "bn.weight", "beta": "bn.bias", "mean": "bn.running_mean",
                "variance": "bn.running_var", "weight": "conv.weight"}
        plain = owner == "dense" or ".fc" in owner
        state[f"{theirs}.{kind if plain else norm[kind]}"] = to_torch(n, net.table.values[n])
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and all(k.endswith("num_batches_tracked") for k in missing), missing
    out = model(x)
    return all(torch.allclose(a, b, rtol=1e-9, atol=1e-9)
               for a, b in zip((out.logits, out.aux_logits1, out.aux_logits2), result))


def write_torch(folder, preset, size, paper):
    table = Table(not paper, 3, 5 if paper else 3, 2 if paper else 4)
    chosen = choose(preset, table, size)
    net = Net(table)
    x = torch.tensor(images(size, 3).transpose(0, 3, 1, 2).copy(), dtype=torch.float64)
    labels = torch.tensor(draws.labels(SEED, 0, IMAGES))
    logits = net.forward(x, True, paper)
    if not paper:
        print("torchvision's own model agrees:", torchvision_agrees(net, x, logits))
    losses = [functional.cross_entropy(z, labels) for z in logits]
    (losses[0] + HEAD_WEIGHT * (losses[1] + losses[2])).backward()
    write(folder, preset, table, size, {
        "losses": [l.item() for l in losses],
        "gradients": {n: from_torch(n, net.v[n].grad) for n in table.names
                      if not table.is_statistic(n)},
        "after": {n: from_torch(n, net.v[n]) for n in table.names},
        "logits": net.forward(x, False, paper)[0].detach().numpy(),
    }, chosen, f"torch {torch.__version__}")


def main():
    if len(sys.argv) != 3 or FRAMEWORK not in ("keras", "torch"):
        raise SystemExit(__doc__)
    folder = sys.argv[1]
    if FRAMEWORK == "keras":
        write_keras(folder, "googlenet-bn", 96, STEM, network.BLOCKS)
        write_keras(folder, "googlenet-small", 28, SMALL_STEM, tie_free_variants.SMALL_BLOCKS)
    else:
        write_torch(folder, "googlenet-torchvision", 96, paper=False)
        write_torch(folder, "googlenet-paper", 96, paper=True)


if __name__ == "__main__":
    main()
