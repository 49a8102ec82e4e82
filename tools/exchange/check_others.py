"""Compares other runtimes' answers to exported ONNX files with ONNX Runtime's: OpenVINO, ncnn by pnnx.

Each preset with fresh weights, and a residual network, is exported; the checker with full shape
inference must accept the file; every runtime that is installed must agree within 1e-4 of the largest
logit. Run: python tools/exchange/check_others.py [build/googlenet [MODEL...]] (needs numpy, onnx,
onnxruntime; openvino, ncnn and pnnx where they are).
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

MODELS = ["googlenet", "googlenet-bn", "googlenet-small", "googlenet-paper", "googlenet-torchvision",
          "examples/residual.net"]


def run_openvino(path, x):
    import openvino
    precise = {"INFERENCE_PRECISION_HINT": "f32"}  # it takes bfloat16 where the processor has it
    return next(iter(openvino.compile_model(str(path), "CPU", precise)(x).values()))


def run_ncnn(path, x):
    import ncnn
    import pnnx
    shape = ",".join(str(n) for n in x.shape)
    program = getattr(pnnx, "EXEC_PATH", None) or str(next(pathlib.Path(pnnx.__file__).parent.rglob("bin/pnnx")))
    subprocess.run([program, str(path), f"inputshape=[{shape}]f32", "fp16=0"], check=True,
                   capture_output=True, cwd=path.parent)
    answers = []
    with ncnn.Net() as net:
        net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
        net.opt.use_bf16_storage = False
        net.load_param(str(path.with_suffix(".ncnn.param")))
        net.load_model(str(path.with_suffix(".ncnn.bin")))
        for image in x:
            with net.create_extractor() as e:
                e.input("in0", ncnn.Mat(np.ascontiguousarray(image)).clone())
                answers.append(np.array(e.extract("out0")[1]).ravel())
    return np.stack(answers)


def check(program, model, place):
    path = place / "model.onnx"
    subprocess.run([program, "export", model, str(path), "-q"], check=True, capture_output=True)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    shape = session.get_inputs()[0].shape
    x = np.random.default_rng(1).random((1, *shape[1:]), dtype=np.float32)
    wanted = session.run(None, {session.get_inputs()[0].name: x})[0]
    good = True
    for name, run in (("OpenVINO", run_openvino), ("ncnn", run_ncnn)):
        try:
            found = run(path, x)
        except ImportError:
            print(f"{model}: {name} is not installed", flush=True)
            continue
        error = np.abs(found - wanted).max() / np.abs(wanted).max()
        print(f"{model}: {name} differs by {error:.1e} of the largest logit", flush=True)
        good &= bool(error <= 1e-4)
    return good


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else "build/googlenet"
    good = True
    for model in sys.argv[2:] or MODELS:
        with tempfile.TemporaryDirectory() as place:
            good &= check(str(pathlib.Path(program).resolve()), model, pathlib.Path(place))
    print("good" if good else "FAILED")
    sys.exit(not good)


if __name__ == "__main__":
    main()
