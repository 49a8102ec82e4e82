"""The notebook's GoogLeNet in Keras 3, and the table of its parameters.

The network is built from one table, which also gives names, shapes and order of the 116 tensors.
"""

import math
import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

import draws

CLASSES = 10

# Block name, input channels, then the widths of p1_1, (p2_1, p2_2), (p3_1, p3_2), p4_2.
BLOCKS = [
    ("b3.inception3a", 192, 64, (96, 128), (16, 32), 32),
    ("b3.inception3b", 256, 128, (128, 192), (32, 96), 64),
    ("b4.inception4a", 480, 192, (96, 208), (16, 48), 64),
    ("b4.inception4b", 512, 160, (112, 224), (24, 64), 64),
    ("b4.inception4c", 512, 128, (128, 256), (24, 64), 64),
    ("b4.inception4d", 512, 112, (144, 288), (32, 64), 64),
    ("b4.inception4e", 528, 256, (160, 320), (32, 128), 128),
    ("b5.inception5a", 832, 256, (160, 320), (32, 128), 128),
    ("b5.inception5b", 832, 384, (192, 384), (48, 128), 128),
]

STAGES = ["b1", "b2", "b3", "b4", "b5"]


def layer_table():
    """[(layer, kernel shape)] in graph order; the last one is the dense layer."""
    table = [
        ("b1.conv", (7, 7, 1, 64)),
        ("b2.conv1", (1, 1, 64, 64)),
        ("b2.conv2", (3, 3, 64, 192)),
    ]
    for name, cin, c1, c2, c3, c4 in BLOCKS:
        table += [
            (name + ".p1_1", (1, 1, cin, c1)),
            (name + ".p2_1", (1, 1, cin, c2[0])),
            (name + ".p2_2", (3, 3) + c2),
            (name + ".p3_1", (1, 1, cin, c3[0])),
            (name + ".p3_2", (5, 5) + c3),
            (name + ".p4_2", (1, 1, cin, c4)),
        ]
    return table + [("dense", (1024, CLASSES))]


LAYERS = layer_table()
# Tensor number t: 2 * layer for the weight, one more for the bias.
TENSOR_NAMES = [layer + part for layer, _ in LAYERS for part in (".weight", ".bias")]


def glorot_limit(shape):
    taps = math.prod(shape[:-2])
    return np.float32(math.sqrt(6.0 / (taps * shape[-2] + taps * shape[-1])))


def formula_weight(seed, layer_number, shape, variant=0):
    """Kernel of a layer; `variant` moves to another stream of draws."""
    t = 2 * layer_number + 10000 * variant
    return draws.symmetric(seed, t, math.prod(shape), glorot_limit(shape)).reshape(shape)


def formula_bias(seed, layer_number, width, limit=0.1):
    return draws.symmetric(seed, 2 * layer_number + 1, width, limit)


def formula_parameters(seed, bias_limit):
    """The 116 tensors, float32, in graph order; bias_limit 0 gives zero biases."""
    out = []
    for number, (_, shape) in enumerate(LAYERS):
        out.append(formula_weight(seed, number, shape))
        out.append(formula_bias(seed, number, shape[-1], bias_limit))
    return out


def build(size, dtype="float32"):
    """Keras model with outputs b1, ..., b5, logits."""
    K = keras.layers

    def conv(x, name, width, kernel, stride=1):
        layer = K.Conv2D(
            width, kernel, stride, padding="same", activation="relu", name=name, dtype=dtype
        )
        return layer(x)

    def pool(x, stride):
        return K.MaxPooling2D(3, stride, padding="same", dtype=dtype)(x)

    def inception(x, name, _cin, c1, c2, c3, c4):
        p1 = conv(x, name + ".p1_1", c1, 1)
        p2 = conv(conv(x, name + ".p2_1", c2[0], 1), name + ".p2_2", c2[1], 3)
        p3 = conv(conv(x, name + ".p3_1", c3[0], 1), name + ".p3_2", c3[1], 5)
        p4 = conv(pool(x, 1), name + ".p4_2", c4, 1)
        return K.Concatenate(dtype=dtype)([p1, p2, p3, p4])

    inputs = keras.Input((size, size, 1), dtype=dtype)
    stages = []
    x = pool(conv(inputs, "b1.conv", 64, 7, 2), 2)
    stages.append(x)
    x = pool(conv(conv(x, "b2.conv1", 64, 1), "b2.conv2", 192, 3), 2)
    stages.append(x)
    for block in BLOCKS:
        x = inception(x, *block)
        if block[0] in ("b3.inception3b", "b4.inception4e"):
            x = pool(x, 2)
            stages.append(x)
    x = K.GlobalAveragePooling2D(dtype=dtype)(x)
    stages.append(x)
    logits = K.Dense(CLASSES, name="dense", dtype=dtype)(x)
    return keras.Model(inputs, stages + [logits])


def variables(model):
    """The 116 trainable variables in graph order."""
    out = []
    for layer, _ in LAYERS:
        k = model.get_layer(layer)
        out += [k.kernel, k.bias]
    return out


def assign(model, parameters):
    for variable, value in zip(variables(model), parameters, strict=True):
        variable.assign(value)
