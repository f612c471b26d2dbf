// Tiny models of every architecture, in every format, as floats and quantised, natively and in wasm, against
// llama.cpp on the GGUF file; writes docs/models.md.
//   npm install --no-package-lock --prefix tests/conformance && node tests/conformance/models.mjs [--check]
// --check: GGUF files with F32 weights alone, held to bounds; nothing is written. `npm test` does that where node-llama-cpp is installed.
// NODE_LLAMA_CPP names another folder with node_modules.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { load } from '../../dist/index-node.js';
import { withFolder } from '../js/hf.mjs';
import { root, sameBits } from '../js/support.mjs';
import { modelNames, tinyModel } from './architectures.mjs';
import { ggufFloats, huggingFace } from './huggingface.mjs';
import { temporaryFolder } from '../temporary.mjs';

const home = process.env.NODE_LLAMA_CPP ?? import.meta.dirname;
if (!existsSync(join(home, 'node_modules', 'node-llama-cpp'))) {
  console.log(`NOT RUN: architectures against llama.cpp (no node-llama-cpp in ${home}: npm install --no-package-lock --prefix tests/conformance)`);
  process.exit(0);
}
const { getLlama, LlamaLogLevel } = await import(pathToFileURL(createRequire(join(home, 'package.json')).resolve('node-llama-cpp')));
const llama = await getLlama({ gpu: false, logLevel: LlamaLogLevel.error, build: 'never' });

const folder = temporaryFolder('models');
const types = ['F32', 'F16', 'BF16', 'Q8_0', 'Q4_0', 'Q5_1'];
const isFloat = (type) => /F(32|16)$/.test(type);
const ids = Array.from({ length: 40 }, (_, i) => (i === 0 ? 1 : (i * 7919 + 13) % 280));
const cli = (...args) => execFileSync(process.execPath, [join(root, 'dist', 'cli', 'main.js'), ...args], { stdio: 'pipe' });

/** The weights of a Llama in llama2.c's first layout; undefined: it cannot hold the model. */
function llama2c(name, gguf) {
  if (!['llama', 'llama-tied', 'llama-mqa'].includes(name)) return undefined;
  const tensors = ggufFloats(gguf);
  const layers = (slot) => [0, 1].map((l) => tensors[`blk.${l}.${slot}.weight`].data);
  const { 'output.weight': output, 'blk.0.attn_k.weight': keys } = tensors;
  const [embd, heads, ff, context, vocab] = [64, 4, 96, 64, 288];
  const sizes = Int32Array.of(embd, ff, 2, heads, (keys.dims[1] * heads) / embd, output ? -vocab : vocab, context);
  const attention = ['attn_norm', 'attn_q', 'attn_k', 'attn_v', 'attn_output'].flatMap(layers);
  const feedForward = ['ffn_norm', 'ffn_gate', 'ffn_down', 'ffn_up'].flatMap(layers);
  const waves = new Float32Array((context * embd) / heads); // tables that readers pass over
  const parts = [sizes, tensors['token_embd.weight'].data, ...attention, ...feedForward, tensors['output_norm.weight'].data, waves, ...(output ? [output.data] : [])];
  return new Uint8Array(Buffer.concat(parts.map((p) => Buffer.from(p.buffer, p.byteOffset, p.byteLength))));
}

/** What load() takes for a model of a type, by format; `floats` is the GGUF file with the nearest float type. */
const formats = {
  GGUF: ({ path }) => [path],
  safetensors({ name, type, floats }) {
    const files = huggingFace(name, floats);
    return files && [files, isFloat(type) ? {} : { quantize: type.toLowerCase() }];
  },
  async 'safetensors to GGUF'({ name, type, floats, path }) {
    const files = huggingFace(name, floats);
    if (!files) return undefined;
    const out = path.replace('.gguf', '-converted.gguf');
    await withFolder(files, (hf) => cli('convert', hf, out, ...(isFloat(type) ? [] : ['--type', type.toLowerCase()])));
    return [out];
  },
  '.apr'({ path }) {
    const out = path.replace('.gguf', '.apr');
    cli('convert', path, out);
    return [out];
  },
  'llama2.c'({ name, type, floats }) {
    const bytes = type === 'F32' ? llama2c(name, floats) : undefined;
    return bytes && [bytes];
  },
};

/** Log-probabilities of a row of logits. */
function logSoftmax(row) {
  const most = Math.max(...row);
  const total = most + Math.log(row.reduce((sum, x) => sum + Math.exp(x - most), 0));
  return row.map((x) => x - total);
}

/** Encoders give an embedding instead of logits. */
const isEncoder = (name) => name.endsWith('bert');

async function ours(name, [source, options], backend) {
  const model = await load(source, { backend, threads: 1, ...options });
  try {
    return await (isEncoder(name) ? model.embed(ids) : model.logits(ids));
  } finally {
    await model.close();
  }
}

async function theirEmbedding(model) {
  const context = await model.createEmbeddingContext({ contextSize: 64, batchSize: 64, threads: 1 });
  const { vector } = await context.getEmbeddingFor(ids);
  const length = Math.hypot(...vector);
  return vector.map((v) => v / length);
}

