#!/usr/bin/env python3
"""Times a training step or a forward pass of the network in Keras 3 on TensorFlow.

Mean cross-entropy from logits, plain SGD; forward, backward and update are one compiled graph. The
forward pass is a graph with the weights frozen into it. TensorFlow flushes denormals in its worker
threads by itself.
"""

import os
import sys

import graph_network
import material
import measure

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    p = measure.parser(__doc__.splitlines()[0])
    p.add_argument("--xla", action="store_true", help="compile the step with XLA")
    args = p.parse_args()
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    sys.path.insert(0, os.path.join(HERE, "..", "..", "tools", "golden"))
    import network  # before the frameworks: it sets their environment
    import keras
    import tensorflow as tf
    from tensorflow.python.framework import convert_to_constants

    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(args.threads)
    images, labels, _ = material.batch(args.material, args.batch)
    x, y = tf.constant(images), tf.constant(labels)
    if material.is_normalised(args.material):
        model = graph_network.keras_model(args.material)
    else:
        full = network.build(images.shape[1])
        tensors = material.tensors(args.material)
        network.assign(full, [tensors[name] for name in network.TENSOR_NAMES])
        model = keras.Model(full.inputs, full.outputs[-1])
    optimizer = keras.optimizers.SGD(learning_rate=1e-4)
    optimizer.build(model.trainable_variables)

    @tf.function(jit_compile=args.xla)
    def train(x, y):
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    @tf.function(jit_compile=args.xla)
    def answer(x):
        return model(x, training=False)

    if not args.train and not args.xla:
        concrete = answer.get_concrete_function(tf.TensorSpec(x.shape, x.dtype))
        frozen = convert_to_constants.convert_variables_to_constants_v2(concrete)

    def forward():
        if args.train or args.xla:
            return answer(x).numpy()
        return frozen(x)[0].numpy()

    step = (lambda: train(x, y).numpy()) if args.train else forward
    version = f"keras {keras.__version__}, tensorflow {tf.__version__}"
    measure.serve(args, forward, step, version, "XLA" if args.xla else "oneDNN")


if __name__ == "__main__":
    main()
