#!/usr/bin/env python3
"""Writes the golden files of tests/golden from Keras, TensorFlow and Pillow.

    tools/peers-venv.sh /tmp/peers
    /tmp/peers/bin/python tools/golden/make_golden.py tests/golden

tests/golden/README.md explains each file. Values of the network are computed in float64 by the
Keras twin and rounded to float32; the same twin in float32 must agree, or nothing is written.
"""

import argparse
import os
import sys

import numpy as np

import draws
import network  # first of the framework imports: it sets the environment
import tensors
import tie_free

import keras
import PIL
import PIL.Image
import tensorflow as tf

SEED = 0
BIAS_LIMIT = 0.1
GRADIENT_IMAGES = 4
GRADIENT_MARGIN = 2.2e-4
SGD_STEPS, SGD_BATCH, SGD_RATE = 20, 16, 0.05
STAGE_SAMPLES, GRADIENT_SAMPLES = 1000, 64


def metadata(what, **more):
    base = {
        "script": "tools/golden/make_golden.py",
        "content": what,
        "seed": SEED,
        "purpose": draws.PURPOSE,
        "layout": "NHWC activations, HWIO kernels, [in][out] dense, C order, little-endian",
        "versions": f"keras {keras.__version__}, tensorflow {tf.__version__}, "
        f"numpy {np.__version__}, pillow {PIL.__version__}",
    }
    return base | more


def relative_l2(a, b):
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def require(condition, message):
    if not condition:
        raise SystemExit(f"make_golden: {message}")


def l2(x):
    return np.array([np.linalg.norm(np.asarray(x, np.float64))])


def write_forward(folder, size, count):
    """Outputs of every stage: norm and samples of large ones, all of b5 and the logits."""
    x = draws.images(SEED, 0, count, size)
    parameters = network.formula_parameters(SEED, BIAS_LIMIT)
    results = {}
    for dtype in ("float32", "float64"):
        model = network.build(size, dtype)
        network.assign(model, parameters)
        results[dtype] = [y.numpy() for y in model(x.astype(dtype), training=False)]
    out, worst = {}, 0.0
    names = network.STAGES + ["logits"]
    for stage, (name, single, double) in enumerate(zip(names, *results.values(), strict=True)):
        worst = max(worst, relative_l2(single, double))
        out[name + ".l2"] = l2(double)
        if name in ("b5", "logits"):
            out[name] = double.astype(np.float32)
        else:
            index = draws.sample_indices(SEED, 3000 + stage, STAGE_SAMPLES, double.size)
            out[name + ".sample"] = double.ravel()[index].astype(np.float32)
    require(worst < 5e-6, f"float32 and float64 differ by {worst:.2e} at {size}")
    more = {"float32_deviation": f"{worst:.2e}", "size": size, "images": count}
    text = "forward pass, float64, rounded to float32"
    tensors.save(f"{folder}/forward_{size}.safetensors", out, metadata(text, **more))
    print(f"forward {size}: float32 Keras within {worst:.2e} of float64, logits {out['logits'][0]}")


def loss_and_gradients(model, x, y):
    with tf.GradientTape() as tape:
        logits = model(x, training=True)[-1]
        losses = keras.losses.sparse_categorical_crossentropy(y, logits, from_logits=True)
        loss = tf.reduce_mean(losses)
    return loss, logits, tape.gradient(loss, network.variables(model))


def write_gradients(folder):
    """Gradients of all 116 parameters on a batch without ties."""
    x = draws.images(SEED, 0, GRADIENT_IMAGES, 96)
    y = draws.labels(SEED, 0, GRADIENT_IMAGES)
    parameters, variants, moved = tie_free.choose(x, SEED, GRADIENT_MARGIN)
    relu_margin, pool_margin = tie_free.reached_margins(x, parameters)
    results = {}
    for dtype in ("float32", "float64"):
        model = network.build(96, dtype)
        network.assign(model, parameters)
        loss, logits, gradients = loss_and_gradients(model, x.astype(dtype), y)
        results[dtype] = [g.numpy() for g in gradients]
    out = {"loss": np.array([float(loss)]), "logits": logits.numpy().astype(np.float32)}
    worst = 0.0
    for t, (name, single, double) in enumerate(
        zip(network.TENSOR_NAMES, *results.values(), strict=True)
    ):
        worst = max(worst, relative_l2(single, double))
        flat = double.ravel()
        if flat.size > GRADIENT_SAMPLES:
            flat = flat[draws.sample_indices(SEED, 3100 + t, GRADIENT_SAMPLES, flat.size)]
        out[f"grad.{name}.l2"] = l2(double)
        out[f"grad.{name}.sample"] = flat.astype(np.float32)
        if name.endswith(".bias"):
            out[name] = parameters[t]
    for layer, v in variants.items():
        if v.any():
            out[f"{layer}.variant"] = v
    require(worst < 2e-5, f"float32 and float64 gradients differ by {worst:.2e}")
    more = {
        "float32_deviation": f"{worst:.2e}",
        "images": GRADIENT_IMAGES,
        "relu_margin": f"{relu_margin:.3e} of the rms of the layer's pre-activations",
        "pool_margin": f"{pool_margin:.3e} of the rms of the pool's input",
        "moved_biases": moved,
        "channels_with_variant": sum(int(np.count_nonzero(v)) for v in variants.values()),
    }
    text = "gradients of the mean loss, float64, rounded to float32"
    tensors.save(f"{folder}/gradients_96.safetensors", out, metadata(text, **more))
    print(f"gradients: loss {float(loss):.6f}", more)


