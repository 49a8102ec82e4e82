"""Makes Caffe files without Caffe, computes their answers with PyTorch, and compares ours.

A small network with everything that GoogLeNet has in Caffe (padding on both sides, pools that round up,
LRN, Concat, means over a window, two losses, BatchNorm with Scale) is written as .caffemodel of new and of old
layers, with and without a .prototxt. Run: python tools/exchange/check_caffe.py [build/googlenet] compares;
with --fixtures FOLDER it writes the files of tests/exchange/caffe (needs numpy, torch, pillow).
"""

import json
import pathlib
import struct
import subprocess
import sys
import tempfile

import numpy as np
import torch
import torch.nn.functional as F

SIDE, CLASSES = 21, 4
MEAN = (104.0, 117.0, 123.0)
OLD = {"Concat": 3, "Convolution": 4, "Data": 5, "Dropout": 6, "InnerProduct": 14, "LRN": 15,
       "Pooling": 17, "ReLU": 18, "Softmax": 20, "SoftmaxWithLoss": 21}
WORDS = {k: k.upper() for k in OLD} | {"InnerProduct": "INNER_PRODUCT", "SoftmaxWithLoss":
                                       "SOFTMAX_LOSS"}
NEW_OWN = {"Concat": 104, "Convolution": 106, "Dropout": 108, "InnerProduct": 117, "LRN": 118,
           "Pooling": 121, "BatchNorm": 139, "Scale": 142}
OLD_OWN = {"Concat": 9, "Convolution": 10, "Dropout": 12, "InnerProduct": 17, "LRN": 18,
           "Pooling": 19}
NUMBERS = {
    "Convolution": {"num_output": 1, "bias_term": 2, "pad": 3, "kernel_size": 4, "stride": 6,
                    "kernel_h": 11, "kernel_w": 12, "pad_h": 9, "pad_w": 10},
    "Pooling": {"pool": 1, "kernel_size": 2, "stride": 3, "pad": 4},
    "LRN": {"local_size": 1, "alpha": 2, "beta": 3}, "InnerProduct": {"num_output": 1},
    "Dropout": {"dropout_ratio": 1}, "Concat": {}, "BatchNorm": {"eps": 3},
    "Scale": {"bias_term": 4}}
PARAM = {"Convolution": "convolution_param", "Pooling": "pooling_param", "LRN": "lrn_param",
         "InnerProduct": "inner_product_param", "Dropout": "dropout_param",
         "BatchNorm": "batch_norm_param", "Scale": "scale_param"}


# ---- Protocol buffers ----

