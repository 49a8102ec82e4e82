#!/usr/bin/env python3
"""Writes tests/golden/training.safetensors: how Keras 3 schedules, clips, averages and smooths.

    tools/peers-venv.sh /tmp/peers
    /tmp/peers/bin/python tools/golden/make_training.py tests/golden

tests/golden/README.md explains the file.
"""

import argparse
import math
import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

import draws
import tensors

import keras
import tensorflow as tf

SEED = 0
KERNEL_SHAPE, BIAS_SHAPE, STEPS = (6, 5), (5,), 10
IMAGES, CLASSES, SMOOTHING = 8, 10, 0.1
schedules = keras.optimizers.schedules


def warm_cosine(rate, warmup, total, end):
    """The rise begins at rate / (warmup + 1), so that no step has a rate of zero."""
    return schedules.CosineDecay(
        rate / (warmup + 1), total - warmup, alpha=end / rate, warmup_target=rate,
        warmup_steps=warmup,
    )


def schedule_cases():
    """name -> rates of the steps of a run."""
    line = schedules.PolynomialDecay(0.05, 20, end_learning_rate=0.001, power=1.0)
    curve = schedules.PolynomialDecay(0.05, 20, end_learning_rate=0.001, power=2.0)
    cosine = schedules.CosineDecay(0.05, 20, alpha=0.02)
    warm = warm_cosine(0.05, 5, 20, 0.001)
    return {
        name: np.array([float(s(k)) for k in range(20)])
        for name, s in
        {"line": line, "curve": curve, "cosine": cosine, "warm_cosine": warm}.items()
    }


def optimizer_cases():
    sgd, adamw = keras.optimizers.SGD, keras.optimizers.AdamW
    return {
        "nesterov_warm_cosine": sgd(
            warm_cosine(0.05, 4, 10, 0.0), momentum=0.9, nesterov=True, weight_decay=0.0005
        ),
        "adamw_line": adamw(schedules.PolynomialDecay(0.01, 10, 0.0), weight_decay=0.01),
        "momentum_clip": sgd(0.05, momentum=0.9, global_clipnorm=1.5),
        "adamw_clip": adamw(0.01, weight_decay=0.004, global_clipnorm=0.5),
        "momentum_ema": sgd(0.05, momentum=0.9, use_ema=True, ema_momentum=0.9),
        "momentum_accumulate": sgd(0.05, momentum=0.9, gradient_accumulation_steps=2),
    }


def run_optimizer(optimizer):
    k0 = draws.symmetric(SEED, 5200, math.prod(KERNEL_SHAPE), 1.0).reshape(KERNEL_SHAPE)
    kernel = keras.Variable(k0, name="kernel")
    bias = keras.Variable(draws.symmetric(SEED, 5201, BIAS_SHAPE[0], 1.0), name="bias")
    if optimizer.weight_decay is not None:
        optimizer.exclude_from_weight_decay(var_list=[bias])
    optimizer.build([kernel, bias])
    kernels, averages = [], []
    for k in range(STEPS):
        gk = draws.symmetric(SEED, 5000 + k, math.prod(KERNEL_SHAPE), 1.0)
        gb = draws.symmetric(SEED, 5100 + k, BIAS_SHAPE[0], 1.0)
        optimizer.apply([tf.constant(gk.reshape(KERNEL_SHAPE)), tf.constant(gb)])
        kernels.append(kernel.numpy().copy())
        if optimizer.use_ema:
            averages.append(optimizer._model_variables_moving_average[0].numpy().copy())
    return np.stack(kernels), averages


def smoothed_loss():
    """Mean loss of a batch of logits, and its gradient."""
    drawn = draws.symmetric(SEED, 5300, IMAGES * CLASSES, 4.0).reshape(IMAGES, CLASSES)
    logits = tf.constant(drawn, dtype=tf.float64)
    labels = draws.labels(SEED, 0, IMAGES)
    loss_of = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=SMOOTHING, dtype="float64"
    )
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = loss_of(tf.one_hot(labels, CLASSES, dtype=tf.float64), logits)
    return np.array([float(loss)]), tape.gradient(loss, logits).numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="where the file goes, e.g. tests/golden")
    folder = parser.parse_args().folder
    out = {f"schedule.{name}": rates for name, rates in schedule_cases().items()}
    for name, optimizer in optimizer_cases().items():
        kernels, averages = run_optimizer(optimizer)
        out[f"{name}.kernel"] = kernels.astype(np.float32)
        if averages:
            out[f"{name}.average"] = np.stack(averages).astype(np.float32)
    loss, gradient = smoothed_loss()
    out["smoothed.loss"], out["smoothed.gradient"] = loss, gradient.astype(np.float32)
    metadata = {
        "script": "tools/golden/make_training.py",
        "content": "Keras 3: schedules, clipping, averages, accumulation, label smoothing",
        "seed": SEED,
        "purpose": draws.PURPOSE,
        "versions": f"keras {keras.__version__}, tensorflow {tf.__version__}",
    }
    tensors.save(f"{folder}/training.safetensors", out, metadata)
    print("training:", ", ".join(sorted(out)))


if __name__ == "__main__":
    main()
