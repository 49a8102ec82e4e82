"""What `run.py` lays ready for the peers of one image size, and how they read it.

A folder holds `model.safetensors` (written by `googlenet train`), `images` (an IDX file with a few
images of the network's size), `logits.json` (the answers of `googlenet predict` to them), and the
same weights as `net.onnx`, `net.param` and `net.bin`, and the list `convolutions` (make_models.py).
"""

import json
import pathlib
import struct

import numpy as np


def read_model(folder):
    """The header of the model file, its bytes, and where the tensors begin in them."""
    data = (pathlib.Path(folder) / "model.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data, 8 + length


def graph(folder):
    """The network as the file describes it (docs/model-file.md)."""
    return json.loads(read_model(folder)[0]["__metadata__"]["gn.graph"])


def is_normalised(folder):
    return any(layer["op"] == "batch_norm" for layer in graph(folder)["layers"])


def tensors(folder):
    """name -> float32 array; convolution weights are [kh][kw][in][out]."""
    header, data, start = read_model(folder)
    out = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = (start + at for at in entry["data_offsets"])
            out[name] = np.frombuffer(data[begin:end], "<f4").reshape(entry["shape"])
    return out


def layers(values):
    """Names of the layers in graph order."""
    return sorted(name[: -len(".weight")] for name in values if name.endswith(".weight"))


def batch(folder, count):
    """Float images [count][size][size][1] in [0, 1]: the folder's, repeated; labels; logits."""
    data = (pathlib.Path(folder) / "images").read_bytes()
    n, height, width = struct.unpack(">3I", data[4:16])
    images = np.frombuffer(data[16:], np.uint8).reshape(n, height, width, 1)
    images = images.astype(np.float32) / np.float32(255)
    logits = np.array(json.loads((pathlib.Path(folder) / "logits.json").read_text()))
    pick = np.arange(count) % n
    return np.ascontiguousarray(images[pick]), pick % 10, logits[pick]
