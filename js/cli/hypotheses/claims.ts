/** H1 to H5 of the first Realizar's performance specification, measured on this engine through its public interface. */
import { load } from '../../index-node.js';
import { availableProcessors, residentBytes } from '../../platform/node.js';
import type { LoadOptions, Model } from '../../types.js';
import { shippedModel } from '../options.js';
import { layerFile, llamaFile, randomFloats, randomNumbers, type Shape, someTokens } from './synthetic.js';
import { type Row, summarize } from './verdict.js';

export interface Setting {
  backend: 'wasm' | 'native';
  /** Rounds of a comparison; in each its sides run by turns. */
  rounds: number;
  /** Whether there are native kernels: the scalar table, which is the reference of H4, is among them. */
  hasNative: boolean;
}

export interface Measured {
  rows: Row[];
  /** What the rows do not show because this machine cannot. */
  missing?: string;
}

export interface Claim {
  id: string;
  statement: string;
  method: string;
  measure(setting: Setting): Promise<Measured>;
}

type Timer = () => Promise<number>;

/** Milliseconds of a call, over so many calls that the clock does not matter. */
async function timerOf(work: () => unknown): Promise<Timer> {
  const run = async (calls: number) => {
    const start = performance.now();
    for (let i = 0; i < calls; i++) await work();
    return performance.now() - start;
  };
  let calls = 1;
  while (await run(calls) < 2) calls *= 2;
  return async () => await run(calls) / calls;
}

/** Times of every side, one per round; the first round is not counted. */
async function byTurns(rounds: number, sides: Timer[]): Promise<number[][]> {
  const times: number[][] = sides.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, side] of sides.entries()) {
      const time = await side();
      if (round > 0) times[i]!.push(time);
    }
  }
  return times;
}

/** At least 1.5 times as fast as scalar C. V8 widens floats to doubles: its loops take up to twice the time of C's. */
const faster = { atMost: 0.333 };

/* ---- H1 and the dot products of H4 --------------------------------------------------------- */

const dotSizes = [64, 128, 256, 512, 1024, 2048];
/** 32 KB of weights: they stay in the first cache. */
const layerWeights = 8192;

/** One accumulator; V8 makes scalar instructions of it. */
function plainProduct(w: Float32Array, x: Float32Array, out: Float32Array): void {
  for (let row = 0, at = 0; row < out.length; row++) {
    let sum = 0;
    for (let i = 0; i < x.length; i++, at++) sum += w[at]! * x[i]!;
    out[row] = sum;
  }
}

interface Layer {
  model: Model;
  weights: Float32Array;
  outputs: number;
}

async function randomLayer(inputs: number, next: () => number, backend: Setting['backend']): Promise<Layer> {
  const weights = randomFloats(layerWeights, 1, next);
  return { model: await load(await layerFile(weights, inputs), { backend }), weights, outputs: layerWeights / inputs };
}

async function dotSpeed({ backend, rounds }: Setting): Promise<Measured> {
  const next = randomNumbers(1), rows: Row[] = [];
  for (const n of dotSizes) {
    const { model, weights, outputs } = await randomLayer(n, next, backend);
    const x = randomFloats(n, 1, next), out = new Float32Array(outputs);
    const sides = [await timerOf(() => model.predict(x)), await timerOf(() => plainProduct(weights, x, out))];
    const [engine, plain] = await byTurns(rounds, sides);
    rows.push(summarize(`n = ${n}: time over the plain loop's`, engine!.map((t, i) => t / plain![i]!), faster));
    await model.close();
  }
  return { rows };
}

/** Errors of a layer's dot products in double precision, each over its sum of absolute products. */
function dotErrors({ weights }: Layer, x: Float32Array, got: Float32Array): number[] {
  return Array.from(got, (value, row) => {
    let sum = 0, absolute = 0;
    for (let i = 0; i < x.length; i++) {
      const product = weights[row * x.length + i]! * x[i]!;
      sum += product;
      absolute += Math.abs(product);
    }
    return (value - sum) / absolute;
  });
}

async function dotAccuracy(backend: Setting['backend']): Promise<Row[]> {
  const next = randomNumbers(2), errors: number[] = [], each = Math.ceil(100_000 / dotSizes.length);
  for (const n of dotSizes) {
    const layer = await randomLayer(n, next, backend);
    for (let done = 0; done < each; done += layer.outputs) {
      const x = randomFloats(n, 1, next);
      errors.push(...dotErrors(layer, x, await layer.model.predict(x)));
    }
    await layer.model.close();
  }
  const worst = errors.reduce((most, e) => Math.max(most, Math.abs(e)), 0);
  const above = errors.filter((e) => e > 0).length, below = errors.filter((e) => e < 0).length;
  const z = Math.abs(above - below) / Math.sqrt(above + below);
  return [
    summarize(`largest error of ${errors.length} dot products, over the sum of absolute products`, [worst], { atMost: 1e-4 }),
    summarize('sign test of these errors: deviations from as many above as below (3.29: p = 0.001)', [z], { atMost: 3.29 }),
  ];
}

