"""Networks: making, training, asking."""

from __future__ import annotations

import ctypes as ct
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _abi
from ._data import Dataset
from ._library import check, encoded, library, owned
from ._pictures import Pictures, contents, listed, pixels

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Guess:
    """One of the most probable classes; `label` is None when the net has no labels."""

    index: int
    label: str | None
    probability: float


@dataclass(frozen=True)
class Score:
    samples: int
    loss: float
    accuracy: float


@dataclass(frozen=True)
class Event:
    """What a training reports: `kind` is start, step, validate, epoch or warning."""

    kind: str
    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    accuracy: float
    message: str | None
    metrics: dict[str, float]


@dataclass(frozen=True)
class Epoch:
    epoch: int
    metrics: dict[str, float]  # loss, accuracy, val_loss, val_accuracy, seconds, ...


@dataclass(frozen=True)
class History:
    epochs: list[Epoch]
    best: int  # index of the epoch with the best validation


KINDS = {1: "start", 2: "step", 3: "validate", 4: "epoch", 5: "warning"}


def _metrics(metrics: _abi.gn_metrics) -> dict[str, float]:
    return {m.name.decode(): m.value for m in metrics.list[: metrics.n]}


def _fit_options() -> dict[str, Any]:
    """The library's table of options, by name."""
    table = {}
    i = 0
    while option := library.gn_fit_option(i):
        i += 1
        if option.contents.kind != _abi.GN_OPTION_HEADING:
            table[option.contents.name.decode().replace("-", "_")] = option
    return table


class _Listener:
    """Carries events to Python; what is raised there ends the training and is raised again."""

    def __init__(self, on_event: Callable[[Event], Any] | None) -> None:
        self.raised: BaseException | None = None
        self.stop = ct.c_int(0)
        self._on_event = on_event
        kinds: dict[str, Any] = {field[0]: field[1] for field in _abi.gn_fit_options._fields_}
        self.callback = kinds["on_event"](self._hear)

    def _hear(self, event: Any, _user: Any) -> None:
        if self.raised is not None:
            return
        try:  # also Ctrl-C, which Python notices here
            e = event.contents
            if self._on_event is not None:
                message = e.message.decode("utf-8", "replace") if e.message else None
                heard = Event(
                    KINDS[e.kind], e.epoch, e.epochs, e.step, e.steps, e.loss, e.accuracy, message,
                    _metrics(e.metrics.contents),
                )  # fmt: skip
                if self._on_event(heard) is False:
                    self.stop.value = 1
        except BaseException as raised:  # noqa: BLE001 - it is raised again in fit
            self.raised = raised
            self.stop.value = 1


