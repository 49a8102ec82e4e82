#!/usr/bin/env python3
"""Asks a running server with the clients of other people: tritonclient[http], prometheus_client's parser,
and plain Python.

    python3 -m venv DIR && DIR/bin/pip install 'tritonclient[http]' prometheus_client
    googlenet serve googlenet-small --listen 127.0.0.1:8080 &
    DIR/bin/python tools/serve-clients.py 127.0.0.1:8080 [NAME]

Exits 1 at the first difference.
"""
import gzip
import json
import sys
import urllib.request

import numpy as np
import tritonclient.http as triton
from prometheus_client.parser import text_string_to_metric_families

place = sys.argv[1]
name = sys.argv[2] if len(sys.argv) > 2 else "googlenet"
client = triton.InferenceServerClient(place)

assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(name)
assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
model = client.get_model_metadata(name)
version = model["versions"][0]
assert client.is_model_ready(name, version)
shape = [3] + model["inputs"][0]["shape"][1:]
pixels = np.random.default_rng(0).random(shape, dtype=np.float32)


def infer(binary_in, binary_out, **more):
    tensor = triton.InferInput("input", shape, "FP32")
    tensor.set_data_from_numpy(pixels, binary_data=binary_in)
    wanted = [triton.InferRequestedOutput(o, binary_data=binary_out) for o in ("logits", "probabilities")]
    answer = client.infer(name, [tensor], outputs=wanted, request_id="7", **more)
    assert answer.get_response()["id"] == "7"
    return answer.as_numpy("logits"), answer.as_numpy("probabilities")


logits, probabilities = infer(True, True)
assert logits.shape == probabilities.shape == (3, model["outputs"][0]["shape"][1])
assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)
for case in (
    infer(False, False),
    infer(True, False),
    infer(False, True),
    infer(True, True, request_compression_algorithm="gzip"),
    infer(False, False, request_compression_algorithm="deflate"),
    infer(True, True, model_version=version),
):
    assert np.array_equal(case[0], logits) and np.array_equal(case[1], probabilities)

picture = b"P5 2 2 255\n\x01\x40\x80\xff"
tensor = triton.InferInput("input", [2], "BYTES")
tensor.set_data_from_numpy(np.array([picture, picture], dtype=np.object_), binary_data=True)
answer = client.infer(name, [tensor], outputs=[triton.InferRequestedOutput("probabilities", class_count=2)])
classes = answer.as_numpy("probabilities")
assert classes.shape == (2, 2) and classes[0, 0] == classes[1, 0], classes
value, index = classes[0, 0].decode().split(":")[:2]

try:
    client.infer(name, [triton.InferInput("input", [1], "FP32")])
    raise SystemExit("a wrong request was taken")
except triton.InferenceServerException as error:
    assert error.status() == "400", error

# Plain Python.
request = urllib.request.Request(f"http://{place}/predict?model={name}", data=picture)
top = json.load(urllib.request.urlopen(request))["top"][0]
assert top["index"] == int(index) and np.float32(top["probability"]) == np.float32(value)
body = gzip.compress(json.dumps({"inputs": [{"name": "input", "datatype": "FP32", "shape": shape,
                                              "data": pixels.tolist()}]}).encode())
request = urllib.request.Request(f"http://{place}/v2/models/{name}/infer", data=body,
                                 headers={"Content-Encoding": "gzip"})
outputs = json.load(urllib.request.urlopen(request))["outputs"]
assert np.array_equal(np.array(outputs[0]["data"], dtype=np.float32).reshape(logits.shape), logits)

text = urllib.request.urlopen(f"http://{place}/metrics").read().decode()
families = {family.name: family for family in text_string_to_metric_families(text)}
assert families["googlenet_requests"].type == "counter", list(families)
assert families["googlenet_batch_size"].type == "histogram"
print(f"ok: {name} {version}, {len(families)} metrics")
