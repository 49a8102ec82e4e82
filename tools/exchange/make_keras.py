"""Writes the notebook's network with few channels in every form that this Keras can save.

Forms: the block as a subclassed layer ("layer") or model ("model") in nested Sequentials; one functional model
without a block class ("functional"); Sequentials whose blocks are functional models ("nested"); with batch
normalisation or without. Files: .weights.h5, .h5 (weights and whole models), .keras, and TensorFlow's
checkpoint. Each is FORM-KIND in the folder, next to FORM.golden, the logits of two images (float32), which
are those of tests/exchange/test_keras_files.c. What a version cannot write is named and left out.

Run in an environment with one version of Keras: python tools/exchange/make_keras.py FOLDER [FORM...]
"""

import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

try:
    import tensorflow  # noqa: F401  Keras 2 has it below, and Keras 3 may have it
except ImportError:
    os.environ.setdefault("KERAS_BACKEND", "numpy")
if os.environ.get("TF_USE_LEGACY_KERAS"):
    import tf_keras as keras
else:
    import keras

import numpy as np

layers = keras.layers
SIDE, CLASSES = int(os.environ.get("SIDE", "32")), int(os.environ.get("CLASSES", "5"))
CHANNELS = int(os.environ.get("CHANNELS", "32"))  # of the notebook's are one here
STEM = (64, 64, 192)
WIDTHS = [(64, (96, 128), (16, 32), 32), (128, (128, 192), (32, 96), 64),
          (192, (96, 208), (16, 48), 64), (160, (112, 224), (24, 64), 64),
          (128, (128, 256), (24, 64), 64), (112, (144, 288), (32, 64), 64),
          (256, (160, 320), (32, 128), 128), (256, (160, 320), (32, 128), 128),
          (384, (192, 384), (48, 128), 128)]


