"""Writes and reads safetensors files: an 8-byte length, a JSON header, then the bytes.

Tensors are ordered as the reference writer orders them (larger element first, then by name), the
header is padded with spaces so that the data begin at a multiple of 64.
"""

import json
import struct

import numpy as np

_NAMES = {np.dtype("<f8"): "F64", np.dtype("<f4"): "F32", np.dtype("u1"): "U8"}
_TYPES = {name: dtype for dtype, name in _NAMES.items()}


def save(path, tensors, metadata):
    """tensors: name -> float32, float64 or uint8 array; metadata: name -> string."""
    arrays = {}
    for name, value in tensors.items():
        value = np.asarray(value)
        arrays[name] = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
    order = sorted(arrays, key=lambda n: (-arrays[n].dtype.itemsize, n))
    header = {"__metadata__": {k: str(metadata[k]) for k in sorted(metadata)}}
    end = 0
    for name in order:
        a = arrays[name]
        header[name] = {
            "dtype": _NAMES[a.dtype],
            "shape": list(a.shape),
            "data_offsets": [end, end + a.nbytes],
        }
        end += a.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % 64)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)))
        f.write(text)
        for name in order:
            f.write(arrays[name].tobytes())


def load(path):
    with open(path, "rb") as f:
        data = f.read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        raw = data[8 + length + begin : 8 + length + end]
        tensors[name] = np.frombuffer(raw, _TYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors, metadata