def noise_batch(k):
    """Random labels: the loss wanders about ln 10."""
    first = SGD_BATCH * k
    return draws.images(SEED, first, SGD_BATCH, 96), draws.labels(SEED, first, SGD_BATCH)


def falling_batch(k):
    """Three classes that differ in brightness: the loss falls, so each step must be right."""
    x, y = noise_batch(k)
    y = y % 3
    return x * (np.float32(0.25) * (y + 1).astype(np.float32))[:, None, None, None], y


def run_sgd(batch, dtype, rate):
    """Losses of the steps, and the L2 norm of each parameter's way from start to end."""
    model = network.build(96, dtype)
    start = network.formula_parameters(SEED, 0.0)
    network.assign(model, start)
    optimizer = keras.optimizers.SGD(learning_rate=rate)
    step = tf.function(lambda x, y: loss_and_gradients(model, x, y))
    losses = []
    for k in range(SGD_STEPS):
        x, y = batch(k)
        loss, _, gradients = step(x.astype(dtype), y)
        optimizer.apply(gradients, network.variables(model))
        losses.append(float(loss))
    now = [np.asarray(v) for v in network.variables(model)]
    moves = [np.linalg.norm(b.astype(np.float64) - a) for a, b in zip(start, now, strict=True)]
    return np.array(losses), np.array(moves)


def write_sgd(folder):
    """Losses of 20 plain SGD steps, and how far each parameter has moved at the end."""
    out, more = {}, {"batch": SGD_BATCH, "learning_rate": SGD_RATE}
    for name, batch in (("noise", noise_batch), ("falling", falling_batch)):
        losses, moves = run_sgd(batch, "float32", SGD_RATE)
        exact_losses, exact_moves = run_sgd(batch, "float64", SGD_RATE)
        other_losses, _ = run_sgd(batch, "float32", 0.9 * SGD_RATE)
        out[f"{name}.losses"] = losses.astype(np.float32)
        out[f"{name}.losses.float64"] = exact_losses
        out[f"{name}.moves"] = moves.astype(np.float32)
        out[f"{name}.moves.float64"] = exact_moves
        away = np.abs(moves / exact_moves - 1)
        more[f"{name}.float32_deviation"] = (
            f"losses {np.abs(losses - exact_losses).max():.2e}, "
            f"moves, relative: largest {away.max():.2e}, median {np.median(away):.2e}"
        )
        more[f"{name}.effect_of_0.9_of_the_rate"] = f"{np.abs(losses - other_losses).max():.2e}"
        print("sgd", name, losses)
    text = "20 steps of plain SGD, Keras in float32 and in float64"
    tensors.save(f"{folder}/sgd_20_steps.safetensors", out, metadata(text, **more))
    print("sgd:", more)


def bilinear_by_formula(image, height, width, rule):
    """The rule of the reference in numpy float32, every operation rounded, no fused multiply."""

    def axis(n_in, n_out):
        scale = np.float32(n_in) / np.float32(n_out)
        i = np.arange(n_out, dtype=np.float32)
        half = np.float32(0.5)
        s = i * scale if rule == "tf1-legacy" else (i + half) * scale - half
        floor = np.floor(s)
        low = np.maximum(floor, 0).astype(int)
        return low, np.minimum(np.ceil(s), n_in - 1).astype(int), s - floor

    y0, y1, ly = axis(image.shape[0], height)
    x0, x1, lx = axis(image.shape[1], width)
    a, b = image[y0][:, x0], image[y0][:, x1]
    c, d = image[y1][:, x0], image[y1][:, x1]
    top, bottom = a + (b - a) * lx, c + (d - c) * lx
    return top + (bottom - top) * ly[:, None]


def bit_sums(x):
    """Sum of the 32-bit patterns modulo 2^48, as two exact float32: high and low 24 bits."""
    total = int(np.ascontiguousarray(x, "<f4").view("<u4").astype(np.uint64).sum()) % 2**48
    return np.array([total >> 24, total & 0xFFFFFF], dtype=np.float32)


# Name in the file, stream of the source image, its height and width, output height and width.
RESIZES = [
    ("28_to_96", 4000, 28, 28, 96, 96),
    ("28_to_224", 4000, 28, 28, 224, 224),
    ("40x28_to_17x96", 4002, 40, 28, 17, 96),
]
PIL_RESIZES = [
    ("28_to_96", 4000, 28, 28, 96, 96),
    ("28_to_20", 4000, 28, 28, 20, 20),
    ("40_to_17", 4001, 40, 40, 17, 17),
    ("40x28_to_17x96", 4002, 40, 28, 17, 96),
]


