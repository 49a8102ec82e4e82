"""GoogLeNet and networks of its block, in C, from Python.

    import googlenet

    net = googlenet.load("model.safetensors")
    for guess in net.classify("picture.jpg", top=3):
        print(guess.label, guess.probability)

    train = googlenet.Dataset("fashion-mnist", split="train", size=96)
    test = googlenet.Dataset("fashion-mnist", split="test", size=96)
    net = googlenet.preset("googlenet", size=96, channels=1, classes=10)
    history = net.fit(train, validation=test, epochs=5, batch=128, lr=0.05)
    print(net.evaluate(test).accuracy)
    net.save("model.safetensors")

Nothing is computed in Python: the answers are those of the program `googlenet` to the bit. NumPy
arrays are read where they lie. A call that fails raises `Error` with the library's sentence.
Calls let other Python threads run; one object is used by one thread at a time, but any number of
predictors share a net.
"""

from ._data import Dataset
from ._library import Error, Stopped
from ._net import Epoch, Event, Guess, History, Net, Predictor, Score, import_model, load, preset
from ._system import presets, set_log, version

__version__ = version()
__all__ = [
    "Dataset",
    "Epoch",
    "Error",
    "Event",
    "Guess",
    "History",
    "Net",
    "Predictor",
    "Score",
    "Stopped",
    "import_model",
    "load",
    "preset",
    "presets",
    "set_log",
    "version",
]
