// Asks a server (googlenet serve) for the classes of a picture: in a browser or in node.
//
//   node serve_client.mjs http://127.0.0.1:8080 cat.jpg
import { readFile } from "node:fs/promises";

const [url, file] = process.argv.slice(2);
const picture = await readFile(file);

// The short way: the picture's bytes.
const predicted = await fetch(url + "/predict", { method: "POST", body: picture });
const answer = await predicted.json();
if (!predicted.ok)
  throw new Error(answer.error);
for (const one of answer.top)
  console.log(one.label, "probability", one.probability);

// The Open Inference Protocol.
const inferred = await fetch(url + "/v2/models/googlenet/infer", {
  method: "POST",
  body: JSON.stringify({
    inputs: [{ name: "input", shape: [1], datatype: "BYTES", data: [picture.toString("base64")] }],
    outputs: [{ name: "probabilities" }],
  }),
});
const tensor = await inferred.json();
if (!inferred.ok)
  throw new Error(tensor.error);
console.log(tensor.model_version, tensor.outputs[0].shape.join("x"));
