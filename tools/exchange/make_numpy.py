"""Writes the same weights of a small network as NumPy writes them in many ways, for tests/exchange/test_numpy.sh.

The values are float16's, so that all files hold equal ones. Run: python tools/exchange/make_numpy.py
tests/exchange/numpy (needs numpy).
"""

import pathlib
import sys

import numpy as np

SHAPES = {  # of the network in tests/exchange/test_numpy.sh
    "b1.conv.weight": (3, 3, 1, 2), "b1.conv.bias": (2,),
    "b2.i1.p1_1.weight": (1, 1, 2, 2), "b2.i1.p1_1.bias": (2,),
    "b2.i1.p2_1.weight": (1, 1, 2, 1), "b2.i1.p2_1.bias": (1,),
    "b2.i1.p2_2.weight": (3, 3, 1, 2), "b2.i1.p2_2.bias": (2,),
    "b2.i1.p3_1.weight": (1, 1, 2, 1), "b2.i1.p3_1.bias": (1,),
    "b2.i1.p3_2.weight": (5, 5, 1, 2), "b2.i1.p3_2.bias": (2,),
    "b2.i1.p4_2.weight": (1, 1, 2, 3), "b2.i1.p4_2.bias": (3,),
    "dense.weight": (9, 4), "dense.bias": (4,),
}


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(5)
    half = {name: rng.normal(0, 1, shape).astype(np.float16) for name, shape in SHAPES.items()}
    single = {name: a.astype(np.float32) for name, a in half.items()}
    np.savez(folder / "f2.npz", **half)
    np.savez(folder / "f4.npz", **single)
    np.savez(folder / "f8.npz", **{name: a.astype(np.float64) for name, a in half.items()})
    np.savez(folder / "fortran.npz", **{name: np.asfortranarray(a) for name, a in single.items()})
    np.savez_compressed(folder / "packed.npz", **single)
    np.savez(folder / "big_endian.npz", **{name: a.astype(">f4") for name, a in single.items()})
    np.savez(folder / "objects.npz", a=np.array([{}], dtype=object))
    np.savez(folder / "few.npz", **{"b1.conv.weight": single["b1.conv.weight"]})


if __name__ == "__main__":
    main()
