"""Turns a PyTorch file (.pth, .pt) into safetensors, which `googlenet import` reads.

A .pth file is a pickle, which can run code when it is loaded. `weights_only=True` lets PyTorch load nothing
but tensors and plain containers; a file that needs more is refused. Run:
python tools/exchange/pth_to_safetensors.py FILE.pth OUT.safetensors (needs torch, safetensors).
"""

import sys

import torch
from safetensors.torch import save_file

WRAPPERS = ("state_dict", "model_state_dict", "model", "model_state", "net")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    state = torch.load(sys.argv[1], map_location="cpu", weights_only=True)
    for key in WRAPPERS:  # what training scripts put around a state dict
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    if not isinstance(state, dict) or not all(isinstance(v, torch.Tensor) for v in state.values()):
        sys.exit(f"{sys.argv[1]}: this is no state dict; save model.state_dict()")
    save_file({k: v.contiguous().clone() for k, v in state.items()}, sys.argv[2])
    print(f"{sys.argv[2]}: {len(state)} tensors")


if __name__ == "__main__":
    main()