class Net:
    """A network with its weights: `load`, `preset` and `import_model` make one."""

    def __init__(self, pointer: int | None) -> None:
        self._pointer: int | None = None
        self._pointer = owned(pointer)
        self._predictor: Predictor | None = None
        self._of: int | None = None

    def __del__(self) -> None:
        self._predictor = None
        if getattr(self, "_pointer", None) is not None:
            library.gn_free_net(self._pointer)

    def _info(self) -> _abi.gn_net_info:
        info = _abi.gn_net_info()
        check(library.gn_net_describe(self._pointer, ct.byref(info)))
        return info

    @property
    def classes(self) -> int:
        return int(self._info().classes)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        info = self._info()
        return info.size_h, info.size_w, info.channels

    @property
    def parameters(self) -> int:
        """How many values are trained."""
        return int(self._info().params)

    @property
    def labels(self) -> list[str] | None:
        info = self._info()
        if not info.labels:
            return None
        return [info.labels[i].decode("utf-8", "replace") for i in range(info.classes)]

    @labels.setter
    def labels(self, labels: list[str] | None) -> None:
        if labels is None:
            check(library.gn_net_set_labels(self._pointer, None, 0))
            return
        names = (ct.c_char_p * len(labels))(*[label.encode() for label in labels])
        check(library.gn_net_set_labels(self._pointer, names, len(labels)))

    def weights(self) -> dict[str, Floats]:
        """The tensors by name: views, so that writing to one changes the network."""
        tensors: dict[str, Floats] = {}
        for i in range(self._info().tensors):
            t = _abi.gn_tensor_info()
            check(library.gn_net_tensor(self._pointer, i, ct.byref(t)))
            view = np.ctypeslib.as_array(t.values, tuple(t.shape[: t.rank]))
            tensors[t.name.decode()] = _Weights(view, self)
        return tensors

    def __hash__(self) -> int:
        return id(self)

    @property
    def checksum(self) -> int:
        """A CRC32C over all weights."""
        return int(library.gn_net_hash(self._pointer))

    def save(self, path: str | os.PathLike[str]) -> None:
        """One safetensors file with all that prediction needs."""
        check(library.gn_save(self._pointer, encoded(path)))

    def export(self, path: str | os.PathLike[str], **options: Any) -> None:
        """Another program's format, by the file's name: .onnx, .h5, .keras, .npz, .c; options are those
        of struct gn_export_options."""
        values = {k: encoded(v) if isinstance(v, str) else v for k, v in options.items()}
        struct = _fill(_abi.gn_export_options(path=encoded(path)), values)
        check(library.gn_export_with(self._pointer, ct.byref(struct)))

    def fit(
        self,
        train: Dataset,
        *,
        validation: Dataset | None = None,
        out: str | os.PathLike[str] | None = None,
        on_event: Callable[[Event], Any] | None = None,
        resume: bool = False,
        overwrite: bool = False,
        **options: Any,
    ) -> History:
        """Trains. `options` are those of `googlenet train --help` with _ for -, as there: epochs=5,
        batch=128, lr=0.05, optimizer="adamw", schedule="cosine", shuffle="window:1000", mirror...
        `out`: the folder for files of the run. `on_event` hears of every step and epoch; it ends the
        training by returning False, which raises Stopped, or by raising anything itself."""
        table = _fit_options()
        listener = _Listener(on_event)
        struct = _abi.gn_fit_options(
            train=train._pointer,
            validation=None if validation is None else validation._pointer,
            out=encoded(out),
            resume=resume,
            overwrite=overwrite,
            on_event=listener.callback,
            stop=ct.pointer(listener.stop),
        )
        texts = []  # the struct points to them
        for name, value in options.items():
            if name not in table:
                raise TypeError(f"fit: there is no option {name!r}; there are {', '.join(table)}")
            if value is None:
                continue
            text = str(value).lower() if isinstance(value, bool) else str(value)
            texts.append(text.encode())
            if library.gn_option_set(table[name], ct.byref(struct), texts[-1]) != 0:
                message = library.gn_error_message().decode("utf-8", "replace")
                raise ValueError(f"{name}={value!r}: {message}")
        self._predictor = None
        pointer = library.gn_fit_with(self._pointer, ct.byref(struct))
        if listener.raised is not None:
            library.gn_free_history(pointer)
            raise listener.raised
        return _history(owned(pointer))

    def evaluate(self, data: Dataset, *, limit: int = 0, batch: int = 0, threads: int = 0) -> Score:
        """Loss and accuracy on labelled images, means over the samples."""
        score = _abi.gn_score()
        options = _abi.gn_evaluate_options(
            data=data._pointer, limit=limit, batch=batch, threads=threads
        )
        check(library.gn_evaluate_with(self._pointer, ct.byref(score), ct.byref(options)))
        return Score(score.samples, score.loss, score.accuracy)

    def predict(self, pictures: Pictures, *, order: str = "rgb") -> Floats:
        """Logits: (classes,) of one picture, (n, classes) of several. See Predictor.run."""
        return self._asked().run(pictures, order=order)

    def classify(self, picture: Pictures, top: int = 5, *, order: str = "rgb") -> Any:
        """The most probable classes of a picture, most probable first; of several, a list a picture."""
        logits = self.predict(picture, order=order)
        if logits.ndim == 1:
            return self.best(logits, top)
        return [self.best(row, top) for row in logits]

    def best(self, logits: Floats, top: int = 5) -> list[Guess]:
        """The classes with the highest logits."""
        row = np.ascontiguousarray(logits, dtype=np.float32)
        n = len(row)
        probabilities = (ct.c_double * n)()
        order = (ct.c_int * max(top, 1))()
        at = row.ctypes.data_as(ct.POINTER(ct.c_float))
        check(library.gn_softmax(at, n, probabilities))
        found = library.gn_top_classes(at, n, top, order)
        labels = self.labels
        return [Guess(k, labels[k] if labels else None, probabilities[k]) for k in order[:found]]

    def features(
        self, pictures: Pictures, layer: str | None = None, *, order: str = "rgb", batch: int = 1
    ) -> Floats:
        """Values of a layer, as `summary` of the program names it; None: what the last dense layer
        reads. One row of all its values a picture."""
        n = ct.c_size_t()
        name = _abi.gn_layer_info()
        wanted = None if layer is None else layer.encode()
        check(library.gn_find_layer(self._pointer, wanted, ct.byref(name), ct.byref(n)))
        chosen = name.name.decode() if layer is None else layer
        return Predictor(self, layer=chosen, batch=batch).run(pictures, order=order)

    def _asked(self) -> Predictor:
        """A predictor with the weights as they are."""
        now = self.checksum
        if self._predictor is None or self._of != now:
            self._predictor, self._of = None, now
            self._predictor = Predictor(self)
            self._predictor._net = None  # no circle; the predictor goes first
        return self._predictor


