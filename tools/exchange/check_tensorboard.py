#!/usr/bin/env python3
"""Compares a run's event files, as the real TensorBoard reads them, with its history.jsonl.

    pip install tensorboard
    googlenet train --data D --out RUN --tensorboard --histograms --log-steps 1
    tools/exchange/check_tensorboard.py RUN [FOLDER]

FOLDER holds train/ and validation/ (RUN/tensorboard). Every metric must be there at every epoch, and no
step twice; values are float32, which is what TensorBoard keeps. Both of its readers are asked: the old
one, which gives values as they were written, and the one behind its pages.
"""
import json
import os
import struct
import sys

from tensorboard.backend.event_processing import event_accumulator, plugin_event_accumulator
from tensorboard.util import tensor_util


def float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def wanted_of(run):
    """{part: {(tag, step): value}} from history.jsonl; values of times are None, since it rounds them."""
    wanted = {"train": {}, "validation": {}}
    with open(os.path.join(run, "history.jsonl")) as lines:
        for record in map(json.loads, lines):
            at = record.get("epoch", record.get("step"))
            for name, value in record.items():
                if name in ("epoch", "step"):
                    continue
                part, tag = ("validation", name[4:]) if name.startswith("val_") else ("train", name)
                if "step" in record:
                    part, tag = "train", "step/" + name
                rounded = name in ("seconds", "images_per_second")
                wanted[part][tag, at] = None if rounded else float32(value)
    return wanted


def old_reader(folder):
    events = event_accumulator.EventAccumulator(
        folder, size_guidance={"scalars": 0, "histograms": 0, "images": 0})
    events.Reload()
    found = {}
    for tag in events.Tags()["scalars"]:
        for event in events.Scalars(tag):
            if (tag, event.step) in found:
                sys.exit(f"{folder}: {tag} is there twice at {event.step}")
            found[tag, event.step] = event.value
    others = {"histograms": 0, "images": 0}
    for tag in events.Tags()["histograms"]:
        steps = [event.step for event in events.Histograms(tag)]
        if sorted(set(steps)) != steps:
            sys.exit(f"{folder}: {tag} has the steps {steps}")
        for event in events.Histograms(tag):
            h = event.histogram_value
            if sum(h.bucket) != h.num or len(h.bucket) != len(h.bucket_limit):
                sys.exit(f"{folder}: {tag} at {event.step} counts {sum(h.bucket)} of {h.num}")
        others["histograms"] += len(steps)
    for tag in events.Tags()["images"]:
        for event in events.Images(tag):
            if not event.encoded_image_string.startswith(b"\x89PNG"):
                sys.exit(f"{folder}: {tag} at {event.step} is no PNG")
            others["images"] += 1
    return found, others


def new_reader(folder):
    events = plugin_event_accumulator.EventAccumulator(folder, tensor_size_guidance={
        "scalars": 0, "histograms": 0, "images": 0})
    events.Reload()
    found = {}
    for tag in events.PluginTagToContent("scalars"):
        for event in events.Tensors(tag):
            found[tag, event.step] = float(tensor_util.make_ndarray(event.tensor_proto))
    return found


def main():
    run = sys.argv[1]
    folder = sys.argv[2] if len(sys.argv) > 2 else os.path.join(run, "tensorboard")
    for part, wanted in wanted_of(run).items():
        if not wanted:
            continue
        path = os.path.join(folder, part)
        found, others = old_reader(path)
        for name, values in (("old", found), ("new", new_reader(path))):
            if set(values) != set(wanted):
                sys.exit(f"{path}: {name} reader: differ in {sorted(set(values) ^ set(wanted))[:5]}")
            for key, value in wanted.items():
                if value is not None and values[key] != value:
                    sys.exit(f"{path}: {name} reader: {key} is {values[key]}, not {value}")
        print(f"{path}: {len(wanted)} values equal, {others['histograms']} histograms, "
              f"{others['images']} pictures")


main()
