"""Labelled images on disk."""

from __future__ import annotations

import ctypes as ct
import os

import numpy as np
import numpy.typing as npt

from . import _abi
from ._library import check, encoded, library, owned

SPLITS = {"train": _abi.GN_TRAIN, "test": _abi.GN_TEST, "val": _abi.GN_VAL}


class Dataset:
    """A folder of pictures, IDX or CIFAR files, a list of pictures, or a set known by name.

    `size`: what the network must have (0: any); `limit`: only the first so many samples (0: all).
    Attributes: `samples`, `classes`, `channels`, `labels`.
    """

    def __init__(
        self,
        data: str | os.PathLike[str],
        split: str = "train",
        *,
        size: int = 0,
        classes: int = 0,
        limit: int = 0,
        data_dir: str | os.PathLike[str] | None = None,
        offline: bool = False,
        val_fraction: float = 0,
        seed: int = 0,
        channels: int = 0,
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f"split is one of {', '.join(SPLITS)}, not {split!r}")
        options = _abi.gn_dataset_options(
            data=encoded(data),
            split=SPLITS[split],
            size=size,
            classes=classes,
            limit=limit,
            data_dir=encoded(data_dir),
            offline=offline,
            val_fraction=val_fraction,
            seed=seed,
            channels=channels,
        )
        self._open(library.gn_open_dataset_with(ct.byref(options)))

    @classmethod
    def images(cls, path: str | os.PathLike[str]) -> Dataset:
        """Images without labels, to predict: an IDX file, a picture, or all pictures below a folder."""
        self = cls.__new__(cls)
        self._open(library.gn_open_images(encoded(path)))
        return self

    def _open(self, pointer: int | None) -> None:
        self._pointer: int | None = None
        self._pointer = owned(pointer)
        info = _abi.gn_dataset_info()
        check(library.gn_dataset_describe(self._pointer, ct.byref(info)))
        self.name: str = os.fsdecode(info.name)
        self.samples: int = info.samples
        self.classes: int = info.classes
        self.channels: int = info.channels
        self.labels: list[str] | None = (
            [info.labels[i].decode("utf-8", "replace") for i in range(info.classes)]
            if info.labels
            else None
        )

    def __del__(self) -> None:
        if getattr(self, "_pointer", None) is not None:
            library.gn_close_dataset(self._pointer)

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.uint8], int]:
        """Pixels (height, width, channels) and the class's number (-1: none) of a sample."""
        if not 0 <= index < self.samples:
            raise IndexError(index)
        image = _abi.gn_image()
        label = ct.c_int(-1)
        check(library.gn_dataset_picture(self._pointer, index, ct.byref(image)))
        try:
            shape = (image.height, image.width, image.channels)
            pixels = np.ctypeslib.as_array(image.pixels, shape).copy()
        finally:
            library.gn_free_image(ct.byref(image))
        check(library.gn_dataset_sample(self._pointer, index, None, ct.byref(label)))
        return pixels, label.value
