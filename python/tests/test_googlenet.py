"""The module against the program: the same bits; and what Python adds."""

from __future__ import annotations

import ctypes
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import googlenet
from googlenet import _abi

PROGRAM = os.environ["GOOGLENET"]
SOURCE = Path(os.environ["GN_SOURCE_DIR"])
CLASSES, SIZE = 3, 32


def run(*args: str) -> str:
    done = subprocess.run([PROGRAM, *args], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def png(path: Path, pixels: np.ndarray) -> None:
    """A PPM file, which every build reads."""
    path.write_bytes(b"P6\n%d %d\n255\n" % (pixels.shape[1], pixels.shape[0]) + pixels.tobytes())


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for split, n in (("train", 12), ("test", 4)):
        for k in range(CLASSES):
            (folder / split / f"class{k}").mkdir(parents=True)
            for i in range(n):
                picture = random.integers(0, 90, (40, 36, 3), dtype=np.uint8)
                picture[:, :, k] += 150
                png(folder / split / f"class{k}" / f"{i}.ppm", picture)
    return folder


@pytest.fixture
def net() -> googlenet.Net:
    net = googlenet.preset("googlenet-small", size=SIZE, channels=3, classes=CLASSES, seed=5)
    net.labels = ["red", "green", "blue"]
    return net


def picture(height: int = 50, width: int = 44, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_every_struct_has_the_layout_of_the_compiler(tmp_path: Path) -> None:
    header = (SOURCE / "include" / "googlenet.h").read_text()
    names = re.findall(r"^(?:typedef )?struct (gn_\w+) \{", header, re.M)
    assert len(names) > 40
    code = ["#include <googlenet.h>", "int main(void) {"]
    for name in names:
        code.append(f'printf("{name} %zu\\n", sizeof(struct {name}));')
        for field, *_ in getattr(_abi, name)._fields_:
            code.append(f'printf("{name}.{field} %zu\\n", offsetof(struct {name}, {field}));')
    (tmp_path / "layout.c").write_text("\n".join([*code, "return 0; }"]))
    compiler = os.environ.get("CC", "cc")
    subprocess.run(
        [compiler, f"-I{SOURCE}/include", "-o", "layout", "layout.c"], cwd=tmp_path, check=True
    )
    for line in subprocess.check_output([tmp_path / "layout"], text=True).splitlines():
        name, number = line.split()
        struct, _, field = name.partition(".")
        kind = getattr(_abi, struct)
        assert int(number) == (getattr(kind, field).offset if field else ctypes.sizeof(kind)), name


def test_logits_are_those_of_the_program(net: googlenet.Net, data: Path, tmp_path: Path) -> None:
    net.save(tmp_path / "m.safetensors")
    files = sorted(str(p) for p in (data / "test").rglob("*.ppm"))
    lines = run("predict", str(tmp_path / "m.safetensors"), *files, "--logits", "--json").splitlines()
    said = np.array([json.loads(line)["logits"] for line in lines], np.float32)
    assert np.array_equal(net.predict(files), np.stack([net.predict(f) for f in files]))
    batch = googlenet.Predictor(net, batch=len(files)).run(files)
    alone = np.stack([net.predict(f) for f in files])
    assert np.array_equal(said, batch) or np.array_equal(said, alone)
    guess = net.classify(files[0], top=1)[0]
    top = json.loads(lines[0])["top"][0]
    assert (guess.index, guess.label) == (top["index"], top["label"])


def test_training_gives_the_files_of_the_program(data: Path, tmp_path: Path) -> None:
    run("train", "--data", str(data), "--model", "googlenet-small", "--size", "32", "--epochs", "2",
        "--batch", "8", "--seed", "3", "--momentum", "0.9", "--out", str(tmp_path / "program"))  # fmt: skip
    train = googlenet.Dataset(data, size=SIZE)
    test = googlenet.Dataset(data, "test", size=SIZE)
    net = googlenet.preset("googlenet-small", size=SIZE, channels=3, classes=CLASSES, seed=3)
    events: list[googlenet.Event] = []
    # For short epochs the program chooses a momentum for running statistics, and says so.
    norm = json.loads((tmp_path / "program" / "config.json").read_text())["options"]["bn-momentum"]
    history = net.fit(train, validation=test, epochs=2, batch=8, seed=3, momentum=0.9,
                      bn_momentum=norm, on_event=events.append)  # fmt: skip
    assert net.checksum == googlenet.load(tmp_path / "program" / "model.safetensors").checksum
    assert [e.kind for e in events].count("epoch") == 2 and len(history.epochs) == 2
    assert history.epochs[1].metrics["val_accuracy"] == net.evaluate(test).accuracy
    said = json.loads(run("eval", str(tmp_path / "program" / "model.safetensors"), "--data", str(data), "--json"))
    score = net.evaluate(test)
    assert (said["samples"], said["loss"], said["accuracy"]) == (score.samples, score.loss, score.accuracy)


def test_features_are_those_of_the_program(net: googlenet.Net, data: Path, tmp_path: Path) -> None:
    net.save(tmp_path / "m.safetensors")
    files = sorted(str(p) for p in (data / "test").rglob("*.ppm"))
    layer = "b1.conv"
    run("features", str(tmp_path / "m.safetensors"), *files, "--layer", layer, "--out", str(tmp_path / "x.npy"))
    said = np.load(tmp_path / "x.npy")
    ours = net.features(files, layer, batch=len(files))
    assert ours.shape == said.shape and np.allclose(ours, said, atol=1e-5)
    assert net.features(files[0]).ndim == 1


def test_arrays_are_read_where_they_lie(net: googlenet.Net) -> None:
    large = picture(80, 90)
    part = large[10:60, 20:64]
    assert not part.flags.c_contiguous
    wanted = net.predict(np.ascontiguousarray(part))
    assert np.array_equal(net.predict(part), wanted)
    from googlenet import _pictures

    assert _pictures.readable(part).ctypes.data == part.ctypes.data  # no copy
    assert np.array_equal(net.predict(part[:, :, ::-1], order="bgr"), wanted)
    alpha = np.dstack([part, np.zeros(part.shape[:2], np.uint8)])
    assert np.array_equal(net.predict(alpha), wanted)
    assert np.array_equal(net.predict(part.astype(np.float32) / 255), wanted)
    assert np.array_equal(net.predict(np.asfortranarray(part)), wanted)
    grey = net.predict(part[:, :, 0])
    assert np.array_equal(grey, net.predict(part[:, :, :1]))
    assert net.predict(np.stack([part, part])).shape == (2, CLASSES)
    mixed = [part, picture(33, 35), part[:, :, 0]]
    assert np.array_equal(net.predict(mixed), np.stack([net.predict(p) for p in mixed]))
    out = np.empty((3, CLASSES), np.float32)
    assert np.shares_memory(googlenet.Predictor(net).run(mixed, out=out), out)
    assert net.predict([]).shape == (0, CLASSES)


def test_what_is_wrong_says_so(net: googlenet.Net, data: Path, tmp_path: Path) -> None:
    with pytest.raises(googlenet.Error, match="missing.safetensors") as raised:
        googlenet.load(tmp_path / "missing.safetensors")
    assert raised.value.kind == "bad model"
    with pytest.raises(googlenet.Error, match="did you mean"):
        googlenet.preset("googlenet-smal")
    with pytest.raises(TypeError, match="int64"):
        net.predict(np.zeros((8, 8, 3), np.int64))
    with pytest.raises(ValueError, match="a picture is"):
        net.predict(np.zeros((4, 4, 4, 4, 4), np.uint8))
    with pytest.raises(TypeError, match="one call"):
        net.predict([picture(), "a.png"])
    with pytest.raises(TypeError, match="no option 'epoch'"):
        net.fit(googlenet.Dataset(data), epoch=1)
    with pytest.raises(ValueError, match="optimizer='adan'"):
        net.fit(googlenet.Dataset(data), optimizer="adan")
    with pytest.raises(ValueError, match="batch=-1"):
        net.fit(googlenet.Dataset(data), batch=-1)
    with pytest.raises(TypeError, match="no option 'sise'"):
        googlenet.preset("googlenet", sise=3)
    with pytest.raises(googlenet.Error, match="layer"):
        net.features(picture(), "nothing")
    with pytest.raises(googlenet.Error, match="picture in memory"):
        net.predict(b"no picture")


def test_callbacks_end_a_training(net: googlenet.Net, data: Path) -> None:
    train = googlenet.Dataset(data, size=SIZE)
    net.labels = None

    def enough(event: googlenet.Event) -> bool:
        return event.kind != "step" or event.step < 2

    with pytest.raises(googlenet.Stopped):
        net.fit(train, epochs=3, batch=8, on_event=enough)

    def broken(event: googlenet.Event) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        net.fit(train, epochs=1, batch=8, on_event=broken)
    assert net.fit(train, epochs=1, batch=8, lr=0).epochs[0].metrics["lr"] == 0


def test_answers_follow_the_weights(net: googlenet.Net) -> None:
    before = net.predict(picture())
    weights = net.weights()
    assert sum(w.size for w in weights.values()) >= net.parameters
    weights["dense.bias"][:] += 1
    after = net.predict(picture())
    assert np.allclose(after, before + 1, atol=1e-4) and not np.array_equal(before, after)
    bias = googlenet.preset("googlenet-small", size=SIZE, channels=3, classes=7).weights()["dense.bias"]
    assert bias.shape == (7,) and not bias.any()  # its net lives on


def test_sets_are_sequences(data: Path, net: googlenet.Net) -> None:
    test = googlenet.Dataset(data, "test")
    assert (len(test), test.classes, test.labels) == (12, CLASSES, ["class0", "class1", "class2"])
    pixels, label = test[5]
    assert pixels.shape == (40, 36, 3) and label == 1
    with pytest.raises(IndexError):
        test[12]
    images = googlenet.Dataset.images(data / "test")
    answers = dict(googlenet.Predictor(net).each(images))
    assert sorted(answers) == list(range(12)) and images[0][1] == -1


def test_threads_have_predictors_of_their_own(net: googlenet.Net) -> None:
    wanted = net.predict(picture())
    wrong: list[int] = []

    def work(number: int) -> None:
        own = googlenet.Predictor(net, threads=1 + number % 2)
        for _ in range(20):
            if not np.array_equal(own.run(picture()), wanted):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_call_can_be_ended(net: googlenet.Net) -> None:
    p = googlenet.Predictor(net)
    p.cancel()
    with pytest.raises(googlenet.Stopped):
        p.run(picture())
    p.cancel(False)
    p.limit(1e-9)
    with pytest.raises(googlenet.Stopped):
        p.run(picture())
    p.limit(0)
    assert np.array_equal(p.run(picture()), net.predict(picture()))


def test_the_log_hears_what_is_done(net: googlenet.Net, tmp_path: Path) -> None:
    said: list[tuple[str, str]] = []
    googlenet.set_log(lambda level, text: said.append((level, text)), "info")
    try:
        net.save(tmp_path / "m.safetensors")
        googlenet.load(tmp_path / "m.safetensors")
        with pytest.raises(googlenet.Error):
            googlenet.load(tmp_path / "none")
    finally:
        googlenet.set_log(None)
    assert [level for level, _ in said] == ["info", "info", "error"] and "saved" in said[0][1]


def test_the_wheel_is_typed_and_documented() -> None:
    assert (Path(googlenet.__file__).parent / "py.typed").exists()
    for name in googlenet.__all__:
        thing = getattr(googlenet, name)
        if not isinstance(thing, str):
            assert thing.__doc__, name
    assert googlenet.__version__ == run("--version").split()[-1]
    assert "googlenet" in googlenet.presets() and sys.version_info >= (3, 9)
