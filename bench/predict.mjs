// What a prediction of models/mnist_784x2.apr (784 weights) costs: within a C program, and from JavaScript.
//   node bench/predict.mjs
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { load } from '../dist/index-node.js';
import { describeMachine } from './machine.mjs';
import { figure, table } from './report.mjs';

const file = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const model = file('models/mnist_784x2.apr'), rounds = 21, predictions = 50_000;

/** Microseconds a prediction, a process per round. */
function inC() {
  return Array.from({ length: 5 }, () => JSON.parse(execFileSync(file('build/native/bench_predict'), [model], { encoding: 'utf8' })).us);
}

/** The same of `await model.predict(features)`, a value per round. */
async function fromJs(backend) {
  const predictor = await load(model, { backend });
  const features = Float32Array.from({ length: 784 }, (_, i) => (i % 17) / 16), us = [];
  for (let round = 0; round <= rounds; round++) {
    const start = performance.now();
    for (let i = 0; i < predictions; i++) await predictor.predict(features);
    if (round > 0) us.push((1000 * (performance.now() - start)) / predictions);
  }
  await predictor.close();
  return us;
}

process.stdout.write(`${describeMachine()}\n\n${table('784 weights: us a prediction', ['from', 'us', 'asked for'], [
  ['C', figure(inC()), '0.15'],
  ['JavaScript into wasm (Node.js)', figure(await fromJs('wasm')), '2'],
  ['JavaScript through Node-API', figure(await fromJs('native')), ''],
])}\n`);
