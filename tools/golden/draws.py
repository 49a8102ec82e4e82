"""The counter-based generator that the golden files and the C tests share.

Every weight, image and label of a golden file is a pure function of four integers, so the files
need not store them. All arithmetic is on unsigned 64-bit integers that wrap around.
"""

import numpy as np

PURPOSE = 100  # test data; the program's own draws use other numbers

_U64 = np.uint64


def _mix(x):
    """One step of splitmix64 on an array of uint64."""
    x = x + _U64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> _U64(30))) * _U64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> _U64(27))) * _U64(0x94D049BB133111EB)
    return x ^ (x >> _U64(31))


def mix(x):
    """One step of splitmix64 on a number."""
    with np.errstate(over="ignore"):
        return int(_mix(np.full(1, x, dtype=_U64))[0])


def bits(seed, a, b, purpose=PURPOSE):
    """64 random bits for each element of b (an array of counters)."""
    b = np.asarray(b, dtype=_U64)
    one = np.zeros(1, dtype=_U64)
    with np.errstate(over="ignore"):
        h = _mix(one + _U64(seed)) ^ _U64(purpose)
        h = _mix(h) ^ _U64(a)
        return _mix(_mix(h) ^ b)


def unit(seed, a, b):
    """Multiples of 2^-24 in [0, 1), exact in float32."""
    return ((bits(seed, a, b) >> _U64(40)).astype(np.float64) * 2.0**-24).astype(np.float32)


def symmetric(seed, a, count, limit):
    """float32(limit) * (2*unit - 1), one rounding, for counters 0 .. count-1."""
    u = unit(seed, a, np.arange(count))
    return np.float32(limit) * (np.float32(2) * u - np.float32(1))


def image(seed, number, size):
    """Image `number` as [size][size][1] float32."""
    u = unit(seed, 1000 + number, np.arange(size * size))
    return u.reshape(size, size, 1)


def images(seed, first, count, size):
    return np.stack([image(seed, first + k, size) for k in range(count)])


def labels(seed, first, count):
    n = np.arange(first, first + count)
    return (bits(seed, 2000, n) % _U64(10)).astype(np.int64)


def image_u8(seed, stream, height, width):
    """[height][width] bytes: the low 8 bits of the draw."""
    low = bits(seed, stream, np.arange(height * width)) & _U64(255)
    return low.astype(np.uint8).reshape(height, width)


def sample_indices(seed, stream, wanted, count):
    """`wanted` indices below count, with repetition."""
    return (bits(seed, stream, np.arange(wanted)) % _U64(count)).astype(np.int64)
