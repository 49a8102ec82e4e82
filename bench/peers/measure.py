"""What the peers' scripts share: options, the comparison of answers, and the talk with run.py.

A peer loads the weights, answers a batch, and compares its answer with ours; then it warms up and
says {"ready": ...} on stdout. Each line on stdin is a number of seconds to work for; the reply is
{"ms": [...]}, the time of every step. It ends with its input. `--start` answers one image, says so,
and ends: run.py takes the time from outside.
"""

import argparse
import json
import os
import sys
import time

import material
import numpy as np

TOLERANCE = 1e-3  # of a logit, relative to the largest
INT8_TOLERANCE = 0.1  # of two quantisations of one network
WARM_STEPS = 6  # at most
AGREE = 0.05


def parser(description):
    p = argparse.ArgumentParser(description=description)
    p.add_argument("--material", required=True, help="folder that run.py made")
    p.add_argument("--train", action="store_true", help="a training step, not a forward pass")
    p.add_argument("--batch", type=int, default=128)
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--start", action="store_true", help="answer one image and end")
    return p


def say(value):
    print(json.dumps(value), flush=True)


def check(logits, wanted, tolerance):
    """Ends the process when the peer computes another network than ours."""
    wrong = np.abs(np.asarray(logits) - wanted).max() / np.abs(wanted).max()
    if not wrong <= tolerance:  # also when it is NaN
        raise SystemExit(f"{sys.argv[0]}: logits differ from ours by {wrong:.2e} of the largest")
    return float(wrong)


def timed(step):
    begin = time.perf_counter()
    step()
    return 1000 * (time.perf_counter() - begin)


def serve(args, forward, step, version, setting, tolerance=TOLERANCE):
    """forward() -> logits of material.batch; step() returns when its work is done."""
    _, _, wanted = material.batch(args.material, args.batch)
    error = check(forward(), wanted, tolerance)
    if args.start:
        say({"answer": int(np.argmax(wanted[0]))})
        return
    last = timed(step)
    for _ in range(WARM_STEPS - 1):
        this = timed(step)
        if abs(this / last - 1) < AGREE:
            break
        last = this
    say({"ready": {"version": version, "setting": setting, "error": error}})
    for line in sys.stdin:
        times = []
        while not times or sum(times) < 1000 * float(line):
            times.append(timed(step))
        say({"ms": times})