/* ---- H2 ------------------------------------------------------------------------------------ */

/** Two matrices of 4096 x 4096 and little else. */
const wide: Shape = { type: 'Q4_0', layers: 1, width: 4096, feedForward: 32, heads: 32, kvHeads: 1, context: 16 };

/** Passes a stream on and calls `seen` with every piece. */
function watched(stream: ReadableStream<Uint8Array>, seen: () => void): ReadableStream<Uint8Array> {
  return stream.pipeThrough(new TransformStream({
    transform(piece, controller) {
      seen();
      controller.enqueue(piece);
    },
  }));
}

async function memory({ backend }: Setting): Promise<Measured> {
  const before = residentBytes();
  let peak = before;
  const look = () => { peak = Math.max(peak, residentBytes()); };
  const model = await load(watched(llamaFile(wide), look), { backend, threads: 1 });
  const { timings } = await model.generate(someTokens(4), { maxTokens: 4, temperature: 0 });
  look();
  const { fileBytes } = model.info;
  await model.close();
  return { rows: [
    summarize(`${backend === 'wasm' ? 'linear memory' : 'model and session'} over quantised weights`, [timings.memoryBytes / fileBytes], { atMost: 2 }),
    summarize("growth of the process's resident memory over quantised weights", [(peak - before) / fileBytes], { atMost: 2 }),
  ] };
}

/* ---- H3 ------------------------------------------------------------------------------------ */

/** For the caches of most machines, and too large for them; so many tokens at a time. */
const parallelShapes: { shape: Shape; tokens: number }[] = [
  { tokens: 48, shape: { type: 'Q4_0', layers: 1, width: 1024, feedForward: 1024, heads: 16, kvHeads: 4, context: 64 } },
  { tokens: 6, shape: { type: 'Q4_0', layers: 4, width: 4096, feedForward: 5120, heads: 32, kvHeads: 8, context: 16 } },
];

/** Milliseconds of a token, over so many of them. */
function tokenTimer(model: Model, tokens: number): Timer {
  return async () => {
    const { timings } = await model.generate([1], { maxTokens: tokens + 1, temperature: 0, ignoreEnd: true });
    return 1000 / timings.decodeTokensPerSecond;
  };
}

async function scaling({ backend, rounds }: Setting): Promise<Measured> {
  const processors = availableProcessors(), rows: Row[] = [];
  const counts = [1, 2, 4, 8].filter((threads) => threads <= processors);
  for (const { shape, tokens } of parallelShapes) {
    const models: Model[] = [];
    for (const threads of counts) models.push(await load(llamaFile(shape), { backend, threads }));
    const size = `${Math.round(models[0]!.info.weightBytes / 1e6)} MB`;
    const [one, ...more] = await byTurns(rounds, models.map((model) => tokenTimer(model, tokens)));
    for (const [i, times] of more.entries()) {
      const threads = counts[i + 1]!;
      rows.push(summarize(`${size}: efficiency of ${threads} threads`, times.map((t, round) => one![round]! / (threads * t)), { atLeast: 0.5 }));
    }
    for (const model of models) await model.close();
  }
  return { rows, missing: processors < 4 ? `the hypothesis is about 4 cores and more; this machine has ${processors}` : undefined };
}

/* ---- H4 ------------------------------------------------------------------------------------ */

const floats: Shape = { type: 'F32', layers: 4, width: 256, feedForward: 512, heads: 4, kvHeads: 2, context: 128 };

async function logitsOf(source: Parameters<typeof load>[0], options: LoadOptions): Promise<Float32Array> {
  const model = await load(source, { ...options, threads: 1 });
  const logits = await model.logits(someTokens(64));
  await model.close();
  return logits;
}

/** The largest difference, over the largest value. */
function difference(a: Float32Array, b: Float32Array): number {
  const size = b.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  return a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i]!)), 0) / size;
}

async function accuracy({ backend, hasNative }: Setting): Promise<Measured> {
  const rows = await dotAccuracy(backend);
  if (!hasNative) return { rows, missing: 'the scalar kernels are those of the native add-on, which is not built' };
  const scalar = { backend: 'native', variant: 'scalar' } as const;
  const whole = difference(await logitsOf(llamaFile(floats), { backend }), await logitsOf(llamaFile(floats), scalar));
  rows.push(summarize('logits of 64 tokens, F32 weights: largest difference from the scalar kernels, over the largest logit', [whole], { atMost: 1e-4 }));
  if (backend === 'wasm') {
    const [simd, exact] = [await logitsOf(await shippedModel(), { backend, variant: 'simd' }), await logitsOf(await shippedModel(), scalar)];
    const differ = simd.filter((v, i) => v !== exact[i]).length;
    rows.push(summarize(`logits of 64 tokens, the shipped model: how many of ${exact.length} differ between plain SIMD and the scalar kernels`, [differ], { atMost: 0 }));
  }
  return { rows };
}