def fewer(channels):
    if isinstance(channels, tuple):
        return tuple(fewer(c) for c in channels)
    return max(1, channels // CHANNELS)


STEM, WIDTHS = fewer(STEM), [fewer(w) for w in WIDTHS]


def images():
    i = np.arange(2 * SIDE * SIDE, dtype=np.uint64)
    values = (i * np.uint64(2654435761) >> np.uint64(7)) % np.uint64(1000)
    return (values.astype(np.float32) / np.float32(1000)).reshape(2, SIDE, SIDE, 1)


def concatenate(parts):
    return layers.Concatenate()(parts)


def define(base):
    class Inception(base):
        def __init__(self, c1, c2, c3, c4, norm=False, **kwargs):
            super().__init__(**kwargs)
            self.widths = dict(c1=c1, c2=c2, c3=c3, c4=c4, norm=norm)

            def conv(channels, kernel):
                return layers.Conv2D(channels, kernel, padding="same", use_bias=not norm,
                                     activation=None if norm else "relu")
            self.p1_1 = conv(c1, 1)
            self.p2_1 = conv(c2[0], 1)
            self.p2_2 = conv(c2[1], 3)
            self.p3_1 = conv(c3[0], 1)
            self.p3_2 = conv(c3[1], 5)
            self.p4_1 = layers.MaxPool2D(3, 1, padding="same")
            self.p4_2 = conv(c4, 1)
            self.norm = norm
            if norm:
                self.n1_1, self.n2_1, self.n2_2, self.n3_1, self.n3_2, self.n4_2 = (
                    layers.BatchNormalization() for _ in range(6))
            self.relu = layers.ReLU()
            self.concat = layers.Concatenate()

        def unit(self, conv, norm, x):
            return self.relu(norm(conv(x))) if self.norm else conv(x)

        def call(self, x):
            n = self if self.norm else None
            norm = (lambda name: getattr(n, name)) if n is not None else (lambda name: None)
            p1 = self.unit(self.p1_1, norm("n1_1"), x)
            p2 = self.unit(self.p2_2, norm("n2_2"), self.unit(self.p2_1, norm("n2_1"), x))
            p3 = self.unit(self.p3_2, norm("n3_2"), self.unit(self.p3_1, norm("n3_1"), x))
            p4 = self.unit(self.p4_2, norm("n4_2"), self.p4_1(x))
            return self.concat([p1, p2, p3, p4])

        def get_config(self):
            return {**super().get_config(), **self.widths}

    return Inception


def unit(x, channels, kernel, stride, norm):
    """A convolution with what follows it; x is a tensor."""
    x = layers.Conv2D(channels, kernel, stride, padding="same", use_bias=not norm,
                      activation=None if norm else "relu")(x)
    return layers.ReLU()(layers.BatchNormalization()(x)) if norm else x


def block(x, widths, norm):
    c1, c2, c3, c4 = widths
    return concatenate([
        unit(x, c1, 1, 1, norm),
        unit(unit(x, c2[0], 1, 1, norm), c2[1], 3, 1, norm),
        unit(unit(x, c3[0], 1, 1, norm), c3[1], 5, 1, norm),
        unit(layers.MaxPool2D(3, 1, padding="same")(x), c4, 1, 1, norm)])


def functional(norm):
    inputs = keras.Input((SIDE, SIDE, 1))
    pool = lambda x: layers.MaxPool2D(3, 2, padding="same")(x)
    x = pool(unit(inputs, STEM[0], 7, 2, norm))
    x = pool(unit(unit(x, STEM[1], 1, 1, norm), STEM[2], 3, 1, norm))
    for i, widths in enumerate(WIDTHS):
        x = block(x, widths, norm)
        x = pool(x) if i in (1, 6) else x
    x = layers.GlobalAvgPool2D()(x)
    return keras.Model(inputs, layers.Dense(CLASSES)(x))


def sequential(make_block, norm):
    def conv(channels, kernel, stride=1):
        own = [layers.Conv2D(channels, kernel, stride, padding="same", use_bias=not norm,
                             activation=None if norm else "relu")]
        return own + ([layers.BatchNormalization(), layers.ReLU()] if norm else [])
    pool = lambda: layers.MaxPool2D(3, 2, padding="same")
    channels = STEM[2]
    parts = []
    for i, widths in enumerate(WIDTHS):
        parts.append(make_block(widths, channels))
        channels = widths[0] + widths[1][1] + widths[2][1] + widths[3]
    model = keras.Sequential([
        keras.Sequential(conv(STEM[0], 7, 2) + [pool()]),
        keras.Sequential(conv(STEM[1], 1) + conv(STEM[2], 3) + [pool()]),
        keras.Sequential(parts[:2] + [pool()]),
        keras.Sequential(parts[2:7] + [pool()]),
        keras.Sequential(parts[7:] + [layers.GlobalAvgPool2D()]),
        layers.Dense(CLASSES)])
    model.build((None, SIDE, SIDE, 1))
    return model


def make(form):
    kind, norm = form.split("_")[0], form.endswith("_norm")
    keras.utils.set_random_seed(1)
    if kind == "functional":
        return functional(norm)
    if kind == "nested":
        def as_model(widths, channels):
            inputs = keras.Input((None, None, channels))
            return keras.Model(inputs, block(inputs, widths, norm))
        return sequential(as_model, norm)
    base = layers.Layer if kind == "layer" else keras.Model
    Inception = define(base)
    return sequential(lambda widths, _: Inception(*widths, norm=norm), norm)


def fill(model):
    """Weights that keep signals alive, and statistics that are not what they begin with."""
    rng = np.random.default_rng(3)
    weights = []
    for w in model.get_weights():
        if w.ndim > 1:
            weights.append(rng.normal(0, (2 / np.prod(w.shape[:-1])) ** 0.5, w.shape))
        else:
            weights.append(rng.uniform(0.5, 1.5, w.shape))
    model.set_weights([w.astype(np.float32) for w in weights])


def write(folder, form):
    model = make(form)
    x = images()
    model(x)
    fill(model)
    np.asarray(model(x)).astype("<f4").tofile(folder / f"{form}.golden")
    ways = [("whole.h5", model.save), ("whole.keras", model.save),
            ("a.weights.h5", model.save_weights), ("w.h5", model.save_weights)]
    if int(keras.__version__.split(".")[0]) < 3:
        ways.append(("ckpt", model.save_weights))
    for kind, save in ways:
        path = folder / f"{form}-{kind}"
        try:
            save(str(path))
            print(f"{keras.__version__} {form}-{kind}: written", flush=True)
        except Exception as e:  # what a version cannot do is its own affair
            print(f"{keras.__version__} {form}-{kind}: {type(e).__name__}: {str(e)[:90]!r}",
                  flush=True)
            if path.exists():
                path.unlink()


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    forms = sys.argv[2:] or [kind + norm for norm in ("", "_norm")
                             for kind in ("layer", "model", "functional", "nested")]
    for form in forms:
        write(folder, form)


if __name__ == "__main__":
    main()
