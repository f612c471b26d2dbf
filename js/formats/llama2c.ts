/**
 * llama2.c's files in GGUF's terms: the legacy layout (no magic: the sizes must fit the length of the
 * file), version 1 ("ak42") and the tokenizer's file. Source: karpathy/llama2.c, export.py, tokenizer.py.
 */
import { RealizarError } from '../errors.js';
import { Cursor } from './bytes.js';
import { arrayEntry, entry, type MetaEntry, type ModelHeader, type TensorInfo } from './header.js';

const magic = 0x616b3432;
const v1HeaderBytes = 256;
const legacyHeaderBytes = 28;

interface Sizes {
  dim: number;
  hidden: number;
  layers: number;
  heads: number;
  kvHeads: number;
  vocab: number;
  context: number;
  /** Whether the embeddings are the output matrix as well. */
  shared: boolean;
}

function readSizes(c: Cursor): Sizes {
  const [dim, hidden, layers, heads, kvHeads, vocab, context] = Array.from({ length: 7 }, c.i32) as [number, number, number, number, number, number, number];
  return { dim, hidden, layers, heads, kvHeads, vocab: Math.abs(vocab), context, shared: vocab > 0 };
}

function plausible(s: Sizes): boolean {
  const whole = (n: number, most: number) => n >= 1 && n <= most;
  return whole(s.dim, 1 << 16) && whole(s.hidden, 1 << 18) && whole(s.layers, 512) && whole(s.heads, 1024) && whole(s.kvHeads, s.heads)
    && whole(s.vocab, 1 << 22) && whole(s.context, 1 << 20) && s.dim % s.heads === 0 && s.heads % s.kvHeads === 0;
}

/** One kind of tensor: a matrix (or a vector) per layer, all layers in a row. */
type Run = [name: string, cols: number, rows: number];

function layout(s: Sizes, legacy: boolean): { runs: Run[]; skipAfterNorm: number } {
  const kv = (s.dim / s.heads) * s.kvHeads;
  const embeddings: Run = ['token_embd', s.dim, s.vocab];
  const attention: Run[] = [['blk.attn_q', s.dim, s.dim], ['blk.attn_k', s.dim, kv], ['blk.attn_v', s.dim, kv], ['blk.attn_output', s.dim, s.dim]];
  const ffn: Run[] = [['blk.ffn_gate', s.dim, s.hidden], ['blk.ffn_down', s.hidden, s.dim], ['blk.ffn_up', s.dim, s.hidden]];
  const output: Run[] = s.shared ? [] : [['output', s.dim, s.vocab]];
  const attnNorm: Run = ['blk.attn_norm', s.dim, 1];
  const ffnNorm: Run = ['blk.ffn_norm', s.dim, 1];
  const norm: Run = ['output_norm', s.dim, 1];
  return legacy
    ? { runs: [embeddings, attnNorm, ...attention, ffnNorm, ...ffn, norm, ...output], skipAfterNorm: 4 * s.context * (s.dim / s.heads) }
    : { runs: [attnNorm, ffnNorm, norm, embeddings, ...attention, ...ffn, ...output], skipAfterNorm: 0 };
}

/** All tensors in file order, and where the last one ends. */
function listTensors(s: Sizes, start: number, legacy: boolean): { tensors: TensorInfo[]; end: number } {
  const { runs, skipAfterNorm } = layout(s, legacy);
  const tensors: TensorInfo[] = [];
  let at = start;
  for (const [name, cols, rows] of runs) {
    const copies = name.startsWith('blk.') ? s.layers : 1;
    for (let i = 0; i < copies; i++) {
      const bytes = 4 * cols * rows;
      const dims = rows === 1 && name.endsWith('norm') ? [cols] : [cols, rows];
      tensors.push({ name: `${name.replace('blk.', `blk.${i}.`)}.weight`, type: 'F32', dims, offset: at, bytes });
      at += bytes;
    }
    if (name === 'output_norm') at += skipAfterNorm; // tables of sines and cosines
  }
  return { tensors, end: at };
}

function describe(s: Sizes): Map<string, MetaEntry> {
  return new Map([
    ['general.architecture', entry('string', 'llama')],
    ['llama.context_length', entry('u32', s.context)],
    ['llama.embedding_length', entry('u32', s.dim)],
    ['llama.feed_forward_length', entry('u32', s.hidden)],
    ['llama.block_count', entry('u32', s.layers)],
    ['llama.attention.head_count', entry('u32', s.heads)],
    ['llama.attention.head_count_kv', entry('u32', s.kvHeads)],
    ['llama.attention.layer_norm_rms_epsilon', entry('f32', 1e-5)],
    ['llama.rope.dimension_count', entry('u32', s.dim / s.heads)],
    ['llama.vocab_size', entry('u32', s.vocab)],
  ]);
}

/** Whether these are the first bytes of such a file. Legacy files need their size to be told. */
export function isLlama2c(head: Uint8Array, size?: number): boolean {
  if (head.length < legacyHeaderBytes) return false;
  const c = new Cursor(head, 'llama2.c');
  if (c.u32() === magic) return true;
  c.at = 0;
  const s = readSizes(c);
  return size !== undefined && plausible(s) && listTensors(s, legacyHeaderBytes, true).end === size;
}

export function readLlama2c(head: Uint8Array): ModelHeader {
  const c = new Cursor(head, 'llama2.c');
  const legacy = c.u32() !== magic;
  if (legacy) c.at = 0;
  const version = legacy ? 0 : c.i32();
  if (version > 1) throw new RealizarError('UNSUPPORTED', `llama2.c: files of version ${version} are not supported, only legacy ones and version 1`);
  const s = readSizes(c);
  if (!legacy) {
    s.shared = c.u8() !== 0;
  }
  if (!plausible(s)) throw new RealizarError('FORMAT', 'llama2.c: the sizes in the header are not possible');
  const { tensors } = listTensors(s, legacy ? legacyHeaderBytes : v1HeaderBytes, legacy);
  return { format: legacy ? 'llama2.c legacy' : 'llama2.c v1', metadata: describe(s), tensors };
}

/** The entries of a tokenizer's file, for a vocabulary of that size. */
export function readLlama2cTokenizer(file: Uint8Array, vocab: number): [string, MetaEntry][] {
  const c = new Cursor(file, 'the tokenizer of llama2.c');
  c.u32(); // length of the longest token
  const tokens: string[] = [];
  const scores: number[] = [];
  const types: number[] = [];
  for (let id = 0; id < vocab; id++) {
    scores.push(c.f32());
    const text = c.text(c.u32());
    const isByte = /^<0x[0-9A-F]{2}>$/.test(text);
    tokens.push(id < 3 ? ['<unk>', '<s>', '</s>'][id]! : text.replaceAll(' ', '\u2581'));
    types.push(id === 0 ? 2 : id < 3 ? 3 : isByte ? 6 : 1);
  }
  if (c.left) throw new RealizarError('FORMAT', `the tokenizer has more than the model's ${vocab} tokens`);
  return [
    ['tokenizer.ggml.model', entry('string', 'llama')],
    ['tokenizer.ggml.tokens', arrayEntry('string', tokens)],
    ['tokenizer.ggml.scores', arrayEntry('f32', scores)],
    ['tokenizer.ggml.token_type', arrayEntry('i32', types)],
    ['tokenizer.ggml.bos_token_id', entry('u32', 1)],
    ['tokenizer.ggml.eos_token_id', entry('u32', 2)],
    ['tokenizer.ggml.unknown_token_id', entry('u32', 0)],
  ];
}