/* ---- H5 ------------------------------------------------------------------------------------ */

const oneHead: Shape = { type: 'F32', layers: 8, width: 64, feedForward: 32, heads: 1, kvHeads: 1, context: 2049 };

/** Attention of one query to the first n keys, over three plain loops. */
function plainAttention(q: Float32Array, k: Float32Array, v: Float32Array, n: number, scores: Float32Array, out: Float32Array): void {
  const width = q.length;
  let largest = -Infinity, sum = 0;
  for (let key = 0; key < n; key++) {
    let score = 0;
    for (let i = 0; i < width; i++) score += q[i]! * k[key * width + i]!;
    scores[key] = score;
    if (score > largest) largest = score;
  }
  out.fill(0);
  for (let key = 0; key < n; key++) {
    const p = Math.exp(scores[key]! - largest);
    sum += p;
    for (let i = 0; i < width; i++) out[i] = out[i]! + p * v[key * width + i]!;
  }
  for (let i = 0; i < width; i++) out[i] = out[i]! / sum;
}

/** Milliseconds of the token that sees n keys: the median of several, because the host's turns fall into some. */
function lastTokenTimer(model: Model, n: number): Timer {
  const prompt = someTokens(n - 1), options = { maxTokens: 2, temperature: 0, ignoreEnd: true, cachePrompt: true };
  return async () => {
    const times: number[] = [];
    for (let i = 0; i < 15; i++) times.push(1000 / (await model.generate(prompt, options)).timings.decodeTokensPerSecond);
    return summarize('', times).median;
  };
}

async function attention({ backend, rounds }: Setting): Promise<Measured> {
  const least = 2, rows: Row[] = [], next = randomNumbers(5);
  const model = await load(llamaFile(oneHead), { backend, threads: 1, kv: 'f32' });
  const most = 2048, [q, k, v] = [1, most, most].map((n) => randomFloats(64 * n, 0.2, next)) as [Float32Array, Float32Array, Float32Array];
  const scores = new Float32Array(most), out = new Float32Array(64);
  const plainTimer = (n: number) => timerOf(() => plainAttention(q, k, v, n, scores, out));
  for (const n of [16, 128, 512, most]) {
    const sides = [lastTokenTimer(model, n), lastTokenTimer(model, least), await plainTimer(n), await plainTimer(least)];
    const [long, short, plainLong, plainShort] = await byTurns(rounds, sides);
    const ratios = long!.map((t, i) => (t - short![i]!) / oneHead.layers / (plainLong![i]! - plainShort![i]!));
    rows.push(summarize(`${n} keys: time over the plain loops'`, ratios, faster));
  }
  await model.close();
  return { rows };
}

export const claims: Claim[] = [
  { id: 'H1', measure: dotSpeed,
    statement: 'A SIMD dot product of floats is at least 1.5 times as fast as a scalar one for n = 64 to 2048',
    method: 'Predictors of 32 KB of seeded weights, calls from JavaScript included, beside a plain loop with one accumulator that V8 compiles; as such '
      + 'loops take up to twice the time of C\'s, a third of their time is asked for. '
      + 'The dot product of predictors has 128-bit vectors and no fused multiply-add on every machine, so that all get the same bits.' },
  { id: 'H2', measure: memory,
    statement: 'The fused Q4_0 matrix-vector product never holds more than twice the quantised weights',
    method: 'A seeded model of two 4096 x 4096 matrices, streamed in, then 8 tokens. Memory is counted, not sampled: linear memory never shrinks, '
      + 'so that is its peak; resident memory is read at every piece of the file.' },
  { id: 'H3', measure: scaling,
    statement: 'A parallel matrix-vector product has an efficiency of at least 50 % on 4 cores and more',
    method: 'Tokens of seeded Q4_0 models, a small and a large one, with one thread beside several. At 2 threads 50 % says that the second one does not slow down the first. '
      + 'What the bandwidth of the memory would allow is not told apart.' },
  { id: 'H4', measure: accuracy,
    statement: 'SIMD results are those of scalar code within 1e-4, without bias',
    method: 'Seeded dot products of 64 to 2048 floats beside double precision; whole passes (norms, RoPE, softmax, SiLU, products) beside the scalar kernels. '
      + 'Integer and dequantising kernels by themselves are held to equality by check_kern, a program of the tests.' },
  { id: 'H5', measure: attention,
    statement: 'SIMD attention with heads of 64 is at least 1.5 times as fast as scalar attention for 16 keys and more, and nowhere slower',
    method: 'Tokens of a seeded model of one head and a cache of floats: the time that n keys take beyond that of 2, beside the same of plain loops as for H1. '
      + 'One key alone cannot be told from the rest of a token.' },
];
