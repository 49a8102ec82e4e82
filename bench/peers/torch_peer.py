#!/usr/bin/env python3
"""Times a training step or a forward pass of the network in PyTorch, eager or compiled.

Mean cross-entropy from logits, plain SGD in PyTorch's fused form, denormals flushed.
"""

import os

import material
import measure


def main():
    p = measure.parser(__doc__.splitlines()[0])
    p.add_argument("--layout", choices=("channels_last", "nchw"), default="channels_last")
    p.add_argument("--compile", action="store_true", help="torch.compile (needs a C++ compiler)")
    args = p.parse_args()
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    if not args.train:
        os.environ["TORCHINDUCTOR_FREEZING"] = "1"  # weights become constants when compiled
    import torch

    import graph_network
    import torch_network

    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    layouts = {"channels_last": torch.channels_last, "nchw": torch.contiguous_format}
    if material.is_normalised(args.material):
        model = graph_network.torch_model(args.material)
    else:
        model = torch_network.GoogLeNet()
        torch_network.assign(model, material.tensors(args.material))
    model = model.to(memory_format=layouts[args.layout])
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, fused=True)
    images, labels, _ = material.batch(args.material, args.batch)
    x = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(memory_format=layouts[args.layout])
    y = torch.from_numpy(labels)
    network = torch.compile(model) if args.compile else model

    def train():
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(network(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    def forward():
        with torch.inference_mode() if not args.compile else torch.no_grad():
            return (model if args.train else network)(x).numpy()

    model.eval()
    setting = f"{'compiled' if args.compile else 'eager'}, {args.layout}"

    def step():
        if args.train and not model.training:
            model.train()  # not before: the answers that are compared are those of running statistics
        return train() if args.train else forward()

    measure.serve(args, forward, step, f"torch {torch.__version__}", setting)


if __name__ == "__main__":
    main()
