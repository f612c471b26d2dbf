// Writes GGUF files for tests: the container, and Llama models of any size with seeded random
// weights. The same options give the same bytes. Everything is little-endian, GGUF version 3.

const valueTypes = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 };
const alignment = 32;

/** Weight types by name: id in the file, weights per block, bytes per block. */
export const weightTypes = {
  F32: { id: 0, block: 1, bytes: 4 },
  Q4_0: { id: 2, block: 32, bytes: 18 },
  Q8_0: { id: 8, block: 32, bytes: 34 },
  Q4_K: { id: 12, block: 256, bytes: 144 },
  Q6_K: { id: 14, block: 256, bytes: 210 },
};

/** Bytes that grow. */
class Bytes {
  length = 0;
  #data = Buffer.alloc(1 << 16);

  #room(bytes) {
    if (this.length + bytes > this.#data.length) {
      this.#data = Buffer.concat([this.#data], Math.max(this.#data.length * 2, this.length + bytes));
    }
    const at = this.length;
    this.length += bytes;
    return at;
  }

  u32(value) { const at = this.#room(4); this.#data.writeUInt32LE(value, at); }
  i32(value) { const at = this.#room(4); this.#data.writeInt32LE(value, at); }
  f32(value) { const at = this.#room(4); this.#data.writeFloatLE(value, at); }
  u64(value) { const at = this.#room(8); this.#data.writeBigUInt64LE(BigInt(value), at); }
  bool(value) { const at = this.#room(1); this.#data[at] = value ? 1 : 0; }

  string(value) {
    const text = Buffer.from(value, 'utf8');
    this.u64(text.length);
    const at = this.#room(text.length);
    text.copy(this.#data, at);
  }

  done() { return this.#data.subarray(0, this.length); }
}

/** Builds a file: metadata and tensors in the order they are added. */
export class GgufWriter {
  #meta = new Bytes();
  #entries = 0;
  #tensors = [];

  /** `type`: u32, i32, f32, bool or string; an array of values becomes an array of them. */
  meta(key, type, value) {
    this.#entries++;
    this.#meta.string(key);
    if (Array.isArray(value)) {
      this.#meta.u32(valueTypes.array);
      this.#meta.u32(valueTypes[type]);
      this.#meta.u64(value.length);
      for (const one of value) this.#meta[type](one);
    } else {
      this.#meta.u32(valueTypes[type]);
      this.#meta[type](value);
    }
    return this;
  }

  /** `dims`: row length first, as in the file. `data`: the tensor's bytes. */
  tensor(name, type, dims, data) {
    this.#tensors.push({ name, type, dims, data });
    return this;
  }

  /** The whole file. */
  bytes() {
    const head = new Bytes();
    head.u32(0x46554747);
    head.u32(3);
    head.u64(this.#tensors.length);
    head.u64(this.#entries);
    const infos = new Bytes();
    let offset = 0;
    for (const { name, type, dims, data } of this.#tensors) {
      infos.string(name);
      infos.u32(dims.length);
      for (const dim of dims) infos.u64(dim);
      infos.u32(weightTypes[type].id);
      infos.u64(offset);
      offset += padded(data.length);
    }
    const front = head.length + this.#meta.length + infos.length;
    const file = Buffer.alloc(padded(front) + offset);
    let at = 0;
    for (const part of [head, this.#meta, infos]) at += part.done().copy(file, at);
    at = padded(front);
    for (const { data } of this.#tensors) {
      file.set(data, at);
      at += padded(data.length);
    }
    return file;
  }
}

function padded(bytes) {
  return Math.ceil(bytes / alignment) * alignment;
}

/** xorshift32: next() gives 0 .. 2^32 - 1. */
function randomNumbers(seed) {
  let x = (seed * 2654435761) >>> 0 || 1;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
}

/** The f16 bits of a positive number in its normal range, rounded down. */
function f16Bits(value) {
  const bits = new DataView(new ArrayBuffer(4));
  bits.setFloat32(0, value);
  const f32 = bits.getUint32(0);
  return (((f32 >>> 23) - 112) << 10) | ((f32 >>> 13) & 0x3ff);
}

/** Random weights of a matrix with variance 1 / columns, so that values keep their size. */
function randomMatrix(next, type, columns, rows) {
  const { block, bytes } = weightTypes[type];
  const largest = Math.sqrt(3 / columns);
  const words = new Uint32Array(Math.ceil((columns / block * rows * bytes) / 4));
  for (let i = 0; i < words.length; i++) words[i] = next();
  const data = Buffer.from(words.buffer, 0, columns / block * rows * bytes);
  if (type === 'F32') {
    for (let i = 0; i < columns * rows; i++) data.writeFloatLE(largest * (words[i] / 2 ** 31 - 1), 4 * i);
    return data;
  }
  const scale = f16Bits(largest / (type === 'Q4_0' ? 8 : 128));
  for (let at = 0; at < data.length; at += bytes) data.writeUInt16LE(scale, at);
  return data;
}

function floats(count, value) {
  return Buffer.from(new Float32Array(count).fill(value).buffer);
}

const firstWord = 3 + 256 + 1 + 94;

/** SentencePiece-like: 3 control tokens, 256 bytes, the printable characters, made-up words. */
function vocabulary(size) {
  const consonants = [...'bdfghklmnprstvw'];
  const vowels = [...'aeiou'];
  const syllables = consonants.flatMap((c) => vowels.map((v) => c + v));
  const tokens = ['<unk>', '<s>', '</s>'];
  for (let i = 0; i < 256; i++) tokens.push(`<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`);
  tokens.push('\u2581');
  for (let c = 33; c < 127; c++) tokens.push(String.fromCharCode(c));
  for (let i = 0; tokens.length < size; i++) {
    const pick = (n) => syllables[Math.floor(i / syllables.length ** n) % syllables.length];
    tokens.push(`\u2581${pick(0)}${pick(1)}${i >= syllables.length ** 2 ? pick(2) : ''}`);
  }
  return { tokens, types: tokens.map((_, i) => (i === 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1)) };
}

/**
 * A Llama with seeded random weights: a file for load() whose text means nothing. Its output rows of
 * all tokens but words are zero, so that sampling among the likeliest gives words and no end.
 * `control`: ids and the texts of control tokens to put there, best below firstWord; `metadata`: more
 * entries, key to [type, value].
 * Defaults make about 60 MB in Q8_0.
 */
export function randomLlama({
  type = 'Q8_0', layers = 8, embedding = 768, feedForward = 2048, heads = 12, kvHeads = 4, vocab = 4096,
  context = 1024, seed = 1, name = `random ${type}`, control = {}, metadata = {},
} = {}) {
  const next = randomNumbers(seed);
  const kv = (embedding / heads) * kvHeads;
  const { tokens, types } = vocabulary(vocab);
  for (const [id, text] of Object.entries(control)) {
    tokens[id] = text;
    types[id] = 3;
  }
  const w = new GgufWriter()
    .meta('general.architecture', 'string', 'llama')
    .meta('general.name', 'string', name)
    .meta('llama.block_count', 'u32', layers)
    .meta('llama.context_length', 'u32', context)
    .meta('llama.embedding_length', 'u32', embedding)
    .meta('llama.feed_forward_length', 'u32', feedForward)
    .meta('llama.attention.head_count', 'u32', heads)
    .meta('llama.attention.head_count_kv', 'u32', kvHeads)
    .meta('llama.attention.layer_norm_rms_epsilon', 'f32', 1e-5)
    .meta('llama.rope.dimension_count', 'u32', embedding / heads)
    .meta('tokenizer.ggml.model', 'string', 'llama')
    .meta('tokenizer.ggml.tokens', 'string', tokens)
    .meta('tokenizer.ggml.scores', 'f32', tokens.map((_, i) => -i))
    .meta('tokenizer.ggml.token_type', 'i32', types)
    .meta('tokenizer.ggml.bos_token_id', 'u32', 1)
    .meta('tokenizer.ggml.eos_token_id', 'u32', 2);
  for (const [key, [valueType, value]] of Object.entries(metadata)) w.meta(key, valueType, value);
  const matrix = (tensor, columns, rows) => w.tensor(tensor, type, [columns, rows], randomMatrix(next, type, columns, rows));
  const norm = (tensor) => w.tensor(tensor, 'F32', [embedding], floats(embedding, 1));
  matrix('token_embd.weight', embedding, vocab);
  norm('output_norm.weight');
  const output = randomMatrix(next, type, embedding, vocab);
  const rowBytes = output.length / vocab;
  for (let at = 0; at < firstWord * rowBytes; at += weightTypes[type].bytes) output.fill(0, at, at + (type === 'F32' ? 4 : 2));
  w.tensor('output.weight', type, [embedding, vocab], output);
  for (let i = 0; i < layers; i++) {
    norm(`blk.${i}.attn_norm.weight`);
    matrix(`blk.${i}.attn_q.weight`, embedding, embedding);
    matrix(`blk.${i}.attn_k.weight`, embedding, kv);
    matrix(`blk.${i}.attn_v.weight`, embedding, kv);
    matrix(`blk.${i}.attn_output.weight`, embedding, embedding);
    norm(`blk.${i}.ffn_norm.weight`);
    matrix(`blk.${i}.ffn_gate.weight`, embedding, feedForward);
    matrix(`blk.${i}.ffn_up.weight`, embedding, feedForward);
    matrix(`blk.${i}.ffn_down.weight`, feedForward, embedding);
  }
  return w.bytes();
}