def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, bool):
        value = int(value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def blob(array, old):
    array = np.ascontiguousarray(array, np.float32)
    if old:
        dims = (1,) * (4 - array.ndim) + array.shape
        shape = b"".join(field(i + 1, int(d)) for i, d in enumerate(dims))
    else:
        shape = field(7, field(1, b"".join(varint(d) for d in array.shape)))
    return shape + field(5, array.tobytes())


def layer_message(layer, old, weights):
    kind, name, bottoms, tops, options, blobs = layer
    numbers = {"name": 4, "bottom": 2, "top": 3, "blobs": 6} if old else \
        {"name": 1, "bottom": 3, "top": 4, "blobs": 7}
    out = field(numbers["name"], name)
    out += field(5, OLD[kind]) if old else field(2, kind)
    out += b"".join(field(numbers["bottom"], b) for b in bottoms)
    out += b"".join(field(numbers["top"], t) for t in tops)
    if weights:
        out += b"".join(field(numbers["blobs"], blob(b, old)) for b in blobs)
    if kind == "SoftmaxWithLoss":
        out += field(35 if old else 5, options["loss_weight"])
    elif kind == "Data":
        out += field(36 if old else 100, field(3, SIDE) + b"".join(field(5, m) for m in MEAN))
    elif kind in NUMBERS:
        own = {"MAX": 0, "AVE": 1}
        inner = b"".join(field(NUMBERS[kind][k], own.get(v, v)) for k, v in options.items())
        out += field((OLD_OWN if old else NEW_OWN)[kind], inner)
    return out


def text_of(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def prototxt(layers, old):
    out = 'name: "small"  # made by check_caffe.py\ninput: "data"\n'
    if old:
        out += f"input_dim: 1\ninput_dim: 3\ninput_dim: {SIDE}\ninput_dim: {SIDE}\n"
    else:
        out += f"input_shape {{ dim: 1 dim: 3 dim: {SIDE} dim: {SIDE} }}\n"
    for kind, name, bottoms, tops, options, _ in layers:
        out += f'{"layers" if old else "layer"} {{\n  name: "{name}"\n'
        out += f"  type: {WORDS[kind]}\n" if old else f'  type: "{kind}"\n'
        out += "".join(f'  bottom: "{b}"\n' for b in bottoms)
        out += "".join(f'  top: "{t}"\n' for t in tops)
        if kind in PARAM and options:
            inner = "".join(f"    {k}: {text_of(v)}\n" for k, v in options.items())
            if kind == "Convolution":
                inner += '    weight_filler { type: "xavier" std: 0.1 }\n'
            out += f"  {PARAM[kind]} {{\n{inner}  }}\n"
        out += "  param { lr_mult: 1 }\n" if kind == "Convolution" and not old else ""
        out += "}\n"
    return out


# ---- A network ----

def make(norm, seed):
    rng = np.random.default_rng(seed)

    def conv(name, x, c, out, k, **more):
        kh, kw = more.get("kernel_h", k), more.get("kernel_w", k)
        options = {"num_output": out} | ({"kernel_size": k} if k else {}) | more
        w = rng.normal(0, (2 / (c * kh * kw)) ** 0.5, (out, c, kh, kw))
        return [("Convolution", name, [x], [name], options, [w, rng.normal(0, 0.1, out)]),
                ("ReLU", name + "_relu", [name], [name], {}, [])]

    def dense(name, x, n, out):
        return [("InnerProduct", name, [x], [name], {"num_output": out},
                 [rng.normal(0, n ** -0.5, (out, n)), rng.normal(0, 0.1, out)])]

    def pool(name, x, kind, k, stride, **more):
        return [("Pooling", name, [x], [name],
                 {"pool": kind, "kernel_size": k, "stride": stride} | more, [])]

    net = conv("conv1/7x7_s2", "data", 3, 8, 7, pad=3, stride=2)  # 11
    if norm:
        net[1:1] = [("BatchNorm", "bn", ["conv1/7x7_s2"], ["conv1/7x7_s2"], {"eps": 0.001},
                     [rng.normal(0, 1, 8), rng.uniform(1, 3, 8), np.array([2.0])]),
                    ("Scale", "scale", ["conv1/7x7_s2"], ["conv1/7x7_s2"], {"bias_term": True},
                     [rng.uniform(0.5, 1.5, 8), rng.normal(0, 0.1, 8)])]
    net += pool("pool1", "conv1/7x7_s2", "MAX", 3, 2)  # 5
    net += [("LRN", "norm1", ["pool1"], ["norm1"], {"local_size": 5, "alpha": 0.5, "beta": 0.75},
             [])]
    net += conv("a/1x1", "norm1", 8, 4, 1) + conv("a/3x3", "norm1", 8, 6, 3, pad=1)
    net += conv("a/1x3", "norm1", 8, 3, 0, kernel_h=1, kernel_w=3, pad_h=0, pad_w=1)
    net += pool("a/pool", "norm1", "MAX", 3, 1, pad=1) + conv("a/proj", "a/pool", 8, 2, 1)
    net += [("Concat", "a/output", ["a/1x1", "a/3x3", "a/1x3", "a/proj"], ["a/output"], {}, [])]
    head = pool("loss1/ave_pool", "a/output", "AVE", 2, 3) + dense("loss1/fc", "loss1/ave_pool",
                                                                  15 * 4, 7)  # 2x2
    head += [("ReLU", "loss1/relu", ["loss1/fc"], ["loss1/fc"], {}, [])]
    head += dense("loss1/classifier", "loss1/fc", 7, CLASSES)
    tail = pool("pool5", "a/output", "AVE", 5, 1)
    tail += [("Dropout", "drop", ["pool5"], ["pool5"], {"dropout_ratio": 0.4}, [])]
    tail += dense("loss3/classifier", "pool5", 15, CLASSES)
    data = [("Data", "data", [], ["data", "label"], {}, [])]
    losses = [("SoftmaxWithLoss", "loss3/loss", ["loss3/classifier", "label"], ["loss3"],
               {"loss_weight": 1.0}, []),
              ("SoftmaxWithLoss", "loss1/loss", ["loss1/classifier", "label"], ["loss1"],
               {"loss_weight": 0.3}, [])]
    softmax = [("Softmax", "prob", ["loss3/classifier"], ["prob"], {}, [])]
    return data + net + head + tail + losses, net + tail + softmax


def pooled(x, o):
    k, s, p = o["kernel_size"], o["stride"], o.get("pad", 0)
    if o["pool"] == "MAX":
        return F.max_pool2d(x, k, s, p, ceil_mode=True)
    return F.avg_pool2d(x, k, s, p, ceil_mode=True)


def answer(layers, x):
    values = {"data": torch.tensor(x, dtype=torch.float64)}
    for kind, name, bottoms, tops, o, blobs in layers:
        if not bottoms or kind in ("SoftmaxWithLoss", "Softmax"):
            continue
        v = values[bottoms[0]]
        w = [torch.tensor(np.asarray(b, np.float32), dtype=torch.float64) for b in blobs]
        if kind == "Convolution":
            pad = (o.get("pad_h", o.get("pad", 0)), o.get("pad_w", o.get("pad", 0)))
            v = F.conv2d(v, w[0], w[1], o.get("stride", 1), pad)
        elif kind == "ReLU":
            v = F.relu(v)
        elif kind == "Pooling":
            v = pooled(v, o)
        elif kind == "LRN":
            v = F.local_response_norm(v, o["local_size"], o["alpha"], o["beta"], 1.0)
        elif kind == "Concat":
            v = torch.cat([values[b] for b in bottoms], 1)
        elif kind == "InnerProduct":
            v = F.linear(v.flatten(1), w[0], w[1])
        elif kind == "BatchNorm":
            v = F.batch_norm(v, w[0] / w[2], w[1] / w[2], eps=o["eps"])
        elif kind == "Scale":
            v = v * w[0].reshape(1, -1, 1, 1) + w[1].reshape(1, -1, 1, 1)
        values[tops[0]] = v
    return values["loss3/classifier"][0].numpy()


def write(folder, old, norm, name):
    """Returns the logits of the picture NAME.raw (HWC, BGR, minus the mean)."""
    train, deploy = make(norm, 3 if old else 4)
    net = field(1, "small")
    for layer in train:
        net += field(2 if old else 100, layer_message(layer, old, True))
    (folder / f"{name}.caffemodel").write_bytes(net)
    (folder / f"{name}.prototxt").write_text(prototxt(deploy, old))
    pixels = np.random.default_rng(9).integers(0, 256, (SIDE, SIDE, 3)).astype(np.float32)
    x = (pixels - np.array(MEAN, np.float32)).transpose(2, 0, 1)[None]
    logits = answer(train, x).astype(np.float32)
    np.concatenate([(pixels - np.array(MEAN, np.float32)).ravel(), logits]).astype(
        "<f4").tofile(folder / f"{name}.raw")
    return logits


def main():
    if "--fixtures" in sys.argv:
        folder = pathlib.Path(sys.argv[sys.argv.index("--fixtures") + 1])
        folder.mkdir(exist_ok=True)
        write(folder, True, False, "old")
        write(folder, False, True, "new")
        return
    from PIL import Image
    program = sys.argv[1] if len(sys.argv) > 1 else "build/googlenet"
    good = True
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for old, norm in ((True, False), (False, False), (False, True)):
            wanted = write(folder, old, norm, "m")
            pixels = np.random.default_rng(9).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
            Image.fromarray(pixels[:, :, ::-1]).save(folder / "p.png")
            steps = json.dumps([{"step": "decode", "channels": "bgr"},
                                {"step": "resize", "h": SIDE, "w": SIDE, "rule": "half-pixel",
                                 "antialias": False}, {"step": "sub", "by": [104, 117, 123]}])
            for text in (True, False):
                if not text:
                    (folder / "m.prototxt").unlink()
                subprocess.run([program, "import", folder / "m.caffemodel", folder /
                                "m.safetensors", "--preprocess", steps, "-q"], check=True,
                               stdout=subprocess.DEVNULL)
                line = subprocess.run([program, "predict", folder / "m.safetensors", folder /
                                       "p.png", "--json", "--logits"], check=True,
                                      capture_output=True, text=True).stdout
                error = np.abs(np.array(json.loads(line)["logits"]) - wanted).max()
                error /= np.abs(wanted).max()
                print(f"{'old' if old else 'new'} layers, BatchNorm {norm}, prototxt {text}: "
                      f"{error:.1e} of the largest logit", flush=True)
                good &= bool(error <= 1e-5)
    print("good" if good else "FAILED")
    sys.exit(not good)


if __name__ == "__main__":
    main()
