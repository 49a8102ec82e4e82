"""The library itself: version, presets, log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import _abi
from ._library import library

LEVELS = {1: "error", 2: "warning", 3: "info", 4: "debug"}
_log: Any = None  # the library keeps no reference


def version() -> str:
    """That of the library."""
    return str(library.gn_version().decode())


def presets() -> list[str]:
    """Names of the networks that `preset` makes."""
    names: list[str] = []
    while (name := library.gn_preset_name(len(names))) is not None:
        names.append(name.decode())
    return names


def set_log(log: Callable[[str, str], None] | None, level: str = "info") -> None:
    """Calls log(level, text) for what the library has to say, up to `level`: error, warning, info or
    debug. It must not call the library. None: nothing is said."""
    global _log
    numbers = {name: number for number, name in LEVELS.items()}
    if level not in numbers:
        raise ValueError(f"level is one of {', '.join(numbers)}, not {level!r}")

    def say(_user: Any, number: int, text: bytes) -> None:
        if log is not None:
            log(LEVELS[number], text.decode("utf-8", "replace"))

    kept = _log  # until the new one is set
    _log = _abi.gn_log(say) if log is not None else _abi.gn_log()
    library.gn_set_log(_log, None, numbers[level])
    del kept