class _Weights(np.ndarray[Any, Any]):
    """An array that keeps its network alive."""

    _net: Net | None

    def __new__(cls, view: npt.NDArray[Any], net: Net) -> _Weights:
        self = view.view(cls)
        self._net = net
        return self

    def __array_finalize__(self, other: Any) -> None:
        self._net = getattr(other, "_net", None)


class Predictor:
    """A network made ready to answer many times. Predictors of a net share its packed weights, so one for
    each thread costs little; they answer with the weights of when they were made. With `weights="f16"` they
    read weights of 16 bits: less time and memory for one picture, and logits that differ by about 0.0005 of
    their size."""

    def __init__(
        self,
        net: Net,
        *,
        batch: int = 1,
        threads: int = 0,
        layer: str | None = None,
        weights: str = "f32",
    ) -> None:
        self._pointer: int | None = None
        self._net: Net | None = net
        if weights not in ("f32", "f16"):
            raise ValueError(f'weights: "{weights}" is neither "f32" nor "f16"')
        options = _abi.gn_predictor_options(
            batch=batch,
            threads=threads,
            layer=None if layer is None else layer.encode(),
            weights=_abi.GN_WEIGHTS_F16 if weights == "f16" else _abi.GN_WEIGHTS_F32,
        )
        self._pointer = owned(library.gn_predictor_create_with(net._pointer, ct.byref(options)))
        self._values = net.classes
        if layer is not None:
            n = ct.c_size_t()
            check(library.gn_find_layer(net._pointer, layer.encode(), None, ct.byref(n)))
            self._values = n.value

    def __del__(self) -> None:
        if getattr(self, "_pointer", None) is not None:
            library.gn_predictor_free(self._pointer)

    def run(self, pictures: Pictures, *, order: str = "rgb", out: Floats | None = None) -> Floats:
        """Logits, or values of the layer: one row a picture, and no more than it for one picture alone.

        Arrays are (height, width[, channels]) of uint8, or floats from 0 to 1, or a stack of them, or a
        list of any sizes; `order` is that of their colours, "rgb" or "bgr". They are read where they
        lie, parts of larger ones too. Bytes and paths are those of picture files. `out`: an array of
        float32 to write to."""
        given, alone = listed(pictures)
        rows = self._rows(len(given), out)
        options = _abi.gn_predict_options(n=len(given))
        kept: list[Any] = []
        if all(isinstance(p, np.ndarray) for p in given):
            views = [pixels(p, order) for p in given]  # type: ignore[arg-type]
            kept += [view[1] for view in views]
            options.images = (_abi.gn_pixels * len(views))(*[view[0] for view in views])
        else:
            files = [contents(p) for p in given]
            kept += files
            options.files = (_abi.gn_file_bytes * len(files))(
                *[_abi.gn_file_bytes(ct.cast(ct.c_char_p(f), ct.c_void_p), len(f)) for f in files]
            )
        if len(given) > 0:
            at = rows.ctypes.data_as(ct.POINTER(ct.c_float))
            check(library.gn_predictor_run(self._pointer, at, ct.byref(options)))
        return rows[0] if alone else rows

    def _rows(self, n: int, out: Floats | None) -> Floats:
        if out is None:
            return np.empty((n, self._values), np.float32)
        if out.dtype != np.float32 or out.size != n * self._values or not out.flags.c_contiguous:
            raise ValueError(f"out must be a contiguous float32 array of {n} times {self._values} values")
        return out.reshape(n, self._values)

    def each(self, data: Dataset, limit: int = 0) -> Iterator[tuple[int, Floats | Exception]]:
        """The index and the logits of every image of a set; of a picture that cannot be read, why."""
        answers: list[tuple[int, Floats | Exception]] = []

        def hear(answer: Any, _user: Any) -> int:
            a = answer.contents
            row: Floats | Exception
            if a.logits:
                row = np.ctypeslib.as_array(a.logits, (self._values,)).copy()
            else:
                row = ValueError((a.message or b"").decode("utf-8", "replace"))
            answers.append((a.index, row))
            return 0

        n = min(limit, data.samples) if limit else data.samples
        options = _abi.gn_predict_options(data=data._pointer, n=n)
        kind = library.gn_predictor_each.argtypes[2]
        check(library.gn_predictor_each(self._pointer, ct.byref(options), kind(hear), None))
        yield from answers

    def cancel(self, yes: bool = True) -> None:
        """Ends a call that runs on another thread (Stopped), and all later ones until cancel(False)."""
        library.gn_predictor_cancel(self._pointer, yes)

    def limit(self, seconds: float) -> None:
        """Later calls end with Stopped when they take longer; 0: they never do."""
        check(library.gn_predictor_limit(self._pointer, seconds))


