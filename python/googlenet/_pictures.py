"""NumPy arrays, files and bytes as the library takes them, without copies where it can read them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Union

import numpy as np
import numpy.typing as npt

from . import _abi

# A picture: an array (height, width) or (height, width, 1, 3 or 4) of uint8, or of floats from 0 to 1; the
# bytes of a file; or a file's path.
Picture = Union[npt.NDArray[Any], bytes, str, "os.PathLike[str]"]
Pictures = Union[Picture, Sequence[Picture]]

FORMATS = {
    "rgb": {1: _abi.GN_PIXELS_GREY, 3: _abi.GN_PIXELS_RGB, 4: _abi.GN_PIXELS_RGBA},
    "bgr": {1: _abi.GN_PIXELS_GREY, 3: _abi.GN_PIXELS_BGR, 4: _abi.GN_PIXELS_BGRA},
}


def listed(pictures: Pictures) -> tuple[list[Picture], bool]:
    """The pictures, and whether it is one alone that was given."""
    if isinstance(pictures, np.ndarray):
        if pictures.ndim == 4:
            return list(pictures), False
        if pictures.ndim == 3 and pictures.shape[2] not in (1, 3, 4):
            return list(pictures), False  # grey ones
        return [pictures], True
    if isinstance(pictures, (bytes, bytearray, memoryview, str, os.PathLike)):
        return [pictures], True  # type: ignore[list-item]
    return list(pictures), False


def readable(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array itself if its pixels lie in rows from left to right, otherwise a copy."""
    if array.dtype != np.uint8:
        if not np.issubdtype(array.dtype, np.floating):
            raise TypeError(f"pixels are uint8 or floats from 0 to 1, not {array.dtype}")
        array = array.astype(np.float32, copy=False)
    if array.ndim == 2:
        array = array[:, :, np.newaxis]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise ValueError(f"a picture is (height, width) or (height, width, 1, 3 or 4), not {array.shape}")
    size, channels = array.itemsize, array.shape[2]
    if array.shape[0] == 0 or array.shape[1] == 0:
        raise ValueError(f"a picture of {array.shape[0]}x{array.shape[1]} pixels")
    tight = (channels == 1 or array.strides[2] == size) and (
        array.shape[1] == 1 or array.strides[1] == channels * size
    )
    if not tight or array.strides[0] < array.shape[1] * channels * size:
        return np.ascontiguousarray(array)
    return array


def pixels(array: npt.NDArray[Any], order: str) -> tuple[_abi.gn_pixels, npt.NDArray[Any]]:
    """What the library reads, and the array that must live as long."""
    array = readable(array)
    if order not in FORMATS:
        raise ValueError(f"order is 'rgb' or 'bgr', not {order!r}")
    stride = array.strides[0] if array.shape[0] > 1 else 0
    return (
        _abi.gn_pixels(
            pixels=array.ctypes.data,
            height=array.shape[0],
            width=array.shape[1],
            format=FORMATS[order][array.shape[2]],
            floats=array.dtype == np.float32,
            stride=stride,
        ),
        array,
    )


def contents(picture: Picture) -> bytes:
    """The bytes of a file."""
    if isinstance(picture, np.ndarray):
        raise TypeError("arrays and files cannot be given in one call")
    if isinstance(picture, (str, os.PathLike)):
        return Path(picture).read_bytes()
    return bytes(picture)
