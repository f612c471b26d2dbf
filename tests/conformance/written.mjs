// Files that realizar writes, read by llama.cpp: they load, and tokens and the greedy text are those realizar gives.
//   npm install --no-package-lock --prefix tests/conformance && node tests/conformance/written.mjs
// Needs the fixtures; NODE_LLAMA_CPP names another folder with node_modules.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { load } from '../../dist/index-node.js';
import { filesOf, json, readSafetensors, safetensors, tinyLlama, withFolder } from '../js/hf.mjs';
import { fixture, root, shippedModels } from '../js/support.mjs';
import { bertJson } from '../js/tokenizer-families.mjs';
import { tinyModel } from './architectures.mjs';
import { huggingFace, huggingFaceNames } from './huggingface.mjs';
import { temporaryFolder } from '../temporary.mjs';

const home = process.env.NODE_LLAMA_CPP ?? import.meta.dirname;
if (!existsSync(join(home, 'node_modules', 'node-llama-cpp'))) {
  console.log(`NOT RUN: llama.cpp on written files (no node-llama-cpp in ${home}: npm install --no-package-lock --prefix tests/conformance)`);
  process.exit(0);
}
const { getLlama } = await import(pathToFileURL(createRequire(join(home, 'package.json')).resolve('node-llama-cpp')));

const temp = temporaryFolder('written');
const main = join(root, 'dist', 'cli', 'main.js');
const cli = (...args) => execFileSync(process.execPath, [main, ...args]);
const prompt = 'Once upon a time';
const tokens = 16; // farther on, near ties are decided by how activations are rounded

const written = [];

/** Writes a file with a command. */
function write(name, ...args) {
  const path = join(temp, name);
  cli(args[0], args[1], path, ...args.slice(2));
  written.push(path);
  return path;
}

const stories = fixture('gguf-models/stories260K.gguf', 'written files');
const wide = fixture('gguf-models/stories260K-pad256-F32.gguf', 'K types');
for (const { file, path } of shippedModels) write(`through-apr-${file}`, 'convert', write(`${file}.apr`, 'convert', path));
if (stories) for (const type of ['f16', 'bf16', 'q4_0', 'q4_1', 'q5_0', 'q5_1', 'q8_0']) write(`${type}.gguf`, 'quantize', stories, '--type', type);
if (wide) for (const type of ['q4_k_s', 'q4_k_m', 'q5_k_s', 'q5_k_m', 'q6_k']) write(`${type}.gguf`, 'quantize', wide, '--type', type);
const l2c = fixture('llama2c/stories260K.bin', 'llama2.c');
if (l2c) write('llama2c.gguf', 'convert', l2c, '--tokenizer', fixture('llama2c/tok512.bin', 'llama2.c'));

/** Files with float weights: llama.cpp keeps floats of them too, where ours does. */
const floats = new Set();
const exact = { flashAttention: false, experimentalKvCacheKeyType: 'F32', experimentalKvCacheValueType: 'F32' };

/** gpt-oss with other experts, in the two tensors of MXFP4: any codes, scales from 2^-7 to 2^-4. */
function mxfp4Experts(files) {
  const tensors = readSafetensors(files['model.safetensors']);
  const bytes = (n, low, count) => Uint8Array.from({ length: n }, (_, i) => low + ((i * 7919 + (i >> 3) * 31) % count));
  for (const [name, { shape: [experts, cols, rows] }] of Object.entries(tensors)) {
    if (!/experts\.(gate_up|down)_proj$/.test(name)) continue;
    delete tensors[name];
    const blocks = experts * rows * (cols / 32);
    tensors[`${name}_blocks`] = { dtype: 'U8', shape: [experts, rows, cols / 32, 16], data: bytes(16 * blocks, 0, 256) };
    tensors[`${name}_scales`] = { dtype: 'U8', shape: [experts, rows, cols / 32], data: bytes(blocks, 120, 4) };
  }
  return { ...files, 'model.safetensors': safetensors(tensors) };
}

