"""Writes small ONNX files as PyTorch's two exporters make them, for tests/exchange/fixtures.

A residual network (TorchScript, with the normalisations folded and kept; dynamo, with its weights in another
file) and a network of an Inception block with torchvision's transform_input and a flatten (TorchScript).
Also the losses of 20 steps of SGD on the latter, which the test trains from its ONNX file.
Run: python tools/exchange/make_onnx_torch.py FOLDER (needs torch, onnx and onnxscript).
"""

import pathlib
import sys

import numpy as np
import onnx
import torch
from torch import nn

SIZE, CLASSES, STEPS, BATCH, RATE = 16, 5, 20, 8, 0.05


class Residual(nn.Module):
    def __init__(self, channels, out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.short = nn.Conv2d(channels, out, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + self.short(x))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, 2, 1)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.blocks = nn.Sequential(Residual(6, 6, 1), Residual(6, 8, 2))
        self.avg = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8, CLASSES)

    def forward(self, x):
        x = self.blocks(self.pool(torch.relu(self.stem(x))))
        return self.fc(torch.flatten(self.avg(x), 1))


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 7, 2, 3)
        self.a = nn.Conv2d(6, 3, 1)
        self.b = nn.Sequential(nn.Conv2d(6, 2, 1), nn.ReLU(), nn.Conv2d(2, 4, 3, padding=1))
        self.c = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), nn.Conv2d(6, 2, 1))
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.avg = nn.AvgPool2d(2)
        self.fc1 = nn.Linear(9 * 2 * 2, 7)
        self.fc = nn.Linear(7, CLASSES)

    def forward(self, x):
        scales = zip((0.229, 0.224, 0.225), (0.485, 0.456, 0.406))
        x = torch.cat([x[:, i].unsqueeze(1) * (s / 0.5) + (m - 0.5) / 0.5
                       for i, (s, m) in enumerate(scales)], 1)
        x = torch.relu(self.stem(x))
        x = torch.relu(torch.cat([self.a(x), self.b(x), self.c(x)], 1))
        x = self.avg(self.pool(x))
        x = torch.relu(self.fc1(x.view(x.size(0), -1)))
        return torch.log_softmax(self.fc(x), 1)


def noise(n):
    """The inputs of tests/exchange/test_fixtures.c, NHWC there."""
    i = np.arange(n * SIZE * SIZE * 3, dtype=np.uint64)
    values = ((i * np.uint64(2654435761) >> np.uint64(7)) % np.uint64(1000)).astype(np.float32)
    nhwc = (values / np.float32(1000)).reshape(n, SIZE, SIZE, 3)
    return torch.from_numpy(np.ascontiguousarray(nhwc.transpose(0, 3, 1, 2)))


def script(model, path, keep=False):
    mode = torch.onnx.TrainingMode.PRESERVE if keep else torch.onnx.TrainingMode.EVAL
    torch.onnx.export(model, noise(1), path, dynamo=False, opset_version=12 if keep else 17,
                      training=mode, do_constant_folding=not keep, input_names=["input"],
                      output_names=["logits"], dynamic_axes={"input": {0: "n"}, "logits": {0: "n"}})


def dynamo(model, path):
    torch.onnx.export(model, (noise(2),), path, dynamo=True, external_data=True,
                      dynamic_shapes=({0: torch.export.Dim("n")},))
    proto = onnx.load(path, load_external_data=False)
    for node in proto.graph.node:  # places in this machine's files
        del node.metadata_props[:]
    onnx.save(proto, path)


def train(model, path):
    """Losses before each of the steps; batch k holds images k * BATCH to (k + 1) * BATCH, label i % 5."""
    optimizer = torch.optim.SGD(model.parameters(), RATE)
    images = noise(STEPS * BATCH)
    losses = []
    for k in range(STEPS):
        x = images[k * BATCH:(k + 1) * BATCH]
        loss = nn.functional.nll_loss(model(x), torch.arange(k * BATCH, (k + 1) * BATCH) % CLASSES)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    np.array(losses, dtype="<f4").tofile(path)


def main():
    folder = pathlib.Path(sys.argv[1])
    torch.manual_seed(0)
    for name, model in (("resnet", ResNet()), ("inception", Inception())):
        model.train()
        with torch.no_grad():
            for _ in range(3):
                model(torch.randn(8, 3, SIZE, SIZE))
        model.eval()
        script(model, str(folder / f"torch_{name}.onnx"))
        if name == "resnet":
            script(model, str(folder / "torch_resnet_norms.onnx"), keep=True)
            dynamo(model, str(folder / "torch_resnet_dynamo.onnx"))
        else:
            train(model, folder / "torch_inception.losses")


if __name__ == "__main__":
    main()
