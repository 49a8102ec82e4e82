#!/usr/bin/env python3
"""The other side of bench/serve_peer.sh: the exported network in ONNX Runtime behind starlette and uvicorn,
as such servers are usually written.

    serve_peer.py NET.onnx PORT [THREADS]

POST /predict takes a picture's bytes and answers with the five most probable classes, as ours does.
"""
import io
import sys

import numpy as np
import onnxruntime
import uvicorn
from PIL import Image
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(sys.argv[3]) if len(sys.argv) > 3 else 0
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
place = session.get_inputs()[0]
channels_last = place.shape[3] in (1, 3)
height, width = place.shape[1:3] if channels_last else place.shape[2:4]
channels = place.shape[3] if channels_last else place.shape[1]
output = next(o.name for o in session.get_outputs() if "logits" in o.name or len(session.get_outputs()) == 1)


def answer(picture):
    image = Image.open(io.BytesIO(picture)).convert("L" if channels == 1 else "RGB")
    if image.size != (width, height):
        image = image.resize((width, height), Image.BILINEAR)
    x = np.asarray(image, dtype=np.float32).reshape(1, height, width, channels) / 255
    logits = session.run([output], {place.name: x if channels_last else x.transpose(0, 3, 1, 2)})[0][0]
    p = np.exp(logits - logits.max())
    p /= p.sum()
    return [{"label": str(i), "index": int(i), "probability": float(p[i])} for i in np.argsort(-p)[:5]]


async def predict(request):
    return JSONResponse({"top": await run_in_threadpool(answer, await request.body())})


app = Starlette(routes=[Route("/predict", predict, methods=["POST"])])
answer(b"P5 1 1 255\n\x00")  # a warm-up
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), access_log=False, log_level="warning")
