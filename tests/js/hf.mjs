// Small Hugging Face models made in memory: safetensors files, configurations, a folder on disk.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A safetensors file: tensors by name as { dtype, shape, data }, in the order given. */
export function safetensors(tensors, { metadata } = {}) {
  const header = metadata ? { __metadata__: metadata } : {};
  const blobs = [];
  let at = 0;
  for (const [name, { dtype = 'F32', shape, data }] of Object.entries(tensors)) {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.length] };
    blobs.push(bytes);
    at += bytes.length;
  }
  return safetensorsOf(JSON.stringify(header), Buffer.concat(blobs));
}

/** The same from a header as text and the data behind it. */
export function safetensorsOf(header, data = Buffer.alloc(0)) {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
  return new Uint8Array(Buffer.concat([length, Buffer.from(header), data]));
}

/** Reads a safetensors file into the form that safetensors() takes. */
export function readSafetensors(bytes) {
  const length = Number(Buffer.from(bytes.buffer, bytes.byteOffset).readBigUInt64LE());
  const header = JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString());
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const data = bytes.slice(8 + length + from, 8 + length + to);
    tensors[name] = { dtype, shape, data: dtype === 'F32' ? new Float32Array(data.buffer) : data };
  }
  return tensors;
}

/** Repeatable numbers around 0. */
export function numbers(n, seed, scale = 0.5) {
  let state = seed >>> 0 || 1;
  return Float32Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * 2 * scale;
  });
}

export const json = (value) => new TextEncoder().encode(JSON.stringify(value));

/** Configuration and tensors of a small Llama; `width` is a whole number of blocks where it is quantised. */
export function tinyLlama({ width = 8, ff = 12, vocab = 12, layers = 1, heads = 2 } = {}) {
  const config = {
    architectures: ['LlamaForCausalLM'], model_type: 'llama', hidden_size: width, intermediate_size: ff, num_hidden_layers: layers,
    num_attention_heads: heads, num_key_value_heads: 1, vocab_size: vocab, max_position_embeddings: 32, rms_norm_eps: 1e-5,
    tie_word_embeddings: false,
  };
  const tensors = {};
  let seed = 1;
  const add = (name, ...shape) => {
    tensors[name] = { shape, data: numbers(shape.reduce((a, b) => a * b), seed++, 1 / Math.sqrt(shape.at(-1))) };
  };
  const norm = (name) => (tensors[name] = { shape: [width], data: new Float32Array(width).fill(1) });
  const kv = width / heads;
  add('model.embed_tokens.weight', vocab, width);
  for (let l = 0; l < layers; l++) {
    const at = `model.layers.${l}.`;
    norm(`${at}input_layernorm.weight`);
    add(`${at}self_attn.q_proj.weight`, width, width);
    add(`${at}self_attn.k_proj.weight`, kv, width);
    add(`${at}self_attn.v_proj.weight`, kv, width);
    add(`${at}self_attn.o_proj.weight`, width, width);
    norm(`${at}post_attention_layernorm.weight`);
    add(`${at}mlp.gate_proj.weight`, ff, width);
    add(`${at}mlp.up_proj.weight`, ff, width);
    add(`${at}mlp.down_proj.weight`, width, ff);
  }
  norm('model.norm.weight');
  add('lm_head.weight', vocab, width);
  return { config, tensors };
}

/** Files of a map as load() takes it. */
export function filesOf({ config, tensors }, more = {}) {
  return { 'config.json': json(config), 'model.safetensors': safetensors(tensors), ...more };
}

/** Runs `use` with a folder that holds these files. */
export async function withFolder(files, use) {
  const folder = mkdtempSync(join(tmpdir(), 'realizar-hf-'));
  try {
    for (const [name, bytes] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), bytes);
    }
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