def write_resize(folder):
    """Bilinear resizing under three rules, of images from the formula."""
    rules = {
        "tf1-legacy": lambda x, h, w: tf.compat.v1.image.resize_bilinear(
            x, (h, w), align_corners=False, half_pixel_centers=False
        ),
        "half-pixel": lambda x, h, w: tf.image.resize(x, (h, w), "bilinear", antialias=False),
    }
    out, different = {}, 0
    for name, stream, h, w, oh, ow in RESIZES:
        source = draws.image_u8(SEED, stream, h, w).astype(np.float32) / np.float32(255)
        for rule, resize in rules.items():
            y = resize(source[None, :, :, None], oh, ow).numpy()[0, :, :, 0]
            formula = bilinear_by_formula(source, oh, ow, rule)
            different += int(np.count_nonzero(y.view(np.uint32) != formula.view(np.uint32)))
            rows = np.arange(oh) if y.size <= 96 * 96 else np.arange(0, oh, 31)
            out[f"{rule}.{name}.rows"] = y[rows]
            out[f"{rule}.{name}.row_numbers"] = rows.astype(np.float32)
            out[f"{rule}.{name}.sum"] = np.array([y.astype(np.float64).sum()])
            out[f"{rule}.{name}.bits"] = bit_sums(y)
    for name, stream, h, w, oh, ow in PIL_RESIZES:
        source = PIL.Image.fromarray(draws.image_u8(SEED, stream, h, w))
        y = np.asarray(source.resize((ow, oh), PIL.Image.Resampling.BILINEAR))
        out[f"pil-bilinear.{name}"] = y.astype(np.float32)
    text = "bilinear resizing: TensorFlow's legacy and half-pixel rules, Pillow's"
    more = {"elements_that_differ_from_the_formula": different}
    tensors.save(f"{folder}/resize.safetensors", out, metadata(text, **more))
    print("resize:", more)


KERNEL_SHAPE, BIAS_SHAPE, OPTIMIZER_STEPS = (6, 5), (5,), 10


def optimizer_cases():
    """name -> (optimizer, scale of the gradients, decay on every tensor)."""
    sgd, adamw = keras.optimizers.SGD, keras.optimizers.AdamW
    return {
        "sgd": (sgd(0.05), 1.0, False),
        "sgd_momentum": (sgd(0.05, momentum=0.9), 1.0, False),
        "sgd_nesterov": (sgd(0.05, momentum=0.9, nesterov=True), 1.0, False),
        "sgd_decay": (sgd(0.05, weight_decay=0.004), 1.0, False),
        "sgd_nesterov_decay": (
            sgd(0.05, momentum=0.9, nesterov=True, weight_decay=0.0005), 1.0, False
        ),
        "sgd_decay_all": (sgd(0.05, momentum=0.9, weight_decay=0.004), 1.0, True),
        "adamw": (adamw(0.001, weight_decay=0.004), 1.0, False),
        "adamw_decay_all": (adamw(0.001, weight_decay=0.004), 1.0, True),
        "adamw_small_gradients": (adamw(0.001, weight_decay=0.004), 2.0**-23, False),
        "adamw_epsilon": (adamw(0.01, weight_decay=0.01, epsilon=1e-3), 2.0**-9, False),
    }


def write_optimizers(folder):
    """A kernel and a bias after each of 10 steps with given gradients."""
    out = {}
    for name, (optimizer, scale, decay_all) in optimizer_cases().items():
        k0 = draws.symmetric(SEED, 5200, np.prod(KERNEL_SHAPE), 1.0).reshape(KERNEL_SHAPE)
        kernel = keras.Variable(k0, name="kernel")
        bias = keras.Variable(draws.symmetric(SEED, 5201, BIAS_SHAPE[0], 1.0), name="bias")
        if optimizer.weight_decay is not None and not decay_all:
            optimizer.exclude_from_weight_decay(var_list=[bias])
        optimizer.build([kernel, bias])
        kernels, biases = [], []
        for k in range(OPTIMIZER_STEPS):
            gk = draws.symmetric(SEED, 5000 + k, np.prod(KERNEL_SHAPE), scale)
            gb = draws.symmetric(SEED, 5100 + k, BIAS_SHAPE[0], scale)
            optimizer.apply([tf.constant(gk.reshape(KERNEL_SHAPE)), tf.constant(gb)])
            kernels.append(kernel.numpy().copy())
            biases.append(bias.numpy().copy())
        out[f"{name}.kernel"] = np.stack(kernels)
        out[f"{name}.bias"] = np.stack(biases)
    text = "Keras 3 optimizers, kernel [10][6][5] and bias [10][5] after each step"
    tensors.save(f"{folder}/optimizers.safetensors", out, metadata(text))
    print("optimizers:", ", ".join(optimizer_cases()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="where the files go, e.g. tests/golden")
    folder = parser.parse_args().folder
    os.makedirs(folder, exist_ok=True)
    write_resize(folder)
    write_optimizers(folder)
    write_forward(folder, 96, 4)
    write_forward(folder, 224, 1)
    write_gradients(folder)
    write_sgd(folder)


if __name__ == "__main__":
    sys.exit(main())