/** Probabilities behind every position. */
async function theirRows(model) {
  const context = await model.createContext({
    contextSize: 64, batchSize: 64, threads: 1, flashAttention: false, experimentalKvCacheKeyType: 'F32', experimentalKvCacheValueType: 'F32',
  });
  const all = { probabilities: true, options: { temperature: 1, topK: 0, topP: 1, minP: 0 } };
  const out = await context.getSequence().controlledEvaluate(ids.map((id) => [id, { generateNext: all }]));
  return out.map((o) => new Map(o.next.probabilities));
}

async function theirs(name, path) {
  const model = await llama.loadModel({ modelPath: path });
  const results = await (isEncoder(name) ? theirEmbedding(model) : theirRows(model));
  await model.dispose();
  return results;
}

/** Largest difference of log-probabilities among tokens that are at all likely, or of an embedding's numbers. */
function difference(name, logits, other) {
  if (isEncoder(name)) return logits.reduce((worst, v, i) => Math.max(worst, Math.abs(v - other[i])), 0);
  const n = logits.length / ids.length;
  let worst = 0;
  other.forEach((row, i) => {
    const mine = logSoftmax(logits.subarray(i * n, (i + 1) * n));
    row.forEach((p, id) => {
      if (p > 1e-5) worst = Math.max(worst, Math.abs(mine[id] - Math.log(p)));
    });
  });
  return worst;
}

const backends = ['native', 'wasm'];

/** Sums of floats in another order; llama.cpp looks GELU up in a table of halves. */
const boundOf = (name) => (/^(gemma|phi2|gpt2|gptneox|falcon|mpt|bloom|starcoder2|.*bert$)/.test(name) ? 5e-3 : 2e-5);

async function check() {
  let failed = 0;
  for (const name of modelNames) {
    const path = join(folder, `${name}.gguf`);
    writeFileSync(path, tinyModel(name));
    const expected = await theirs(name, path);
    for (const backend of backends) {
      const off = difference(name, await ours(name, [path], backend), expected);
      const good = off <= boundOf(name);
      if (!good) failed++;
      console.log(`${good ? 'ok' : 'not ok'} ${name} (${backend}): off by ${off.toExponential(1)}`);
    }
  }
  console.log(`models: ${modelNames.length * backends.length - failed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
}

if (process.argv.includes('--check')) await check();

const lines = [];
for (const name of modelNames) {
  const rows = Object.fromEntries(Object.keys(formats).map((format) => [format, {}]));
  const f32 = join(folder, `${name}-F32.gguf`);
  writeFileSync(f32, tinyModel(name));
  for (const type of types) {
    const path = join(folder, `${name}-${type}.gguf`);
    if (type !== 'F32') cli('quantize', f32, path, '--type', type.toLowerCase());
    const expected = await theirs(name, path);
    const model = { name, type, path, floats: new Uint8Array(readFileSync(isFloat(type) ? path : f32)) };
    const ofGguf = [];
    for (const [format, cells] of Object.entries(rows)) {
      try {
        const source = await formats[format](model);
        if (!source) continue;
        const logits = await Promise.all(backends.map((backend) => ours(name, source, backend)));
        if (format === 'GGUF') ofGguf.push(...logits);
        const same = format !== 'GGUF' && logits.every((l, i) => sameBits(l, ofGguf[i]));
        cells[type] = same ? '=' : logits.map((l) => difference(name, l, expected).toExponential(0)).join(', ');
      } catch (error) {
        console.log(`${name} ${type} ${format}: ${error.stderr?.toString().trim() || error.message}`);
      }
    }
  }
  for (const [format, cells] of Object.entries(rows)) {
    lines.push(`| ${name} | ${format} | ${types.map((type) => cells[type] ?? '').join(' | ')} |`);
    console.log(lines.at(-1));
  }
}

mkdirSync(join(root, 'docs'), { recursive: true });
writeFileSync(join(root, 'docs', 'models.md'), `# Models

Written by \`node tests/conformance/models.mjs\`: a tiny model of every architecture (real names and metadata, 2 to 7 layers, seeded random
weights), in every format and several weight types, against llama.cpp (node-llama-cpp) on the GGUF file of that type. A cell holds the largest
difference of log-probabilities over ${ids.length} positions among tokens with a probability above 1e-5: natively, in wasm. "=": the logits are those of the
GGUF file, bit for bit, in both. Of encoders (the two berts) it is the largest difference of an embedding's numbers, its length being 1. Empty: not run
or refused, or the format cannot hold the model.

Safetensors have the same weights as floats, quantised while they are loaded; "safetensors to GGUF" is what \`realizar convert\` writes of them, read by us
again (\`tests/conformance/written.mjs\` has llama.cpp read such files). \`.apr\` (version 2) is the GGUF file as \`realizar convert\` rewrites it. Quantising
while loading gives the embeddings other types than the GGUF file has, so there two roundings differ.

With quantised weights both sides round activations to 8 bits, each in its own way, so differences are those of two roundings; with F16 and BF16
weights llama.cpp rounds activations to those types, and with GELU it looks the function up in a table of halves. Where roundings choose other experts
(gpt-oss and other mixtures with random weights), whole logits move.

| model | format | ${types.join(' | ')} |
|---|---|${types.map(() => '---|').join('')}
${lines.join('\n')}

Models with recorded logits: \`tests/js/safetensors.test.mjs\` (within 2e-4). Files of others in .apr and llama2.c: \`tests/js/apr.test.mjs\`. All
weight types: \`tests/c/test_types_*.c\` (dequantisation bit-equal with recorded vectors, products against sums in double).
`);
process.exit(0);
