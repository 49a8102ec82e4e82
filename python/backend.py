"""Builds the wheel: CMake makes the shared library, abi.py its declarations, and a zip holds both.

PEP 517 asks for two functions; that is all that is needed here, so there is no build tool. Equal sources give
equal bytes: files have the time SOURCE_DATE_EPOCH, or 1980.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent


def _version() -> str:
    cmake = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    return re.search(r"project\(googlenet VERSION ([\d.]+)", cmake)[1]  # type: ignore[index]


def _tag() -> str:
    return "py3-none-" + re.sub(r"[-.]", "_", sysconfig.get_platform())


def _metadata() -> bytes:
    lines = [
        "Metadata-Version: 2.1",
        "Name: googlenet",
        f"Version: {_version()}",
        "Summary: GoogLeNet (Inception v1) in C: train, evaluate, predict, from Python without Python inside",
        "License: MIT",
        "Requires-Python: >=3.9",
        "Requires-Dist: numpy>=1.21",
        "Description-Content-Type: text/markdown",
        "",
        (HERE / "README.md").read_text(encoding="utf-8"),
    ]
    return "\n".join(lines).encode()


def _library() -> bytes:
    """GOOGLENET_LIBRARY, if a build is there already; otherwise it is made."""
    given = os.environ.get("GOOGLENET_LIBRARY")
    if given:
        return Path(given).read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        flags = ["-DGN_TESTS=OFF", "-DCMAKE_BUILD_TYPE=Release"]
        for command in (
            ["cmake", "-S", str(ROOT), "-B", folder, *flags],
            ["cmake", "--build", folder, "--target", "googlenet_shared", "--parallel", str(os.cpu_count() or 2)],
        ):
            subprocess.run(command, check=True, stdout=sys.stderr)
        return (Path(folder) / "libgooglenet.so.0").resolve().read_bytes()


def _modules() -> dict[str, bytes]:
    files = {f"googlenet/{p.name}": p.read_bytes() for p in sorted((HERE / "googlenet").glob("*.py*"))}
    files["googlenet/py.typed"] = b""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "_abi.py"
        header = ROOT / "include" / "googlenet.h"
        subprocess.run([sys.executable, str(HERE / "abi.py"), str(header), str(made)], check=True)
        files["googlenet/_abi.py"] = made.read_bytes()
    return files


def build_wheel(
    wheel_directory: str, config_settings: Any = None, metadata_directory: Any = None
) -> str:
    stem = f"googlenet-{_version()}"
    info = f"{stem}.dist-info"
    files = _modules()
    files["googlenet/libgooglenet.so.0"] = _library()
    files[f"{info}/METADATA"] = _metadata()
    files[f"{info}/LICENSE"] = (ROOT / "LICENSE").read_bytes()
    files[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: googlenet\nRoot-Is-Purelib: false\nTag: {_tag()}\n".encode()
    )
    record = []
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record.append(f"{name},sha256={digest},{len(content)}")
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "315532800"))
    wheel = f"{stem}-{_tag()}.whl"
    with zipfile.ZipFile(Path(wheel_directory) / wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, time.gmtime(epoch)[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if ".so" in name else 0o644) << 16
            archive.writestr(entry, content)
    return wheel


def build_sdist(sdist_directory: str, config_settings: Any = None) -> str:
    raise NotImplementedError("the source of the wheel is the whole project: build it in a clone")
