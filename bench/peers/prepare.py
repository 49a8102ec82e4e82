"""Lays ready what the peers of one image size need: a model file of ours, images, our answers.

Random weights of our own initialisation: the speed is the same as that of trained ones.
"""

import json
import math
import pathlib
import shutil
import struct

import programs

IMAGES = 10  # one of each label


def write_images(folder, size):
    """Two IDX pairs with waves of different lengths and directions: answers that differ."""
    pixels = bytearray()
    for k in range(IMAGES):
        for y in range(size):
            for x in range(size):
                wave = math.sin((k + 1) * 6.0 * x / size) * math.cos((IMAGES - k) * 4.0 * y / size)
                pixels.append(round(127.5 + 127 * wave))
    images = struct.pack(">4I", 0x803, IMAGES, size, size) + bytes(pixels)
    labels = struct.pack(">2I", 0x801, IMAGES) + bytes(range(IMAGES))
    for part in ("train", "t10k"):
        (folder / f"{part}-images-idx3-ubyte").write_bytes(images)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(labels)
    (folder / "images").write_bytes(images)


def predict_command(program, folder, images, threads):
    command = [program, "predict", str(folder / "model.safetensors"), str(folder / images)]
    return command + ["--logits", "--json", "--threads", str(threads)]


def write_answers(folder, program, threads, environment):
    text = programs.output_of(predict_command(program, folder, "images", threads), environment)
    logits = [json.loads(line)["logits"] for line in text.splitlines()]
    (folder / "logits.json").write_text(json.dumps(logits))


def make(folder, size, network, program, python, threads, environment):
    """What the peers get of the notebook's network as files, those of another one get as our own ONNX file."""
    folder = pathlib.Path(folder)
    folder.mkdir()
    write_images(folder, size)
    run = folder / "run"
    command = [program, "train", "--data", str(folder), "--out", str(run), "--size", str(size)]
    command += ["--model", network, "--batch", str(IMAGES), "--max-steps", "1", "--lr", "0", "--limit-val", "1"]
    programs.output_of(command + ["--threads", str(threads), "--quiet"], environment)
    (run / "model.safetensors").rename(folder / "model.safetensors")
    write_answers(folder, program, threads, environment)
    one = (folder / "images").read_bytes()[: 16 + size * size]
    (folder / "one-image").write_bytes(one[:4] + struct.pack(">I", 1) + one[8:])
    if network == "googlenet":
        command = [python, str(programs.HERE / "make_models.py"), str(folder), str(size)]
    else:
        command = [program, "export", str(folder / "model.safetensors"), str(folder / "net.onnx")]
        write_multiply_adds(folder, program, environment)
    programs.output_of(command, environment)


def write_multiply_adds(folder, program, environment):
    command = [program, "summary", str(folder / "model.safetensors"), "--json"]
    layers = json.loads(programs.output_of(command, environment))["layers"]
    (folder / "macs.json").write_text(json.dumps([l["macs"] for l in layers if l["type"] == "Conv2D"]))


def make_int8(folder, whole, program, python, threads, environment):
    """The same in 8 bits: our quantisation of the model in folder `whole`, and ONNX Runtime's of its ONNX
    file, both from the same images; the answers are ours."""
    folder.mkdir()
    for name in ("images", "one-image", "convolutions"):
        shutil.copy(whole / name, folder / name)
    command = [program, "quantize", str(whole / "model.safetensors")]
    command += [str(folder / "model.safetensors"), "--data", str(whole), "--images", str(IMAGES)]
    command += ["--max-drop", "100", "--threads", str(threads)]
    programs.output_of(command, environment)
    write_answers(folder, program, threads, environment)
    command = [python, str(programs.HERE / "make_int8.py"), str(whole), str(folder)]
    programs.output_of(command, environment)


def multiply_adds(folder):
    """(forward, training step) of one image, nominal; the dense layer left out (0.004%)."""
    listed = pathlib.Path(folder) / "macs.json"
    if listed.exists():
        macs = json.loads(listed.read_text())
        return sum(macs), 3 * sum(macs) - macs[0]
    total, first = 0, 0
    for line in (pathlib.Path(folder) / "convolutions").read_text().splitlines():
        size, cin, cout, kernel, stride = map(int, line.split()[1:6])
        macs = (-(-size // stride)) ** 2 * kernel * kernel * cin * cout
        first = first or macs
        total += macs
    return total, 3 * total - first
