"""Chooses the parameters of the gradient batch so that nothing in the network is close to a tie.

A rounding difference that flips one ReLU or the winner of one pooling window changes whole gradient
tensors by 1e-3 and more. The walk below goes through the network in float64, layer by layer. Each
channel keeps its formula values where these are safe. Otherwise its bias moves to the nearest safe
place, and if a pooling window above it is too close, the channel takes the next variant of its
kernel. "Safe" means: every pre-activation z has |z| >= margin * rms(z of the layer), and in every
pooling window whose maximum is above 0 the two largest values differ by as much. Equal values count
as one: they are copies of one element, which overlapping windows of the pool before have made, and
the gradient reaches the same place whichever copy wins.
"""

import numpy as np
import tensorflow as tf

import network

MAX_VARIANTS = 200


def _conv(x, kernel, stride=1):
    return tf.nn.conv2d(x, kernel.astype(np.float64), stride, "SAME").numpy()


def _pool(x, stride):
    return tf.nn.max_pool2d(x, 3, stride, "SAME").numpy()


def _rms(x):
    return float(np.sqrt(np.mean(np.square(x))))


def _window_gaps(x, stride):
    """Smallest gap of each channel between the two largest distinct values of a 3x3 window."""
    n, height, width, channels = x.shape
    oh, ow = -(-height // stride), -(-width // stride)
    before = max((oh - 1) * stride + 3 - height, 0) // 2
    padded = np.full((n, height + 3, width + 3, channels), -np.inf)
    padded[:, before : before + height, before : before + width] = x
    taps = [
        padded[:, r : r + (oh - 1) * stride + 1 : stride, c : c + (ow - 1) * stride + 1 : stride]
        for r in range(3)
        for c in range(3)
    ]
    stack = np.stack(taps)
    top = stack.max(axis=0)
    second = np.where(stack < top, stack, -np.inf).max(axis=0)
    gaps = np.where(top > 0, top - second, np.inf)
    return gaps.min(axis=(0, 1, 2))


def _pool_chain_gaps(x, strides):
    """Smallest gap of each channel over pools applied one after another."""
    gaps = np.full(x.shape[-1], np.inf)
    for stride in strides:
        gaps = np.minimum(gaps, _window_gaps(x, stride))
        x = _pool(x, stride)
    return gaps


# Strides of the pools that read a layer's or block's output, directly or through one another.
_POOLS_ABOVE = {
    "b1.conv": (2,),
    "b2.conv1": (),
    "b2.conv2": (2, 1),
    "b3.inception3a": (1,),
    "b3.inception3b": (2, 1),
    "b4.inception4a": (1,),
    "b4.inception4b": (1,),
    "b4.inception4c": (1,),
    "b4.inception4d": (1,),
    "b4.inception4e": (2, 1),
    "b5.inception5a": (1,),
    "b5.inception5b": (),
}


def _nearest_safe_bias(z, wanted, distance):
    """The bias nearest to `wanted` with every |z + bias| >= distance."""
    edges = np.concatenate(([-np.inf], np.sort(-z.ravel()), [np.inf]))
    low, high = edges[:-1] + distance, edges[1:] - distance
    usable = low <= high
    low, high = low[usable], high[usable]
    return float(min(np.clip(wanted, low, high), key=lambda b: abs(b - wanted)))


class Chooser:
    """Collects kernels, biases and variants while walking through the network."""

    def __init__(self, seed, margin):
        self.seed = seed
        self.margin = margin
        self.numbers = {name: n for n, (name, _) in enumerate(network.LAYERS)}
        self.shapes = dict(network.LAYERS)
        self.parameters = {}
        self.variants = {}
        self.moved_biases = 0

    def conv(self, x, name, pools, stride=1):
        number, shape = self.numbers[name], self.shapes[name]
        kernel = network.formula_weight(self.seed, number, shape).copy()
        wanted = network.formula_bias(self.seed, number, shape[-1])
        bias = wanted.copy()
        variants = np.zeros(shape[-1], dtype=np.float32)
        z = _conv(x, kernel, stride)
        # A little more than asked: the bias is rounded to float32 and the rms changes afterwards.
        distance = 1.05 * self.margin * _rms(z + wanted.astype(np.float64))
        pending = np.arange(shape[-1])
        for variant in range(MAX_VARIANTS):
            if variant > 0:
                fresh = network.formula_weight(self.seed, number, shape, variant)
                kernel[..., pending] = fresh[..., pending]
                variants[pending] = variant
                z[..., pending] = _conv(x, kernel[..., pending], stride)
            for c in pending:
                bias[c] = np.float32(_nearest_safe_bias(z[..., c], float(wanted[c]), distance))
            y = np.maximum(z[..., pending] + bias[pending].astype(np.float64), 0)
            pending = pending[_pool_chain_gaps(y, pools) < distance]
            if pending.size == 0:
                break
        else:
            raise SystemExit(f"{name}: no safe variant for {pending.size} channels, lower margin")
        self.parameters[name] = (kernel, bias)
        self.variants[name] = variants
        self.moved_biases += int(np.sum(bias != wanted))
        return np.maximum(z + bias.astype(np.float64), 0)


def _walk(images, conv):
    """Runs the network up to the last block; conv(x, layer, pools above, stride) makes a layer."""
    x = _pool(conv(images, "b1.conv", _POOLS_ABOVE["b1.conv"], 2), 2)
    x = conv(x, "b2.conv1", (), 1)
    x = _pool(conv(x, "b2.conv2", _POOLS_ABOVE["b2.conv2"], 1), 2)
    for block, *_ in network.BLOCKS:
        above = _POOLS_ABOVE[block]
        p1 = conv(x, block + ".p1_1", above, 1)
        p2 = conv(conv(x, block + ".p2_1", (), 1), block + ".p2_2", above, 1)
        p3 = conv(conv(x, block + ".p3_1", (), 1), block + ".p3_2", above, 1)
        p4 = conv(_pool(x, 1), block + ".p4_2", above, 1)
        x = np.concatenate([p1, p2, p3, p4], axis=-1)
        if 2 in above:
            x = _pool(x, 2)
    return x


def choose(images, seed, margin):
    """Returns (116 parameters in graph order, variants by layer, number of moved biases)."""
    chooser = Chooser(seed, margin)
    _walk(images.astype(np.float64), chooser.conv)
    number = len(network.LAYERS) - 1
    shape = network.LAYERS[-1][1]
    chooser.parameters["dense"] = (
        network.formula_weight(seed, number, shape),
        network.formula_bias(seed, number, shape[-1]),
    )
    flat = [p for name, _ in network.LAYERS for p in chooser.parameters[name]]
    return flat, chooser.variants, chooser.moved_biases


def reached_margins(images, parameters):
    """Smallest |z| / rms(z) of any ReLU and smallest gap / rms(input) of any pool.

    Written apart from the choice: whole tensors, and the pools where the network has them.
    """
    by_name = dict(zip(network.TENSOR_NAMES, parameters, strict=True))
    relu_margin, pool_margin = np.inf, np.inf

    def relu_conv(x, name, stride=1):
        nonlocal relu_margin
        bias = by_name[name + ".bias"].astype(np.float64)
        z = _conv(x, by_name[name + ".weight"], stride) + bias
        relu_margin = min(relu_margin, float(np.abs(z).min()) / _rms(z))
        return np.maximum(z, 0)

    def pool(x, stride):
        nonlocal pool_margin
        pool_margin = min(pool_margin, float(_window_gaps(x, stride).min()) / _rms(x))
        return _pool(x, stride)

    x = pool(relu_conv(images.astype(np.float64), "b1.conv", 2), 2)
    x = pool(relu_conv(relu_conv(x, "b2.conv1"), "b2.conv2"), 2)
    for block, *_ in network.BLOCKS:
        p1 = relu_conv(x, block + ".p1_1")
        p2 = relu_conv(relu_conv(x, block + ".p2_1"), block + ".p2_2")
        p3 = relu_conv(relu_conv(x, block + ".p3_1"), block + ".p3_2")
        p4 = relu_conv(pool(x, 1), block + ".p4_2")
        x = np.concatenate([p1, p2, p3, p4], axis=-1)
        if block in ("b3.inception3b", "b4.inception4e"):
            x = pool(x, 2)
    return relu_margin, pool_margin
