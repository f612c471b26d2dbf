// Writes GGUF files of the shapes of published models, with seeded made-up weights and a vocabulary
// of letters and fillers, into bench/.models. The same arguments give the same bytes.
//
//   node bench/make-model.mjs smollm2-135m Q4_0
import { closeSync, existsSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GgufWriter, weightTypes } from '../tests/js/gguf.mjs';
import { shapes, weightType } from './shapes.mjs';

const folder = join(dirname(fileURLToPath(import.meta.url)), '.models');

/** Half-precision bits of a small positive number. */
function half(x) {
  const exponent = Math.max(Math.floor(Math.log2(x)), -14);
  return ((exponent + 15) << 10) + Math.round((x / 2 ** exponent - 1) * 1024);
}

/** Where a block's scales are and what gives weights of mean 0 and deviation of about 0.02. */
const scales = {
  Q4_0: [[0, half(0.02 / 4.6)]],
  Q8_0: [[0, half(0.02 / 74)]],
  Q4_K: [[0, half(0.02 / 180)], [2, half(0.02 / 24)]],
  Q6_K: [[208, half(2 ** -14)]],
};

/** Xorshift, Marsaglia (2003). */
function randomBytes(bytes, seed) {
  const words = new Uint32Array(Math.ceil(bytes / 4));
  let x = seed;
  for (let i = 0; i < words.length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    words[i] = x;
  }
  return Buffer.from(words.buffer, 0, bytes);
}

/** Blocks of random weights; tensors take their bytes from it, over and over. */
const patterns = new Map();
function pattern(type) {
  if (!patterns.has(type)) {
    const { bytes } = weightTypes[type];
    const data = randomBytes(bytes * 8192, 88172645);
    for (let at = 0; at < data.length; at += bytes) {
      for (const [offset, bits] of scales[type]) data.writeUInt16LE(bits, at + offset);
      /* small scales of 16 weights, and of both signs */
      if (type === 'Q6_K') for (let i = 192; i < 208; i++) data[at + i] = (data[at + i] & 31) - 16;
    }
    patterns.set(type, data);
  }
  return patterns.get(type);
}

function weights(type, rows, cols) {
  const { block, bytes } = weightTypes[type];
  const from = pattern(type), data = Buffer.alloc((rows * cols / block) * bytes);
  for (let at = 0; at < data.length; at += from.length) from.copy(data, at, 0, Math.min(from.length, data.length - at));
  return data;
}

function ones(n) {
  return Buffer.from(new Float32Array(n).fill(1).buffer);
}

/** Three control tokens, the bytes, letters that text is made of, fillers that no text reaches. */
function addVocabulary(file, size) {
  const tokens = ['<unk>', '<s>', '</s>'], kinds = [2, 3, 3];
  for (let i = 0; i < 256; i++) {
    tokens.push(`<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`);
    kinds.push(6);
  }
  for (const letter of '\u2581abcdefghijklmnopqrstuvwxyz') {
    tokens.push(letter);
    kinds.push(1);
  }
  while (tokens.length < size) {
    tokens.push(`[${tokens.length}]`);
    kinds.push(1);
  }
  file.meta('tokenizer.ggml.model', 'string', 'llama');
  file.meta('tokenizer.ggml.tokens', 'string', tokens);
  file.meta('tokenizer.ggml.scores', 'f32', tokens.map((_, i) => -i));
  file.meta('tokenizer.ggml.token_type', 'i32', kinds);
  file.meta('tokenizer.ggml.bos_token_id', 'u32', 1);
  file.meta('tokenizer.ggml.eos_token_id', 'u32', 2);
}

function addMetadata(file, name, mix, shape) {
  file.meta('general.architecture', 'string', 'llama');
  file.meta('general.name', 'string', `${name} shape, made-up weights`);
  file.meta('general.file_type', 'u32', { Q4_0: 2, Q8_0: 7, Q4_K_M: 15 }[mix]);
  file.meta('llama.context_length', 'u32', shape.context);
  file.meta('llama.embedding_length', 'u32', shape.dim);
  file.meta('llama.block_count', 'u32', shape.layers);
  file.meta('llama.feed_forward_length', 'u32', shape.ffn);
  file.meta('llama.attention.head_count', 'u32', shape.heads);
  file.meta('llama.attention.head_count_kv', 'u32', shape.kvHeads);
  file.meta('llama.attention.layer_norm_rms_epsilon', 'f32', 1e-5);
  file.meta('llama.rope.dimension_count', 'u32', shape.dim / shape.heads);
  file.meta('llama.rope.freq_base', 'f32', shape.ropeBase);
}

function addTensors(file, mix, shape) {
  const kvDim = (shape.dim / shape.heads) * shape.kvHeads;
  const matrix = (name, rows, cols, layer = 0) => {
    const type = weightType(mix, name, layer, shape);
    file.tensor(name, type, [cols, rows], weights(type, rows, cols));
  };
  const norm = (name) => file.tensor(name, 'F32', [shape.dim], ones(shape.dim));
  matrix('token_embd.weight', shape.vocabulary, shape.dim);
  norm('output_norm.weight');
  if (!shape.tied) matrix('output.weight', shape.vocabulary, shape.dim);
  for (let i = 0; i < shape.layers; i++) {
    norm(`blk.${i}.attn_norm.weight`);
    norm(`blk.${i}.ffn_norm.weight`);
    matrix(`blk.${i}.attn_q.weight`, shape.dim, shape.dim, i);
    matrix(`blk.${i}.attn_k.weight`, kvDim, shape.dim, i);
    matrix(`blk.${i}.attn_v.weight`, kvDim, shape.dim, i);
    matrix(`blk.${i}.attn_output.weight`, shape.dim, shape.dim, i);
    matrix(`blk.${i}.ffn_gate.weight`, shape.ffn, shape.dim, i);
    matrix(`blk.${i}.ffn_up.weight`, shape.ffn, shape.dim, i);
    matrix(`blk.${i}.ffn_down.weight`, shape.dim, shape.ffn, i);
  }
}

/** Path of the file, which is made when it is not there. */
export function makeModel(name, mix) {
  const path = join(folder, `${name}-${mix.toLowerCase()}.gguf`);
  if (existsSync(path)) return path;
  const shape = shapes[name];
  if (!shape) throw new Error(`unknown shape ${name}: one of ${Object.keys(shapes).join(', ')}`);
  const file = new GgufWriter();
  addMetadata(file, name, mix, shape);
  addVocabulary(file, shape.vocabulary);
  addTensors(file, mix, shape);
  mkdirSync(folder, { recursive: true });
  const out = openSync(`${path}.new`, 'w');
  writeSync(out, file.bytes());
  closeSync(out);
  renameSync(`${path}.new`, path);
  return path;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(`${makeModel(process.argv[2], process.argv[3])}\n`);
}
