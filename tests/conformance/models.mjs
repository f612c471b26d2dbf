// Tiny models of every architecture, as floats and quantised, natively and in wasm, against llama.cpp on the
// same file; writes docs/models.md.
//   npm ci --prefix tests/conformance && node tests/conformance/models.mjs
// NODE_LLAMA_CPP names another folder with node_modules.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { load } from '../../dist/index-node.js';
import { root } from '../js/support.mjs';
import { modelNames, tinyModel } from './architectures.mjs';

const home = process.env.NODE_LLAMA_CPP ?? import.meta.dirname;
if (!existsSync(join(home, 'node_modules', 'node-llama-cpp'))) {
  console.log(`NOT RUN: architectures against llama.cpp (no node-llama-cpp in ${home}: npm ci --prefix tests/conformance)`);
  process.exit(0);
}
const { getLlama, LlamaLogLevel } = await import(pathToFileURL(createRequire(join(home, 'package.json')).resolve('node-llama-cpp')));
const llama = await getLlama({ gpu: false, logLevel: LlamaLogLevel.error, build: 'never' });

const folder = mkdtempSync(join(tmpdir(), 'realizar-models-'));
const types = ['F32', 'F16', 'Q8_0', 'Q4_0', 'Q5_1'];
const ids = Array.from({ length: 40 }, (_, i) => (i === 0 ? 1 : (i * 7919 + 13) % 280));

/** Log-probabilities of a row of logits. */
function logSoftmax(row) {
  const most = Math.max(...row);
  const total = most + Math.log(row.reduce((sum, x) => sum + Math.exp(x - most), 0));
  return row.map((x) => x - total);
}

async function ours(path, backend) {
  const model = await load(path, { backend, threads: 1 });
  try {
    const logits = await model.logits(ids), n = model.info.vocabSize;
    return ids.map((_, i) => logSoftmax(logits.subarray(i * n, (i + 1) * n)));
  } finally {
    await model.close();
  }
}

async function theirs(path) {
  const model = await llama.loadModel({ modelPath: path });
  const context = await model.createContext({
    contextSize: 64, batchSize: 64, threads: 1, flashAttention: false, experimentalKvCacheKeyType: 'F32', experimentalKvCacheValueType: 'F32',
  });
  const all = { probabilities: true, options: { temperature: 1, topK: 0, topP: 1, minP: 0 } };
  const out = await context.getSequence().controlledEvaluate(ids.map((id) => [id, { generateNext: all }]));
  const rows = out.map((o) => new Map(o.next.probabilities));
  await model.dispose();
  return rows;
}

/** Largest difference of log-probabilities among tokens that are at all likely. */
function difference(mine, other) {
  let worst = 0;
  other.forEach((row, i) => row.forEach((p, id) => {
    if (p > 1e-5) worst = Math.max(worst, Math.abs(mine[i][id] - Math.log(p)));
  }));
  return worst;
}

/** Encoders give no logits; tests/js/hf-gguf.test.mjs compares their embeddings. */
const encoders = ['bert', 'nomic-bert'];
const lines = [];
for (const name of modelNames.filter((n) => !encoders.includes(n))) {
  const cells = [];
  for (const type of types) {
    const path = join(folder, `${name}-${type}.gguf`);
    try {
      if (type === 'F32') writeFileSync(path, tinyModel(name));
      else execFileSync(process.execPath, [join(root, 'dist', 'cli', 'main.js'), 'quantize', join(folder, `${name}-F32.gguf`), path, '--type', type.toLowerCase()], { stdio: 'pipe' });
      const expected = await theirs(path);
      const [native, wasm] = [difference(await ours(path, 'native'), expected), difference(await ours(path, 'wasm'), expected)];
      cells.push(`${native.toExponential(0)}, ${wasm.toExponential(0)}`);
    } catch (error) {
      console.log(`${name} ${type}: ${error.stderr?.toString().trim() || error.message}`);
      cells.push('');
    }
  }
  lines.push(`| ${name} | ${cells.join(' | ')} |`);
  console.log(lines.at(-1));
}

mkdirSync(join(root, 'docs'), { recursive: true });
writeFileSync(join(root, 'docs', 'models.md'), `# Models

Written by \`node tests/conformance/models.mjs\`: a tiny model of every architecture (real names and metadata, 2 to 7 layers, seeded random
weights), as GGUF in several weight types, against llama.cpp (node-llama-cpp) on the same file. A cell holds the largest difference of
log-probabilities over ${ids.length} positions among tokens with a probability above 1e-5: natively, in wasm (simd). Empty: not run or refused by one of both.

With quantised weights both sides round activations to 8 bits, each in its own way, so differences are those of two roundings; with GELU llama.cpp
looks the function up in a table of halves. Where roundings choose other experts (gpt-oss and other mixtures with random weights), whole logits move.

| model | ${types.join(' | ')} |
|---|${types.map(() => '---|').join('')}
${lines.join('\n')}

Formats. Safetensors: the models of \`tests/js/safetensors.test.mjs\` (recorded logits, within 2e-4) and of \`tests/js/hf-gguf.test.mjs\` (the same weights
as GGUF). \`.apr\` and llama2.c: \`tests/js/apr.test.mjs\`. All weight types: \`tests/c/test_types_*.c\` (dequantisation bit-equal with recorded vectors,
products against sums in double).
`);
process.exit(0);
