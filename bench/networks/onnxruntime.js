// Runs a network of ONNX Runtime on random images, on one thread, and times it.
//
// usage: node onnxruntime.js MODEL SECONDS [FOLDER]
//
// The module onnxruntime-node is found by NODE_PATH. Open extents of inputs are 1. Prints one JSON
// object; with FOLDER the first input and the first output go there as NumPy files, in.npy and
// out.npy.
'use strict';
const fs = require('fs');
const path = require('path');
const ort = require('onnxruntime-node');

const ARRAYS = {
  float32: [Float32Array, '<f4'], uint8: [Uint8Array, '|u1'], int8: [Int8Array, '|i1'],
  int32: [Int32Array, '<i4'], int64: [BigInt64Array, '<i8'],
};

/// Floats from 0 to 1, as normalized pixels; all values of 8 bits; small integers else.
function randomTensor(type, shape) {
  if (!ARRAYS[type]) {
    throw new Error(`inputs of ${type} are not supported, expected ${Object.keys(ARRAYS)}`);
  }
  let state = 1;
  const next = () => (state = (state * 48271) % 2147483647) / 2147483647;
  const data = new ARRAYS[type][0](shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < data.length; ++i) {
    const value = type === 'float32' ? next() : Math.floor(next() * 256) - (type === 'int8' ? 128 : 0);
    data[i] = type === 'int64' ? BigInt(value) : value;
  }
  return new ort.Tensor(type, data, shape);
}

function writeNpy(file, tensor) {
  const shape = tensor.dims.length === 1 ? `${tensor.dims[0]},` : tensor.dims.join(', ');
  const text = `{'descr': '${ARRAYS[tensor.type][1]}', 'fortran_order': False, 'shape': (${shape}), }`;
  const header = text.padEnd(117) + '\n';
  const size = Buffer.alloc(2);
  size.writeUInt16LE(header.length);
  const bytes = Buffer.from(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
  fs.writeFileSync(file, Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), size,
                                        Buffer.from(header, 'latin1'), bytes]));
}

async function main(model, seconds, folder) {
  const session = await ort.InferenceSession.create(
      model, {intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential'});
  const feeds = {};
  for (const input of session.inputMetadata) {
    feeds[input.name] = randomTensor(
        input.type, input.shape.map(extent => typeof extent === 'number' && extent > 0 ? extent : 1));
  }
  const results = await session.run(feeds);
  if (folder) {
    writeNpy(path.join(folder, 'in.npy'), feeds[session.inputNames[0]]);
    writeNpy(path.join(folder, 'out.npy'), results[session.outputNames[0]]);
  }
  const times = [];
  const end = process.hrtime.bigint() + BigInt(Math.round(seconds * 1e9));
  while (times.length < 10 || process.hrtime.bigint() < end) {
    const begin = process.hrtime.bigint();
    await session.run(feeds);
    times.push(Number(process.hrtime.bigint() - begin) / 1e6);
  }
  times.sort((a, b) => a - b);
  const version = require('onnxruntime-node/package.json').version;
  console.log(JSON.stringify({
    version, runs: times.length, minMs: times[0], medianMs: times[times.length >> 1],
    inputs: session.inputNames.length, outputs: session.outputNames.length,
  }));
}

main(process.argv[2], Number(process.argv[3]), process.argv[4]).catch(error => {
  console.error(`onnxruntime.js: error: ${error.message}`);
  process.exit(1);
});
