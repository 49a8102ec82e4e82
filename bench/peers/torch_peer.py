#!/usr/bin/env python3
"""Times a training step or a forward pass of the network in PyTorch, eager or compiled.

Same network as ours (asymmetric SAME padding, 5,977,530 parameters), mean cross-entropy from
logits, plain SGD in PyTorch's fused form, denormals flushed.
"""

import os

import measure


def main():
    p = measure.parser(__doc__.splitlines()[0])
    p.add_argument("--layout", choices=("channels_last", "nchw"), default="channels_last")
    p.add_argument("--compile", action="store_true", help="torch.compile (needs a C++ compiler)")
    args = p.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import torch

    import torch_network

    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    layouts = {"channels_last": torch.channels_last, "nchw": torch.contiguous_format}
    model = torch_network.GoogLeNet().to(memory_format=layouts[args.layout])
    count = sum(parameter.numel() for parameter in model.parameters())
    if count != 5977530:
        raise SystemExit(f"torch_train: the network has {count} parameters, not 5977530")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, fused=True)
    images, labels = measure.batch(args.size, args.batch)
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
        with torch.inference_mode():
            return network(x)

    if args.forward:
        model.eval()
    setting = f"{'compiled' if args.compile else 'eager'}, {args.layout}"
    version = f"torch {torch.__version__}"
    measure.run(args, forward if args.forward else train, "torch", version, setting)


if __name__ == "__main__":
    main()