def _fill(struct: Any, values: dict[str, Any]) -> Any:
    """The struct with these members; the zeros of the others are their defaults."""
    names = [field for field, _ in struct._fields_]
    for name, value in values.items():
        if name not in names:
            raise TypeError(f"there is no option {name!r}; there are {', '.join(names)}")
        setattr(struct, name, value)
    return struct


def _history(pointer: int) -> History:
    epochs = []
    try:
        for i in range(library.gn_history_epochs(pointer)):
            epoch = _abi.gn_epoch()
            check(library.gn_history_epoch(pointer, i, ct.byref(epoch)))
            epochs.append(Epoch(epoch.epoch, _metrics(epoch.metrics)))
        return History(epochs, library.gn_history_best(pointer))
    finally:
        library.gn_free_history(pointer)


def load(path: str | os.PathLike[str] | bytes, **options: Any) -> Net:
    """A model file, or its bytes; options are those of struct gn_load_options (size, preset, ...)."""
    values = {k: encoded(v) if isinstance(v, str) else v for k, v in options.items()}
    struct = _fill(_abi.gn_load_options(), values)
    if isinstance(path, bytes):
        file = _abi.gn_file_bytes(ct.cast(ct.c_char_p(path), ct.c_void_p), len(path))
        struct.bytes = ct.pointer(file)
    else:
        struct.path = encoded(path)
    return Net(library.gn_load_with(ct.byref(struct)))


def preset(name: str = "googlenet", **options: Any) -> Net:
    """A network with fresh weights: size, channels, classes, seed, ... of struct gn_preset_options."""
    values = {k: encoded(v) if isinstance(v, str) else v for k, v in options.items()}
    struct = _fill(_abi.gn_preset_options(preset=encoded(name)), values)
    return Net(library.gn_preset_with(ct.byref(struct)))


def import_model(path: str | os.PathLike[str], **options: Any) -> Net:
    """Another program's model: ONNX, torchvision, Keras, Caffe, TensorFlow; struct gn_import_options."""
    values = {k: encoded(v) if isinstance(v, str) else v for k, v in options.items()}
    struct = _fill(_abi.gn_import_options(path=encoded(path)), values)
    return Net(library.gn_import_with(ct.byref(struct)))
