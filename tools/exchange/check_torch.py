"""Compares our reading of torchvision's GoogLeNet with torchvision itself.

State dicts with random weights, with and without auxiliary heads and transform_input, are saved as .pth,
turned into safetensors, imported, and both answer for the same picture; then the way back: torchvision
loads what we export, bit by bit. Run: python tools/exchange/check_torch.py [build/googlenet] (needs torch,
torchvision, safetensors, numpy, pillow).
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import torch
import torchvision
from PIL import Image
from safetensors.torch import load_file

HERE = pathlib.Path(__file__).parent
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def make(classes, heads, transform_input, seed):
    torch.manual_seed(seed)
    net = torchvision.models.GoogLeNet(num_classes=classes, aux_logits=heads, init_weights=False,
                                       transform_input=transform_input)
    for name, tensor in net.state_dict().items():
        if name.endswith("running_var") or name.endswith("bn.weight"):
            tensor.uniform_(0.5, 1.5)
        elif name.endswith("running_mean") or name.endswith("bias"):
            tensor.normal_(0, 0.1)
        elif tensor.dtype == torch.float32:
            tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5)
    return net.eval()


def check(program, folder, classes, heads, transform_input):
    net = make(classes, heads, transform_input, classes)
    pth, theirs, ours, back = (str(folder / n) for n in
                               ("a.pth", "a.safetensors", "m.safetensors", "b.safetensors"))
    torch.save(net.state_dict(), pth)
    subprocess.run([sys.executable, HERE / "pth_to_safetensors.py", pth, theirs], check=True,
                   stdout=subprocess.DEVNULL)
    flags = [] if transform_input else ["--no-transform-input"]
    subprocess.run([program, "import", theirs, ours, "-q", *flags], check=True)
    pixels = np.random.default_rng(classes).integers(0, 256, (300, 280, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels).resize((280, 300), Image.BICUBIC)
    picture.save(folder / "p.png")
    steps = torchvision.transforms.Compose([
        torchvision.transforms.Resize(256), torchvision.transforms.CenterCrop(224),
        torchvision.transforms.ToTensor(), torchvision.transforms.Normalize(MEAN, DEVIATION)])
    with torch.no_grad():
        wanted = net(steps(picture)[None])[0].numpy()
    answer = subprocess.run([program, "predict", ours, folder / "p.png", "--json", "--logits"],
                            check=True, capture_output=True, text=True)
    logits = np.array(json.loads(answer.stdout)["logits"])
    error = np.abs(logits - wanted).max() / np.abs(wanted).max()
    subprocess.run([program, "export", ours, back, "--names", "torchvision", "-q"], check=True)
    state, same = load_file(back), net.state_dict()
    equal = state.keys() == same.keys() and all(
        torch.equal(state[k], same[k]) for k in same if "num_batches" not in k)
    net.load_state_dict(state)
    print(f"{classes} classes, heads {heads}, transform_input {transform_input}: "
          f"{error:.1e} of the largest logit, back {'equal' if equal else 'DIFFERENT'}", flush=True)
    return error <= 1e-4 and equal


def main():
    warnings.simplefilter("ignore")
    program = sys.argv[1] if len(sys.argv) > 1 else "build/googlenet"
    with tempfile.TemporaryDirectory() as name:
        good = [check(program, pathlib.Path(name), classes, heads, transform_input)
                for classes, heads, transform_input in
                ((1000, True, True), (7, True, False), (10, False, True))]
    print("good" if all(good) else "FAILED")
    sys.exit(not all(good))


if __name__ == "__main__":
    main()
