"""Writes small ONNX files as tf2onnx makes them, for tests/exchange/fixtures.

A network of an Inception block and a residual block, with biases that are zero (tf2onnx leaves them out), with
the input NHWC, as it is by default, and NCHW (--inputs-as-nchw).
Run: python tools/exchange/make_onnx_tf.py FOLDER (needs tensorflow-cpu and tf2onnx).
"""

import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf  # noqa: E402
import tf2onnx  # noqa: E402


def conv(x, channels, kernel, stride=1, activation="relu"):
    return tf.keras.layers.Conv2D(channels, kernel, stride, "same", activation=activation)(x)


def network():
    layers = tf.keras.layers
    given = layers.Input((16, 16, 3), name="input")
    x = layers.Rescaling(1 / 127.5, -1)(given)
    x = conv(x, 6, 5, 2)
    x = layers.MaxPool2D(3, 2, "same")(x)
    paths = [conv(x, 4, 1), conv(conv(x, 3, 1), 5, 3), conv(conv(x, 2, 1), 3, 5),
             conv(layers.MaxPool2D(3, 1, "same")(x), 2, 1)]
    x = layers.Concatenate()(paths)
    y = layers.BatchNormalization()(conv(x, 6, 3, activation=None))
    y = conv(layers.ReLU()(y), 14, 1, activation=None)
    x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.AveragePooling2D(2, 2, "same")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return tf.keras.Model(given, layers.Dense(5)(x))


def main():
    folder = pathlib.Path(sys.argv[1])
    tf.keras.utils.set_random_seed(3)
    model = network()
    spec = [tf.TensorSpec((None, 16, 16, 3), tf.float32, name="input")]
    for name, nchw in (("tf_nhwc", None), ("tf_nchw", ["input"])):
        proto, _ = tf2onnx.convert.from_keras(model, spec, opset=13, inputs_as_nchw=nchw)
        (folder / f"{name}.onnx").write_bytes(proto.SerializeToString())


if __name__ == "__main__":
    main()