/** A folder of Hugging Face converted. */
const convert = (name, files) => withFolder(files, (folder) => floats.add(write(`${name}.gguf`, 'convert', folder)));
const isEncoder = (name) => name.endsWith('bert');
for (const name of huggingFaceNames.filter((n) => !isEncoder(n))) await convert(name, huggingFace(name, new Uint8Array(tinyModel(name))));
await convert('gpt-oss-mxfp4', mxfp4Experts(huggingFace('gpt-oss', new Uint8Array(tinyModel('gpt-oss')))));
const [unigram, words] = ['tokenizers/hf-json/t5-small/tokenizer.json', 'tokenizers/hf-json/bert-vocab.txt'].map((path) => fixture(path, 'converted tokenizers'));
if (unigram) await convert('unigram', filesOf(tinyLlama({ width: 32, ff: 32, vocab: 32100 }), { 'tokenizer.json': readFileSync(unigram) }));
const falcon = fixture('tokenizers/hf-json/falcon/tokenizer.json', 'converted tokenizers');
if (falcon) await convert('falcon-tokenizer', filesOf(tinyLlama({ width: 32, ff: 32, vocab: 65024 }), { 'tokenizer.json': readFileSync(falcon) }));
if (words) await convert('wordpiece', filesOf(tinyLlama({ width: 32, ff: 32, vocab: 30522 }), { 'tokenizer.json': bertJson(words) }));

const pieces = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'once', 'up', '##on', 'a', 'ti', '##me'];
const bert = {
  normalizer: { type: 'BertNormalizer' }, pre_tokenizer: { type: 'BertPreTokenizer' }, post_processor: { type: 'BertProcessing', cls: ['[CLS]', 2], sep: ['[SEP]', 3] },
  added_tokens: pieces.slice(0, 5).map((content, id) => ({ id, content, special: true })),
  model: { type: 'WordPiece', unk_token: '[UNK]', vocab: Object.fromEntries(Array.from({ length: 288 }, (_, id) => [pieces[id] ?? `[unused${id}]`, id])) },
};
for (const name of huggingFaceNames.filter(isEncoder)) await convert(name, { ...huggingFace(name, new Uint8Array(tinyModel(name))), 'tokenizer.json': json(bert) });

const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error' });

/** llama.cpp's tokens of the prompt, and its greedy ids after ours. */
async function theirs(path, ids) {
  const model = await llama.loadModel({ modelPath: path });
  const tokenized = model.tokenize(prompt);
  const context = await model.createContext({ contextSize: 128, threads: 1, ...(floats.has(path) && exact) });
  const out = [];
  for await (const id of context.getSequence().evaluate(ids, { temperature: 0, yieldEogToken: true })) {
    out.push(id);
    if (out.length === tokens) break;
  }
  await context.dispose();
  await model.dispose();
  return { tokenized, out };
}

/** llama.cpp's embedding of the prompt. */
async function theirEmbedding(path) {
  const model = await llama.loadModel({ modelPath: path });
  const context = await model.createEmbeddingContext({ threads: 1 });
  const { vector } = await context.getEmbeddingFor(prompt);
  await model.dispose();
  return vector;
}

async function checkEmbedding(path) {
  const model = await load(path, { threads: 1 });
  const [ours, theirs] = [await model.embed(prompt), await theirEmbedding(path)];
  await model.close();
  const length = Math.hypot(...theirs);
  ours.forEach((v, i) => assert.ok(Math.abs(v - theirs[i] / length) < 1e-3, `${v} and ${theirs[i] / length}`));
}

async function checkText(path) {
  const model = await load(path, { threads: 1, kv: 'f32' }); // halves decide near ties of the shipped q8_0 file otherwise
  const [ids, plain] = [await model.tokenize(prompt), await model.tokenize(prompt, { addSpecial: false })];
  const ours = (await model.generate(ids, { temperature: 0, maxTokens: tokens, ignoreEnd: true })).tokens;
  await model.close();
  assert.deepEqual(await theirs(path, ids), { tokenized: plain, out: ours });
}

let failed = 0;
const files = written.filter((p) => p.endsWith('.gguf'));
for (const path of files) {
  try {
    await (isEncoder(path.replace('.gguf', '')) ? checkEmbedding : checkText)(path);
    console.log(`ok ${path}`);
  } catch (error) {
    failed++;
    console.log(`not ok ${path}: ${error.message}`);
  }
}
console.log(`written files: ${files.length - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
