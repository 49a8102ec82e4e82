"""Chooses the parameters of the other presets' step so that nothing is close to a tie.

As tie_free.py does for the notebook's network: each channel keeps its values where these are safe,
else its shift (bias, or beta behind a normalisation) moves to the nearest safe place, and where a
pooling window above is too close, the channel takes the next variant of its kernel. Written for both
frameworks: whoever calls gives a convolution of padded float64 arrays.
"""

import numpy as np

import draws
import network
from tie_free import _nearest_safe_bias as nearest_safe_shift
from tie_free import _rms as rms

MAX_VARIANTS = 400
EPSILON = 1e-3


def windows(x, kernel, stride, same):
    """The kernel * kernel taps of each pooling window, [taps, n, oh, ow, c]; -inf lies outside.
    `same`: TensorFlow's pads; else none before, and the last window is cut off (Caffe's ceil)."""
    n, height, width, channels = x.shape
    before = 1 if stride == 1 else 0
    if same or stride == 1:
        oh, ow = -(-height // stride), -(-width // stride)
        before = max((oh - 1) * stride + kernel - height, 0) // 2
    else:
        oh = -(-(height - kernel) // stride) + 1
        ow = -(-(width - kernel) // stride) + 1
    padded = np.full((n, height + 2 * kernel, width + 2 * kernel, channels), -np.inf)
    padded[:, before : before + height, before : before + width] = x
    return np.stack([
        padded[:, r : r + (oh - 1) * stride + 1 : stride, c : c + (ow - 1) * stride + 1 : stride]
        for r in range(kernel) for c in range(kernel)])


def gaps(x, pool):
    """Smallest gap of each channel between the two largest distinct values of a window."""
    stack = windows(x, *pool)
    top = stack.max(axis=0)
    second = np.where(stack < top, stack, -np.inf).max(axis=0)
    return np.where(top > 0, top - second, np.inf).min(axis=(0, 1, 2))


def lrn(x):
    squares = np.pad(np.square(x), [(0, 0)] * 3 + [(2, 2)])
    total = sum(squares[..., k : k + x.shape[-1]] for k in range(5))
    return x * (1 + 1e-4 / 5 * total) ** -0.75


SMALL_BLOCKS = [
    ("b3.inception3b", 32, 64, (64, 96), (16, 48), 32),
    ("b4.inception4a", 240, 96, (48, 104), (8, 24), 32),
    ("b4.inception4e", 256, 128, (80, 160), (16, 64), 64),
    ("b5.inception5b", 416, 192, (96, 192), (24, 64), 64),
]


def is_same(preset):
    return preset in ("googlenet-bn", "googlenet-small")


def walk(preset, images, layer, pool):
    """The network of a preset with its heads. layer(x, name, pools above, stride) makes a
    convolution or dense layer up to its ReLU, pool(x, pool) a maximum; the rest is done here."""
    same, paper, small = is_same(preset), preset == "googlenet-paper", preset == "googlenet-small"
    beside = (3, 1, same)
    halving = (3, 2, same)
    last = (3 if same or paper else 2, 2, same)
    norm = lrn if paper else lambda x: x
    if small:
        x = pool(layer(images, "b1.conv", [halving, beside], 1), halving)
    else:
        x = norm(pool(layer(images, "b1.conv", [halving], 2), halving))
        x = layer(x, "b2.conv1", [], 1)
        x = pool(norm(layer(x, "b2.conv2", [halving, beside], 1)), halving)
    taps = {}
    for block, *_ in SMALL_BLOCKS if small else network.BLOCKS:
        end = block[-2:]
        above = {"3b": [halving, beside], "4e": [last, beside], "5b": []}.get(end, [beside])
        x = np.concatenate([
            layer(x, block + ".p1_1", above, 1),
            layer(layer(x, block + ".p2_1", [], 1), block + ".p2_2", above, 1),
            layer(layer(x, block + ".p3_1", [], 1), block + ".p3_2", above, 1),
            layer(pool(x, beside), block + ".p4_2", above, 1)], axis=-1)
        taps[end] = x
        if end in ("3b", "4e"):
            x = pool(x, above[0])
    if same:
        return
    for head, tap in (("aux1", taps["4a"]), ("aux2", taps["4d"])):
        # 5x5 windows every 3 pixels of 6x6, cut off: two a side; or 4x4 parts that overlap.
        parts = [(0, 5), (3, 6)] if paper else [(0, 2), (1, 3), (3, 5), (4, 6)]
        x = np.stack([np.stack([tap[:, a:b, c:d].mean(axis=(1, 2)) for c, d in parts], axis=1)
                      for a, b in parts], axis=1)
        x = layer(x, head + ".conv", [], 1)
        layer(x.reshape(len(x), 1, 1, -1), head + ".fc1", [], 1)


class Layers:
    """A convolution or dense layer of the table up to its ReLU, in float64."""

    def __init__(self, preset, table, convolve):
        self.same = is_same(preset)
        self.table, self.convolve = table, convolve

    def shift_name(self, name):
        return name + (".beta" if name + ".beta" in self.table.values else ".bias")

    def scores(self, x, name, kernel, stride, channels):
        """Values in front of shift and ReLU, of these channels."""
        if kernel.ndim == 2:
            kernel = kernel[None, None]
        k = kernel.shape[0]
        total = k - (stride if k > 1 else 1)
        before = total // 2 if self.same else k // 2
        after = total - before if self.same else k // 2
        padded = np.pad(x, [(0, 0), (before, after), (before, after), (0, 0)])
        z = self.convolve(padded, kernel[..., channels].astype(np.float64), stride)
        if name + ".gamma" in self.table.values:
            gamma = self.table.values[name + ".gamma"][channels].astype(np.float64)
            z = z - z.mean(axis=(0, 1, 2))
            z = z * gamma / np.sqrt(np.square(z).mean(axis=(0, 1, 2)) + EPSILON)
        return z


class Chooser(Layers):
    """Replaces values of the table on the way through the network."""

    def __init__(self, preset, table, convolve, margin):
        super().__init__(preset, table, convolve)
        self.margin, self.variants, self.moved = margin, {}, 0

    def layer(self, x, name, pools, stride):
        shift_name = self.shift_name(name)
        number = self.table.names.index(name + ".weight")
        kernel = self.table.values[name + ".weight"]
        wanted = self.table.values[shift_name]
        shift, pending = wanted.copy(), np.arange(kernel.shape[-1])
        variants = np.zeros(kernel.shape[-1], np.float32)
        z = self.scores(x, name, kernel, stride, pending)
        # More than asked: shifts are rounded, the rms changes, and LRN lies between this and a pool.
        distance = 1.1 * self.margin * rms(z + wanted.astype(np.float64))
        for variant in range(MAX_VARIANTS):
            if variant > 0:
                fresh = draws.symmetric(0, number + 10000 * variant, kernel.size,
                                        network.glorot_limit(kernel.shape)).reshape(kernel.shape)
                kernel[..., pending] = fresh[..., pending]
                variants[pending] = variant
                z[..., pending] = self.scores(x, name, kernel, stride, pending)
            for c in pending:
                shift[c] = np.float32(nearest_safe_shift(z[..., c], float(wanted[c]), distance))
            y = np.maximum(z[..., pending] + shift[pending].astype(np.float64), 0)
            closest = np.full(pending.size, np.inf)
            for pool in pools:
                closest = np.minimum(closest, gaps(y, pool))
                y = windows(y, *pool).max(axis=0)
            pending = pending[closest < distance]
            if pending.size == 0:
                break
        else:
            raise SystemExit(f"{name}: no safe variant for {pending.size} channels, lower margin")
        self.table.values[shift_name] = shift
        if variants.any():
            self.variants[name] = variants
        self.moved += int(np.sum(shift != wanted))
        return np.maximum(z + shift.astype(np.float64), 0)


class Meter(Layers):
    """The margins that were reached: smallest |z| of a ReLU and gap of a pool, over their rms."""

    relu_margin = pool_margin = np.inf

    def layer(self, x, name, pools, stride):
        kernel = self.table.values[name + ".weight"]
        z = self.scores(x, name, kernel, stride, np.arange(kernel.shape[-1]))
        z = z + self.table.values[self.shift_name(name)].astype(np.float64)
        self.relu_margin = min(self.relu_margin, float(np.abs(z).min()) / rms(z))
        return np.maximum(z, 0)

    def pool(self, x, pool):
        self.pool_margin = min(self.pool_margin, float(gaps(x, pool).min()) / rms(x))
        return windows(x, *pool).max(axis=0)


def choose(preset, table, images, convolve, margin):
    """Changes the table; returns (variants by layer, moved shifts, margins reached)."""
    images = images.astype(np.float64)
    chooser = Chooser(preset, table, convolve, margin)
    walk(preset, images, chooser.layer, lambda x, pool: windows(x, *pool).max(axis=0))
    meter = Meter(preset, table, convolve)
    walk(preset, images, meter.layer, meter.pool)
    return chooser.variants, chooser.moved, (meter.relu_margin, meter.pool_margin)
