"""The network of a model file in PyTorch and in Keras, layer by layer from the file's own graph: for the
networks with batch normalisation. (The notebook's is written out, in torch_network.py and in
tools/golden/network.py.)

Frameworks are imported where they are used; a peer has only one.
"""

import material
from topology import same_pads


def pads_of(layer, height, width):
    """((top, bottom), (left, right)) of a convolution or pool."""
    if layer.get("explicit_pads"):
        return tuple(
            (layer.get(f"pad_{a}", 0), layer.get(f"pad_{b}", 0))
            for a, b in (("top", "bottom"), ("left", "right"))
        )
    return tuple(same_pads(n, layer["kernel"], layer["stride"]) for n in (height, width))


def unknown(layer):
    raise SystemExit(f"graph_network: {layer['name']} is a {layer['op']}, which the peers do not build")


def torch_model(folder):
    import torch
    import torch.nn.functional as F
    from torch import nn

    graph, tensors = material.graph(folder), material.tensors(folder)

    def value(layer, suffix):
        return tensors.get(f"{layer.get('tensors', layer['name'])}.{suffix}")

    def convolution(layer):
        weight, bias = value(layer, "weight").transpose(3, 2, 0, 1), value(layer, "bias")
        out, cin, kernel, _ = weight.shape
        made = nn.Conv2d(cin, out, kernel, layer["stride"], bias=bias is not None)
        return fill(made, weight=weight, bias=bias)

    def normalisation(layer):
        gamma = value(layer, "gamma")
        made = nn.BatchNorm2d(
            len(gamma), eps=float.fromhex(layer["eps"]), momentum=1 - float.fromhex(layer["momentum"])
        )
        return fill(made, weight=gamma, bias=value(layer, "beta"), running_mean=value(layer, "mean"),
                    running_var=value(layer, "variance"))

    def dense(layer):
        weight = value(layer, "weight")
        return fill(nn.Linear(*weight.shape), weight=weight.T, bias=value(layer, "bias"))

    def fill(module, **values):
        with torch.no_grad():
            for name, array in values.items():
                if array is not None:
                    getattr(module, name).copy_(torch.from_numpy(array.copy()))
        return module

    makers = {"conv": convolution, "batch_norm": normalisation, "dense": dense}

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = nn.ModuleDict(
                {l["name"].replace(".", "/"): makers[l["op"]](l) for l in graph["layers"] if l["op"] in makers}
            )

        def one(self, layer, x):
            op, part = layer["op"], layer["name"].replace(".", "/")
            if op in ("conv", "max_pool"):
                (top, bottom), (left, right) = pads_of(layer, *x[0].shape[2:])
                odd = (top, left) != (bottom, right)
                pads = (0, 0) if odd else (top, left)
            if op == "conv":
                made = self.parts[part]
                made.padding = pads
                return made(F.pad(x[0], (left, right, top, bottom)) if odd else x[0])
            if op == "max_pool":  # (0, 1) is what ceil_mode reads
                return F.max_pool2d(x[0], layer["kernel"], layer["stride"], pads, ceil_mode=odd)
            if op == "relu":
                return F.relu(x[0], inplace=True)
            if op == "concat":
                return torch.cat(x, 1)
            if op == "global_avg_pool":
                return x[0].mean((2, 3))
            return self.parts[part](x[0]) if op in makers else unknown(layer)

        def forward(self, images):
            values = {graph["layers"][0]["name"]: images}
            for layer in graph["layers"][1:]:
                values[layer["name"]] = self.one(layer, [values[name] for name in layer["inputs"]])
            return values[graph["output"]]

    return Network()


def keras_model(folder):
    import keras
    from keras import layers as kl

    graph, tensors = material.graph(folder), material.tensors(folder)
    filled = []  # (Keras layer, its weights in Keras' order)

    def with_values(made, layer, *suffixes):
        begin = layer.get("tensors", layer["name"])
        filled.append((made, [tensors[f"{begin}.{s}"] for s in suffixes if f"{begin}.{s}" in tensors]))
        return made

    def window(kind, layer, x, **options):
        pads = pads_of(layer, x.shape[1], x.shape[2])
        same = pads == tuple(same_pads(n, layer["kernel"], layer["stride"]) for n in x.shape[1:3])
        if not same and any(map(any, pads)):
            x = kl.ZeroPadding2D(pads)(x)
        padding = "same" if same else "valid"
        made = kind(layer["kernel"], layer["stride"], padding, **options)
        return x, made

    def one(layer, x):
        op = layer["op"]
        if op == "conv":
            pixels, made = window(
                lambda kernel, stride, padding: kl.Conv2D(
                    layer["channels"], kernel, stride, padding, use_bias=not layer.get("no_bias")),
                layer, x[0])
            return with_values(made, layer, "weight", "bias")(pixels)
        if op == "max_pool":
            pixels, made = window(kl.MaxPooling2D, layer, x[0])
            return made(pixels)
        if op == "batch_norm":
            made = kl.BatchNormalization(
                momentum=float.fromhex(layer["momentum"]), epsilon=float.fromhex(layer["eps"]))
            return with_values(made, layer, "gamma", "beta", "mean", "variance")(x[0])
        if op == "dense":
            return with_values(kl.Dense(layer["units"]), layer, "weight", "bias")(x[0])
        kinds = {"relu": kl.ReLU, "global_avg_pool": kl.GlobalAveragePooling2D}
        if op in kinds:
            return kinds[op]()(x[0])
        return kl.Concatenate()(x) if op == "concat" else unknown(layer)

    first = graph["layers"][0]
    values = {first["name"]: keras.Input((first["height"], first["width"], first["channels"]))}
    for layer in graph["layers"][1:]:
        values[layer["name"]] = one(layer, [values[name] for name in layer["inputs"]])
    model = keras.Model(values[first["name"]], values[graph["output"]])
    for made, weights in filled:
        made.set_weights(weights)
    return model
