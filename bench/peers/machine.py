"""The machine under a comparison: its name, whether it is quiet, its peak of multiply-adds."""

import os
import pathlib
import platform
import re
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ALLOCATORS = ("libtcmalloc_minimal.so.4", "libtcmalloc.so.4", "libjemalloc.so.2")
QUIET = 0.3  # load average
PEAK_FLAGS = {"avx512": "-mavx512f", "avx2": "-mavx2"}


def cpu_name():
    """(name for people, name for files), with family and model where Linux shows them."""
    fields = {}
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
    name = fields.get("model name", platform.machine())
    if "cpu family" in fields:
        name += f", family {fields['cpu family']}, model {fields['model']}"
    short = re.sub(r"\((r|tm)\)|family|model|cpu|processor", "", name.lower())
    return name, re.sub(r"[^a-z0-9]+", "-", short).strip("-")


def loads():
    return [round(load, 2) for load in os.getloadavg()]


def allocator():
    """Path of an allocator that keeps memory between steps, or None."""
    listed = subprocess.run(
        ["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=False
    ).stdout
    for name in ALLOCATORS:
        found = re.search(rf"^\s*{re.escape(name)} .*=> (\S+)$", listed, re.MULTILINE)
        if found:
            return found.group(1)
    return None


class Peak:
    """The probe of peak.c for a kernel set; without a compiler every answer is None."""

    def __init__(self, folder, isa, threads):
        compiler = shutil.which(os.environ.get("CC", "cc"))
        self.command = None
        if compiler and isa in PEAK_FLAGS:
            program = str(pathlib.Path(folder) / "peak")
            flags = ["-std=gnu11", "-O2", PEAK_FLAGS[isa], "-mfma"]
            source = str(HERE / "peak.c")
            subprocess.run([compiler, *flags, source, "-o", program, "-pthread"], check=True)
            self.command = [program, str(threads)]

    def gflops(self):
        if not self.command:
            return None
        return float(subprocess.run(self.command, capture_output=True, check=True).stdout)


def git_commit():
    done = subprocess.run(
        ["git", "-C", str(HERE), "describe", "--always", "--dirty"],
        capture_output=True, text=True, check=False,
    )
    return done.stdout.strip() or "unknown"
