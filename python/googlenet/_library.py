"""The shared library: found, typed, and its errors as exceptions."""

from __future__ import annotations

import ctypes as ct
import os
from pathlib import Path
from typing import Any

from . import _abi

STATUS_NAMES = {
    value: name.removeprefix("GN_STATUS_").lower().replace("_", " ")
    for name, value in vars(_abi).items()
    if name.startswith("GN_STATUS_")
}


class Error(RuntimeError):
    """What the library says: one sentence; `status` is its number, `kind` a word for it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = STATUS_NAMES.get(status, "error")


class Stopped(Error):
    """A call that was ended by its caller or by its limit of time."""


def _find() -> str:
    """The library of the wheel, or the system's (Debian's package); GOOGLENET_LIBRARY names another."""
    own = Path(__file__).with_name("libgooglenet.so.0")
    return os.environ.get("GOOGLENET_LIBRARY") or (str(own) if own.exists() else "libgooglenet.so.0")


library: Any = ct.CDLL(_find())
_abi.declare(library)

_oldest = _abi.VERSION_NUMBER
if library.gn_version_number() < _oldest:
    raise ImportError(f"libgooglenet {library.gn_version().decode()} is older than this module")


def fail() -> Error:
    """The library's last error as an exception, to be raised."""
    status = library.gn_error_status()
    message = library.gn_error_message().decode("utf-8", "replace")
    if status == _abi.GN_STATUS_NO_MEMORY:
        return type("OutOfMemory", (Error, MemoryError), {})(status, message)  # type: ignore[no-any-return]
    kind = Stopped if status == _abi.GN_STATUS_STOPPED else Error
    return kind(status, message)


def check(status: int) -> None:
    if status != 0:
        raise fail()


def owned(pointer: int | None) -> int:
    if not pointer:
        raise fail()
    return pointer


def encoded(text: str | os.PathLike[str] | None) -> bytes | None:
    return None if text is None else os.fsencode(text)
