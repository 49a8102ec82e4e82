#!/usr/bin/env python3
"""Times a training step or a forward pass of the network in Keras 3 on TensorFlow.

Same network as ours (asymmetric SAME padding, 5,977,530 parameters), mean cross-entropy from
logits, plain SGD; forward, backward and update are one compiled graph. TensorFlow flushes
denormals in its worker threads by itself.
"""

import os
import sys

import measure

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    p = measure.parser(__doc__.splitlines()[0])
    p.add_argument("--onednn", type=int, choices=(0, 1), default=1, help="oneDNN or Eigen kernels")
    p.add_argument("--xla", action="store_true", help="compile the step with XLA")
    args = p.parse_args()
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = str(args.onednn)
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    sys.path.insert(0, os.path.join(HERE, "..", "..", "tools", "golden"))
    import network  # before the frameworks: it sets their environment
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(args.threads)
    full = network.build(args.size)
    model = keras.Model(full.inputs, full.outputs[-1])
    optimizer = keras.optimizers.SGD(learning_rate=0.05)
    optimizer.build(model.trainable_variables)
    images, labels = measure.batch(args.size, args.batch)
    x, y = tf.constant(images), tf.constant(labels)

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
    def forward(x, _):
        return model(x, training=False)

    work = forward if args.forward else train
    kernels = "XLA" if args.xla else ("oneDNN" if args.onednn else "Eigen")
    version = f"keras {keras.__version__}, tensorflow {tf.__version__}"
    measure.run(args, lambda: work(x, y).numpy(), "keras", version, kernels)


if __name__ == "__main__":
    main()
