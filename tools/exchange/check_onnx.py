"""Exports networks to ONNX and compares ONNX Runtime's answers with ours.

For every preset with fresh weights (and a model of your own, if given): the ONNX checker with full shape
inference accepts the file, and the logits of eight pictures agree to 1e-4 relative, from the
network's numbers; and to 1e-3 from the bytes of the pictures where ONNX can say the preprocessing (the
same resize may round a byte the other way).
Run: python tools/exchange/check_onnx.py [build/googlenet [MODEL...]]
(needs numpy, pillow, onnx and onnxruntime).
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from PIL import Image

PRESETS = ["googlenet", "googlenet-bn", "googlenet-small", "googlenet-paper", "googlenet-torchvision"]


def ours(program, model, files, flags):
    text = subprocess.run([program, "predict", model, *files, "--logits", "--json", *flags],
                          check=True, capture_output=True, text=True).stdout
    return np.array([json.loads(line)["logits"] for line in text.splitlines()], dtype=np.float32)


def theirs(path, array):
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: array})[0]


def compare(name, a, b, tolerance):
    error = np.abs(a - b).max() / np.abs(b).max()
    print(f"{name}: largest difference {error:.1e} of the largest logit", flush=True)
    return error <= tolerance and (a.argmax(axis=1) == b.argmax(axis=1)).all()


def value(v):
    return float.fromhex(v) if isinstance(v, str) else float(v)


def numbers(steps, files, size):
    """The network's input by the exported steps; None where Pillow has no such resize."""
    images = [Image.open(f) for f in files]
    for step in steps:
        if step["step"] == "resize" and step.get("short"):
            images = [i.resize((step["short"],) * 2, Image.BILINEAR) for i in images]
        elif step["step"] == "resize" and (step["h"], step["w"]) != (size, size):
            return None
        elif step["step"] == "crop":
            at = (images[0].width - step["w"]) // 2
            images = [i.crop((at, at, at + step["w"], at + step["h"])) for i in images]
    x = np.stack([np.array(i, dtype=np.float32).reshape(size, size, -1) for i in images])
    for step in steps:
        if step["step"] == "div":
            x = x / np.float32(step["by"])
        elif step["step"] == "sub":
            x = x - np.array([value(v) for v in step["by"]], dtype=np.float32)
        elif step["step"] == "divc":
            x = x / np.array([value(v) for v in step["by"]], dtype=np.float32)
        elif step["step"] == "affine":
            x = x * np.array([value(v) for v in step["mul"]], dtype=np.float32)
            x = x + np.array([value(v) for v in step["add"]], dtype=np.float32)
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def check(program, model, size, channels, folder, good):
    mode = "L" if channels == 1 else "RGB"
    rng = np.random.default_rng(1)
    files = []
    for i in range(8):
        low = rng.integers(0, 256, (9, 11) if channels == 1 else (9, 11, 3), dtype=np.uint8)
        image = Image.fromarray(low, mode).resize((size, size))
        files.append(str(folder / f"{i}.png"))
        image.save(files[-1])
    pixels = np.stack([np.array(Image.open(f)).reshape(size, size, channels) for f in files])
    wanted = ours(program, model, files, [])
    base = [program, "export", model]
    for flags in ([], ["--keep-norm"], ["--opset", "9"], ["--opset", "21"], ["--f16"]):
        path = str(folder / "numbers.onnx")
        report = json.loads(subprocess.run([*base, path, "--json", *flags], check=True,
                                           capture_output=True, text=True).stdout)
        x = numbers(json.loads(report["preprocess"]), files, size)
        if x is None:
            continue  # its own rule of resizing: compared with the steps in the graph below
        tolerance = 2e-2 if "--f16" in flags else 1e-4
        found = theirs(path, x)
        good &= compare(f"{model} {' '.join(flags)}", found, wanted, tolerance)
    for opset in ("13", "18"):
        path = str(folder / "bytes.onnx")
        done = subprocess.run([*base, path, "--embed-preprocessing", "--opset", opset],
                              capture_output=True, text=True)
        if done.returncode:
            print(f"{model} bytes, opset {opset}: {done.stderr.splitlines()[-1]}", flush=True)
            continue
        good &= compare(f"{model} bytes, opset {opset}", theirs(path, pixels), wanted, 1e-3)
    return good


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else "build/googlenet"
    good = True
    with tempfile.TemporaryDirectory() as name:
        for model in sys.argv[2:] or PRESETS:
            summary = json.loads(subprocess.run([program, "summary", model, "--json"], check=True,
                                                capture_output=True, text=True).stdout)
            size, channels = summary["input"][0], summary["input"][2]
            good &= check(program, model, size, channels, pathlib.Path(name), True)
    print("good" if good else "FAILED")
    sys.exit(not good)


if __name__ == "__main__":
    main()
