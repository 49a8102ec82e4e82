"""Runs ONNX's own backend cases: each is answered rightly or refused with a sentence, never wrong.

A case is a model with inputs and outputs. Inputs after the first become constants, as they are in networks;
an output that is a map is flattened and multiplied with the identity, since a network here ends in a
vector. Run: python tools/exchange/check_backend.py FOLDER [BUILD [LIST]]; FOLDER holds the cases of
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


def tensor(path):
    proto = onnx.TensorProto()
    proto.ParseFromString(path.read_bytes())
    return numpy_helper.to_array(proto)


def wrap(model, inputs, output):
    """The model with constants for all inputs but the first, and an answer that is a row an image."""
    graph = model.graph
    known = {i.name for i in graph.initializer}
    given = [i for i in graph.input if i.name not in known]
    for value, array in list(zip(given, inputs))[1:]:
        graph.initializer.append(numpy_helper.from_array(array, value.name))
        graph.input.remove(value)
    for _ in graph.output[1:]:
        del graph.output[-1]
    n = int(np.prod(output.shape[1:]))
    if output.ndim == 2 or n > LARGEST:
        return
    name = graph.output[0].name
    graph.initializer.append(numpy_helper.from_array(np.eye(n, dtype=np.float32), "check.eye"))
    graph.node.append(helper.make_node("Flatten", [name], ["check.flat"], axis=1))
    graph.node.append(helper.make_node("Gemm", ["check.flat", "check.eye"], ["check.answer"]))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("check.answer", 1, None))


def run(program, folder, data):
    """"right", "WRONG ..." or why it is refused."""
    model = onnx.load(str(folder / "model.onnx"))
    inputs = [tensor(p) for p in sorted(data.glob("input_*.pb"))]
    outputs = [tensor(p) for p in sorted(data.glob("output_*.pb"))]
    x = inputs[0] if inputs else np.zeros(0)
    if not outputs or not isinstance(outputs[0], np.ndarray) or len(outputs) != 1:
        return "refused: several or no outputs"
    shape = x.shape if x.ndim == 4 else (1, 1, 1, 1)
    wrap(model, inputs, outputs[0])
    with tempfile.TemporaryDirectory() as place:
        path = str(pathlib.Path(place) / "case.onnx")
        try:
            onnx.save(model, path)
        except Exception:  # noqa: BLE001 what the package itself cannot write
            return "refused: cannot be written"
        values = x if x.dtype.kind in "fiu" and x.ndim == 4 else np.zeros(1)
        done = subprocess.run([program, path, *map(str, shape)], capture_output=True,
                              input=np.ascontiguousarray(values, dtype="<f4").tobytes(), timeout=60)
    if done.returncode == 2:
        text = done.stderr.decode(errors="replace").strip()
        return "refused: " + text.split(": ONNX: ")[-1] if text else "WRONG: refused without a sentence"
    if done.returncode:
        return f"WRONG: exit code {done.returncode} {done.stderr.decode(errors='replace')[:200]}"
    found, wanted = np.frombuffer(done.stdout, "<f4"), outputs[0].astype(np.float32).ravel()
    if "softmax" in model.graph.node[-1].op_type.lower():
        return "right (but for the softmax, which is left out)"
    if found.size != wanted.size:
        return f"WRONG: {found.size} values, not {wanted.size}"
    good = np.allclose(found, wanted, rtol=1e-3, atol=1e-5, equal_nan=True)
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
