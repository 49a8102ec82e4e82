"""The notebook's GoogLeNet in PyTorch, with the asymmetric padding of our `same` dialect."""

import material
import torch
import torch.nn.functional as F
from topology import same_pads
from torch import nn


class SameConv(nn.Module):
    """Convolution and ReLU; symmetric pads go into the convolution, others cost a copy."""

    def __init__(self, cin, cout, kernel, stride=1):
        super().__init__()
        self.kernel, self.stride = kernel, stride
        padding = kernel // 2 if stride == 1 else 0
        self.conv = nn.Conv2d(cin, cout, kernel, stride, padding)

    def forward(self, x):
        if self.stride > 1:
            top, bottom = same_pads(x.shape[2], self.kernel, self.stride)
            left, right = same_pads(x.shape[3], self.kernel, self.stride)
            x = F.pad(x, (left, right, top, bottom))
        return F.relu(self.conv(x), inplace=True)


class SamePool(nn.Module):
    """3x3 max pool with stride 2.

    SAME pads (0, 1) on an even size, which is what ceil_mode reads, and (1, 1) on an odd one.
    """

    def forward(self, x):
        even = x.shape[2] % 2 == 0
        return F.max_pool2d(x, 3, 2, padding=0 if even else 1, ceil_mode=even)


class Inception(nn.Module):
    def __init__(self, cin, c1, c2, c3, c4):
        super().__init__()
        self.p1_1 = SameConv(cin, c1, 1)
        self.p2_1, self.p2_2 = SameConv(cin, c2[0], 1), SameConv(c2[0], c2[1], 3)
        self.p3_1, self.p3_2 = SameConv(cin, c3[0], 1), SameConv(c3[0], c3[1], 5)
        self.p4_2 = SameConv(cin, c4, 1)

    def forward(self, x):
        p1 = self.p1_1(x)
        p2 = self.p2_2(self.p2_1(x))
        p3 = self.p3_2(self.p3_1(x))
        p4 = self.p4_2(F.max_pool2d(x, 3, 1, 1))
        return torch.cat((p1, p2, p3, p4), 1)


class GoogLeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.b1 = nn.Sequential(SameConv(1, 64, 7, 2), SamePool())
        self.b2 = nn.Sequential(SameConv(64, 64, 1), SameConv(64, 192, 3), SamePool())
        self.b3 = nn.Sequential(
            Inception(192, 64, (96, 128), (16, 32), 32),
            Inception(256, 128, (128, 192), (32, 96), 64),
            SamePool(),
        )
        self.b4 = nn.Sequential(
            Inception(480, 192, (96, 208), (16, 48), 64),
            Inception(512, 160, (112, 224), (24, 64), 64),
            Inception(512, 128, (128, 256), (24, 64), 64),
            Inception(512, 112, (144, 288), (32, 64), 64),
            Inception(528, 256, (160, 320), (32, 128), 128),
            SamePool(),
        )
        self.b5 = nn.Sequential(
            Inception(832, 256, (160, 320), (32, 128), 128),
            Inception(832, 384, (192, 384), (48, 128), 128),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.dense = nn.Linear(1024, 10)

    def forward(self, x):
        return self.dense(self.b5(self.b4(self.b3(self.b2(self.b1(x))))))


def assign(model, tensors):
    """Copies our tensors into the model, whose parameters stand in the same order."""
    values = []
    for layer in material.layers(tensors):
        weight = tensors[layer + ".weight"]
        values.append(weight.transpose(3, 2, 0, 1) if weight.ndim == 4 else weight.T)
        values.append(tensors[layer + ".bias"])
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), values, strict=True):
            parameter.copy_(torch.from_numpy(value.copy()))
