"""The notebook's network as a list of layers, for the peers that are given a file or a list.

Widths and kernels are read off the tensors of a model file, so that no table of the network is
repeated here.
"""

import dataclasses


@dataclasses.dataclass
class Layer:
    kind: str  # "conv" (a ReLU follows), "pool" (maximum), "concat"
    name: str
    inputs: list  # names of layers; "images" is the network's input
    size: int = 0  # height and width of the input
    channels: int = 0  # of the input
    width: int = 0  # channels of the output
    kernel: int = 0
    stride: int = 1
    pads: tuple = (0, 0)  # before and after, on both axes


def same_pads(n, kernel, stride):
    """(before, after) of TensorFlow's SAME padding."""
    total = max((-(-n // stride) - 1) * stride + kernel - n, 0)
    return total // 2, total - total // 2


def layers(shapes, size):
    """Layers in graph order, up to the global average pooling and the dense layer.

    `shapes` maps the names of weights to [kernel, kernel, in, out].
    """
    out = []
    sizes = {"images": size}

    def add(layer):
        out.append(layer)
        sizes[layer.name] = -(-layer.size // layer.stride)
        return layer.name

    def conv(x, name, stride=1):
        kernel, _, channels, width = shapes[name + ".weight"]
        n = sizes[x]
        pads = same_pads(n, kernel, stride)
        return add(Layer("conv", name, [x], n, channels, width, kernel, stride, pads))

    def pool(x, name, stride):
        n = sizes[x]
        return add(Layer("pool", name, [x], n, 0, 0, 3, stride, same_pads(n, 3, stride)))

    x = pool(conv("images", "b1.conv", 2), "b1.pool", 2)
    x = pool(conv(conv(x, "b2.conv1"), "b2.conv2"), "b2.pool", 2)
    # The names sort in graph order.
    for block in sorted({name.rsplit(".", 2)[0] for name in shapes if ".inception" in name}):
        p1 = conv(x, block + ".p1_1")
        p2 = conv(conv(x, block + ".p2_1"), block + ".p2_2")
        p3 = conv(conv(x, block + ".p3_1"), block + ".p3_2")
        p4 = conv(pool(x, block + ".p4_1", 1), block + ".p4_2")
        x = add(Layer("concat", block, [p1, p2, p3, p4], sizes[p1]))
        if block in ("b3.inception3b", "b4.inception4e"):
            x = pool(x, block[:2] + ".pool", 2)
    return out
