"""What the peers' scripts share: options, clocks, and the report.

The report has the keys of `googlenet bench --json`, and adds the peer's name, version and setting,
the memory in use before its first step (libraries, parameters, one batch), and the seconds from
the start of the process to the end of that step.
"""

import argparse
import json
import os
import resource
import statistics
import time

_START_TICKS_FIELD = 19  # starttime in /proc/self/stat, counted after the name in parentheses


def seconds_since_process_start():
    """Includes the interpreter's start and the imports; resolution 10 ms."""
    with open("/proc/self/stat", encoding="ascii", errors="replace") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    start = int(fields[_START_TICKS_FIELD]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - start


def resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def parser(description):
    p = argparse.ArgumentParser(description=description)
    p.add_argument("--forward", action="store_true", help="forward pass only, no training step")
    p.add_argument("--size", type=int, default=96, help="height and width of the images")
    p.add_argument("--batch", type=int, default=128)
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--steps", type=int, default=5, help="timed steps, after the warm-up")
    p.add_argument("--warmup", type=int, default=2, help="steps before them, the first included")
    p.add_argument("--json", action="store_true", help="one JSON object on stdout")
    return p


def batch(size, count):
    """Float images [count][size][size][1] in [0, 1) and labels; the values do not matter."""
    import numpy as np

    rng = np.random.default_rng(0)
    x = rng.random((count, size, size, 1), dtype=np.float32)
    return x, rng.integers(0, 10, count)


def run(args, step, peer, version, setting):
    """Calls step() (which returns when its work is done) and prints the report."""
    loaded = resident_bytes()
    step()
    first = seconds_since_process_start()
    for _ in range(args.warmup - 1):
        step()
    times = []
    for _ in range(args.steps):
        begin = time.perf_counter()
        step()
        times.append(1000 * (time.perf_counter() - begin))
    median = statistics.median(times)
    report = {
        "peer": peer,
        "version": version,
        "setting": setting,
        "mode": "forward" if args.forward else "train",
        "size": args.size,
        "batch": args.batch,
        "threads": args.threads,
        "ms_median": round(median, 3),
        "ms_min": round(min(times), 3),
        "images_per_second": round(1000 * args.batch / median, 2),
        "peak_rss_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "loaded_rss_bytes": loaded,
        "first_step_seconds": round(first, 2),
    }
    if args.json:
        print(json.dumps(report))
    else:
        for key, value in report.items():
            print(f"{key:20} {value}")
