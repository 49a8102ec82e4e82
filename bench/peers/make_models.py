#!/usr/bin/env python3
"""Writes the network of a model file for the peers: ONNX, ncnn's two files, a list of convolutions.

Usage: make_models.py FOLDER SIZE; the folder holds model.safetensors (see material.py).
"""

import collections
import pathlib
import sys

import material
import numpy as np
import onnx
import topology
from onnx import TensorProto, helper, numpy_helper


def outputs_first(weight):
    """[out][in][kh][kw], which both formats want."""
    return np.ascontiguousarray(weight.transpose(3, 2, 0, 1))


def write_onnx(path, tensors, layers, size):
    nodes, constants = [], []

    def parameters(name, weight):
        constants.append(numpy_helper.from_array(weight, name + ".weight"))
        constants.append(numpy_helper.from_array(tensors[name + ".bias"], name + ".bias"))
        return [name + ".weight", name + ".bias"]

    def node(kind, inputs, name, **attributes):
        nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))

    for layer in layers:
        window = {"strides": [layer.stride] * 2, "kernel_shape": [layer.kernel] * 2}
        window["pads"] = [layer.pads[0]] * 2 + [layer.pads[1]] * 2
        if layer.kind == "conv":
            weight = outputs_first(tensors[layer.name + ".weight"])
            inputs = layer.inputs + parameters(layer.name, weight)
            node("Conv", inputs, layer.name + ".linear", **window)
            node("Relu", [layer.name + ".linear"], layer.name)
        elif layer.kind == "pool":
            node("MaxPool", layer.inputs, layer.name, **window)
        else:
            node("Concat", layer.inputs, layer.name, axis=1)
    node("GlobalAveragePool", [layers[-1].name], "average")
    node("Flatten", ["average"], "flat")
    node("Gemm", ["flat"] + parameters("dense", tensors["dense.weight"]), "logits")
    shapes = [("images", ["n", 1, size, size]), ("logits", ["n", 10])]
    ends = [helper.make_tensor_value_info(k, TensorProto.FLOAT, shape) for k, shape in shapes]
    graph = helper.make_graph(nodes, "googlenet", ends[:1], ends[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def write_ncnn(text_path, weights_path, tensors, layers):
    """A map that several layers read goes through a Split layer: ncnn counts one reader a map."""
    readers = collections.Counter(name for layer in layers for name in layer.inputs)
    copies, lines, weights = {}, [], []
    blobs = 0

    def add(kind, inputs, name, values):
        nonlocal blobs
        inputs = [copies[i].pop() if i in copies else i for i in inputs]
        words = [kind, name, str(len(inputs)), "1", *inputs, name]
        lines.append(" ".join(words + [f"{key}={value}" for key, value in values.items()]))
        blobs += 1
        if readers[name] > 1:
            copies[name] = [f"{name}.copy{i}" for i in range(readers[name])]
            words = ["Split", name + ".split", "1", str(readers[name]), name, *copies[name]]
            lines.append(" ".join(words))
            blobs += readers[name]

    def parameters(name, weight):
        weights.append(np.uint32(0).tobytes())  # says that float32 follows
        weights.append(weight.tobytes() + tensors[name + ".bias"].tobytes())

    add("Input", [], "images", {})
    for layer in layers:
        before, after = layer.pads
        if layer.kind == "conv":
            weight = outputs_first(tensors[layer.name + ".weight"])
            parameters(layer.name, weight)
            add("Convolution", layer.inputs, layer.name, {
                0: layer.width, 1: layer.kernel, 3: layer.stride, 4: before, 14: before,
                15: after, 16: after, 5: 1, 6: weight.size, 9: 1,
            })
        elif layer.kind == "pool":
            add("Pooling", layer.inputs, layer.name, {
                0: 0, 1: layer.kernel, 2: layer.stride, 3: before, 13: before,
                14: after, 15: after, 5: 1,
            })
        else:
            add("Concat", layer.inputs, layer.name, {0: 0})
    add("Pooling", [layers[-1].name], "average", {0: 1, 4: 1})
    weight = np.ascontiguousarray(tensors["dense.weight"].T)
    parameters("dense", weight)
    add("InnerProduct", ["average"], "logits", {0: weight.shape[0], 1: 1, 2: weight.size})
    text_path.write_text("\n".join(["7767517", f"{len(lines)} {blobs}", *lines]) + "\n")
    weights_path.write_bytes(b"".join(weights))


def write_convolutions(path, layers):
    """A line each: name, map, channels in and out, kernel, stride, pads before and after."""
    lines = [
        f"{c.name} {c.size} {c.channels} {c.width} {c.kernel} {c.stride} {c.pads[0]} {c.pads[1]}\n"
        for c in layers
        if c.kind == "conv"
    ]
    path.write_text("".join(lines))


def main():
    folder, size = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    tensors = material.tensors(folder)
    layers = topology.layers({name: value.shape for name, value in tensors.items()}, size)
    write_onnx(folder / "net.onnx", tensors, layers, size)
    write_ncnn(folder / "net.param", folder / "net.bin", tensors, layers)
    write_convolutions(folder / "convolutions", layers)


if __name__ == "__main__":
    main()
