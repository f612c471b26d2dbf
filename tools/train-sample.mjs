// Trains the published .apr sample again, from the formula it was made of, and writes the same bytes.
//   node tools/train-sample.mjs [models/mnist_784x2.apr]
// A logistic regression with 784 weights on 1,000 made-up rows: pixel j of row i is
// ((17 i + 31 j) mod 256) / 255, the label 0 where i is a multiple of 10, else 1. 100 steps of gradient
// descent over all rows, from zero, learning rate 0.01. Every operation is rounded to 32 bits. It is
// not trained on MNIST, and it calls everything class 1.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeLogistic } from '../dist/formats/apr-v1.js';

export const sampleSha256 = '238a3c96ca868b9a920d4488726b4043c7d8406e62711d63ba7a1721a867f071';
const rows = 1000;
const features = 784;
const steps = 100;
const f = Math.fround;
const rate = f(0.01);

/**
 * e^x as the C library rounds it that the sample was made with, which in one case of 1,500 is not the
 * nearest float: 2^(n / 32) times a cubic in the rest r, |r| <= 1/64, whose largest relative error is
 * the least possible. The cubic is that of Taylor's series, each coefficient moved so that the error
 * of the terms left out alternates: a / r^2 on t = r^2 in [0, T] by Chebyshev, the odd terms zero where
 * the even ones peak.
 */
const cubic = (() => {
  const l = Math.LN2;
  const T = 2 ** -12;
  const c4 = l ** 4 / 24;
  const c5 = l ** 5 / 120;
  const peak = (Math.SQRT2 - 1) * T;
  const odd = l * c4 - c5;
  const b2 = 2 * peak * c4;
  return [l + odd * T * peak, l ** 2 / 2 + b2, l ** 3 / 6 + l * b2 - Math.SQRT2 * odd * T];
})();

function expf(x) {
  const z = x / Math.LN2;
  const n = Math.round(z * 32);
  const r = z - n / 32;
  return f((1 + r * (cubic[0] + r * (cubic[1] + r * cubic[2]))) * 2 ** (n / 32));
}

function makeRows() {
  const x = new Float32Array(rows * features);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < features; j++) x[i * features + j] = ((i * 17 + j * 31) % 256) / 255;
  }
  return x;
}

export function trainSample() {
  const x = makeRows();
  const weights = new Float32Array(features);
  const gradient = new Float32Array(features);
  let intercept = 0;
  for (let step = 0; step < steps; step++) {
    gradient.fill(0);
    let slope = 0;
    for (let i = 0; i < rows; i++) {
      const at = i * features;
      let z = intercept;
      for (let j = 0; j < features; j++) z = f(z + f(weights[j] * x[at + j]));
      const p = f(1 / f(1 + expf(-z)));
      const error = f(p - (i % 10 ? 1 : 0));
      slope = f(slope + error);
      for (let j = 0; j < features; j++) gradient[j] += f(error * x[at + j]);
    }
    intercept = f(intercept - f(rate * f(slope / rows)));
    for (let j = 0; j < features; j++) weights[j] -= f(rate * f(gradient[j] / rows));
  }
  return writeLogistic({ coefficients: weights, intercept, learningRate: 0.01, maxIterations: 100, tolerance: 1e-4 },
    { created_at: '1764278947', aprender_version: '0.11.0' });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const path = process.argv[2] ?? join(import.meta.dirname, '..', 'models', 'mnist_784x2.apr');
  const file = trainSample();
  const sha256 = createHash('sha256').update(file).digest('hex');
  writeFileSync(path, file);
  process.stdout.write(`${path}: ${file.length} bytes, sha256 ${sha256}${sha256 === sampleSha256 ? ', the published one' : ''}\n`);
}
