"""Runs ONNX's own backend cases: each is answered rightly or refused with a sentence, never wrong.

A case is a model with inputs and outputs. Inputs after the first become constants, as they are in networks;
an input of two dimensions becomes a map of one pixel; an output that is a map is flattened and multiplied
with the identity, or by a convolution over all of it, since a network here ends in a vector. Run: python tools/exchange/check_backend.py FOLDER [BUILD [LIST]]; FOLDER holds the cases of
all kinds (onnx/backend/test/data of pip's onnx==1.22.0, /usr/share/libonnx-testdata of Debian's
libonnx-testdata); LIST gets a line a case. Needs numpy, onnx, and a C compiler.
"""

import collections
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[2]
LARGEST = 4096  # of the identity matrix
ROWS = 16


def tensor(path):
    """The array in a file; None for sequences and other things."""
    proto = onnx.TensorProto()
    try:
        proto.ParseFromString(path.read_bytes())
        return numpy_helper.to_array(proto)
    except Exception:  # noqa: BLE001 whatever it is, it is no tensor
        return None


def rank_four(graph, x):
    """A first input of two dimensions becomes a map of one pixel."""
    value = graph.input[0]
    old = value.name
    value.CopyFrom(helper.make_tensor_value_info("check.input", 1, [*x.shape, 1, 1]))
    graph.node.insert(0, helper.make_node("Flatten", ["check.input"], [old], axis=1))


def wrap(model, inputs, output):
    """The model with constants for all inputs but the first, and an answer that is a row an image.

    Returns the matrix by which the output is multiplied: the identity, or for large maps sixteen random
    rows, as a convolution over all of it; None: nothing is added."""
    graph = model.graph
    known = {i.name for i in graph.initializer}
    given = [i for i in graph.input if i.name not in known]
    for value, array in list(zip(given, inputs))[1:]:
        graph.initializer.append(numpy_helper.from_array(array, value.name))
        graph.input.remove(value)
    for _ in graph.output[1:]:
        del graph.output[-1]
    if inputs[0].ndim == 2 and inputs[0].dtype == np.float32:
        rank_four(graph, inputs[0])
    n = int(np.prod(output.shape[1:]))
    if output.ndim < 2 or n == 0 or (output.ndim == 2 and "Softmax" in graph.node[-1].op_type):
        return None
    name = graph.output[0].name
    side = max(output.shape[2:], default=1)
    if output.ndim == 4 and 8 < side <= 64:
        rows = np.random.default_rng(1).normal(0, 1, (ROWS, n)).astype(np.float32)
        graph.initializer.append(numpy_helper.from_array(rows.reshape(ROWS, *output.shape[1:]), "check.w"))
        graph.node.append(helper.make_node("Conv", [name, "check.w"], ["check.conv"]))
        graph.node.append(helper.make_node("Flatten", ["check.conv"], ["check.answer"], axis=1))
    elif n <= LARGEST:
        rows = np.eye(n, dtype=np.float32)
        graph.initializer.append(numpy_helper.from_array(rows, "check.eye"))
        graph.node.append(helper.make_node("Flatten", [name], ["check.flat"], axis=1))
        graph.node.append(helper.make_node("Gemm", ["check.flat", "check.eye"], ["check.answer"]))
    else:
        return None
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("check.answer", 1, None))
    return rows


def run(program, folder, data):
    """"right", "WRONG ..." or why it is refused."""
    model = onnx.load(str(folder / "model.onnx"))
    inputs = [tensor(p) for p in sorted(data.glob("input_*.pb"))]
    outputs = [tensor(p) for p in sorted(data.glob("output_*.pb"))]
    x = inputs[0] if inputs and inputs[0] is not None else np.zeros(0)
    shape = (*x.shape, 1, 1) if x.ndim == 2 else x.shape
    rows = None
    if inputs and all(a is not None for a in inputs + outputs) and outputs:
        rows = wrap(model, inputs, outputs[0])
    with tempfile.TemporaryDirectory() as place:
        path = str(pathlib.Path(place) / "case.onnx")
        try:
            onnx.save(model, path)
        except Exception:  # noqa: BLE001 what the package itself cannot write
            return "refused: cannot be written"
        values = x
        if x.dtype.kind not in "fiub" or x.ndim not in (2, 4):  # it will be refused
            values, shape = np.zeros(1), (1, 1, 1, 1)
        done = subprocess.run([program, path, *map(str, shape)], capture_output=True,
                              input=np.ascontiguousarray(values, dtype="<f4").tobytes(), timeout=60)
    if done.returncode == 2:
        text = done.stderr.decode(errors="replace").strip()
        return "refused: " + text.split(": ONNX: ")[-1] if text else "WRONG: refused without a sentence"
    if done.returncode:
        return f"WRONG: exit code {done.returncode} {done.stderr.decode(errors='replace')[:200]}"
    found, wanted = np.frombuffer(done.stdout, "<f4"), outputs[0].astype(np.float32)
    if rows is not None:
        wanted = wanted.reshape(len(wanted), -1) @ rows.T
    elif "Softmax" in model.graph.node[-1].op_type:
        found = found.reshape(len(wanted), -1).astype(np.float64)
        found = found - np.log(np.exp(found).sum(axis=1, keepdims=True))
        found = (found if "Log" in model.graph.node[-1].op_type else np.exp(found)).ravel()
    wanted = wanted.ravel()
    if found.size != wanted.size:
        return f"WRONG: {found.size} values, not {wanted.size}"
    good = np.allclose(found, wanted, rtol=1e-3, atol=1e-5 * max(1, np.abs(wanted).max(initial=0)),
                       equal_nan=True)
    return "right" if good else f"WRONG: differs by {np.abs(found - wanted).max():.2g}"


def build(folder, place):
    program = str(pathlib.Path(place) / "answer_inputs")
    subprocess.run(["cc", "-std=c11", "-O1", f"-I{ROOT}/include", "-o", program,
                    f"{ROOT}/tools/exchange/answer_inputs.c", f"-L{folder}", "-lgooglenet",
                    f"-Wl,-rpath,{folder}"], check=True)
    return program


def main():
    folder = pathlib.Path(sys.argv[1])
    made = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else ROOT / "build").resolve()
    results = {}
    with tempfile.TemporaryDirectory() as place:
        program = build(made, place)
        for path in sorted(folder.glob("**/model.onnx")):
            for data in sorted(path.parent.glob("test_data_set_*"))[:1]:
                results[f"{path.parent.parent.name}/{path.parent.name}"] = run(program, path.parent, data)
    if len(sys.argv) > 3:
        pathlib.Path(sys.argv[3]).write_text("".join(f"{k}: {v}\n" for k, v in results.items()))
    kinds = collections.Counter(v.split(":")[0] for v in results.values())
    for name, text in results.items():
        if text.startswith("WRONG"):
            print(f"{name}: {text}")
    print(", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())))
    sys.exit(not results or "WRONG" in kinds)


if __name__ == "__main__":
    main()
