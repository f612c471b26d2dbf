/** What a model file is, from its header alone. The bytes decide, never the name. */
import { detectFormat } from '../chat/formats.js';
import { RealizarError } from '../errors.js';
import { aprKind, readApr } from './apr.js';
import { isLanguageModel, planAprModel } from './apr-model.js';
import { parseAprV1 } from './apr-v1.js';
import { type FileReader, readExactly } from './bytes.js';
import { readGguf } from './gguf.js';
import { type MetaEntry, metaArray, metaNumber, metaText, metaType, type TensorInfo } from './header.js';
import { numberAt, sizeKeys } from './hf-config.js';
import { isLlama2c, readLlama2c } from './llama2c.js';
import { isSafetensors, readSafetensors } from './safetensors.js';

export interface TypeTotal {
  type: string;
  tensors: number;
  weights: number;
  bytes: number;
}

export interface FileSummary {
  /** "GGUF v3", "safetensors", "APR v1", "APR v2", "APR1", "llama2.c legacy", "llama2.c v1". */
  format: string;
  /** "llama", or the kind of a predictor; "" where the file does not say. */
  architecture: string;
  name: string;
  parameters: number;
  /** Of the file, where known, and of its tensors. */
  fileBytes: number | null;
  tensorBytes: number;
  types: TypeTotal[];
  /** Kind and number of tokens; null: the file has none. */
  tokenizer: { model: string; pre: string | null; tokens: number } | null;
  chatTemplate: boolean;
  /** `template`, the name of a known chat format, or null: made to continue texts. */
  chatFormat: string | null;
  /** Sizes of a language model; null where the file does not say. */
  shape: ModelShape | null;
  /** What the engine needs for a context of that many tokens, about; null: not known. */
  memory: { context: number; weightBytes: number; sessionBytes: number; totalBytes: number } | null;
  metadata: Record<string, unknown>;
  tensors: TensorInfo[];
}

export interface ModelShape {
  contextLength: number;
  layers: number;
  embeddingLength: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  feedForwardLength: number;
  vocabSize: number;
}

const headBytes = 256;
/** K types of 4 and 5 bits are packed a little wider than in the file. */
const packedWider = 148 / 144;
/** Bytes of the tables of a vocabulary, per token. */
const bytesPerToken = 24;
/** Tokens of a prompt that are computed together. */
const chunk = 128;

function countTypes(tensors: TensorInfo[]): TypeTotal[] {
  const totals = new Map<string, TypeTotal>();
  for (const { type, dims, bytes } of tensors) {
    const total = totals.get(type) ?? { type, tensors: 0, weights: 0, bytes: 0 };
    total.tensors++;
    total.weights += dims.reduce((a, b) => a * b, 1);
    total.bytes += bytes;
    totals.set(type, total);
  }
  return [...totals.values()].sort((a, b) => b.bytes - a.bytes);
}

function shapeOf(m: Map<string, MetaEntry>): ModelShape | null {
  const arch = metaText(m, 'general.architecture');
  const number = (suffix: string) => metaNumber(m, `${arch}.${suffix}`);
  const layers = number('block_count');
  const embeddingLength = number('embedding_length');
  const heads = number('attention.head_count');
  if (layers === undefined || embeddingLength === undefined || heads === undefined) return null;
  return {
    contextLength: number('context_length') ?? 0, layers, embeddingLength, heads,
    kvHeads: number('attention.head_count_kv') ?? heads,
    headDim: number('attention.key_length') ?? embeddingLength / heads,
    feedForwardLength: number('feed_forward_length') ?? 0,
    vocabSize: metaArray(m, 'tokenizer.ggml.tokens')?.length ?? number('vocab_size') ?? 0,
  };
}

/** The KV cache in f16, activations of a step natively, logits. Within some percent of rz_session_bytes. */
function sessionBytes(s: ModelShape, context: number): number {
  const kv = 2 * s.layers * context * s.kvHeads * s.headDim;
  const perToken = 6 * s.embeddingLength + 6 * s.heads * s.headDim + 2 * s.kvHeads * s.headDim + 2 * s.feedForwardLength
    + 2 * Math.max(s.embeddingLength, s.feedForwardLength);
  return 4 * (kv / 2 + Math.min(chunk, context) * perToken + 3 * s.vocabSize + context);
}

function memoryFor(s: ModelShape | null, types: TypeTotal[], wanted?: number): FileSummary['memory'] {
  const context = wanted ?? s?.contextLength;
  if (!s || !context) return null;
  const tensors = types.reduce((sum, t) => sum + t.bytes * (t.type === 'Q4_K' || t.type === 'Q5_K' ? packedWider : 1), 0);
  const weightBytes = Math.round(tensors + bytesPerToken * s.vocabSize);
  const session = sessionBytes(s, context);
  return { context, weightBytes, sessionBytes: session, totalBytes: weightBytes + session };
}

/** Metadata to print: long lists become their lengths. */
function printable(metadata: Iterable<[string, unknown]>): Record<string, unknown> {
  const shown = (v: unknown) => (Array.isArray(v) && v.length > 32 ? { array: typeof v[0], length: v.length } : v);
  return Object.fromEntries([...metadata].map(([key, value]) => [key, shown(value)]));
}

async function chatFormatOf(m: Map<string, MetaEntry>): Promise<string | null> {
  if (m.has('tokenizer.chat_template')) return 'template';
  const tokens = new Set(metaArray(m, 'tokenizer.ggml.tokens'));
  const names = ['general.name', 'general.basename', 'general.finetune'].map((key) => metaText(m, key) ?? '');
  return tokens.size ? detectFormat(async (token) => tokens.has(token), names.join(' ')) : null;
}

async function summarize(format: string, metadata: Map<string, MetaEntry>, tensors: TensorInfo[], fileBytes?: number, context?: number): Promise<FileSummary> {
  const types = countTypes(tensors);
  const shape = shapeOf(metadata);
  const tokens = metaArray(metadata, 'tokenizer.ggml.tokens');
  return {
    format,
    architecture: metaText(metadata, 'general.architecture') ?? '',
    name: metaText(metadata, 'general.name') ?? '',
    parameters: types.reduce((n, t) => n + t.weights, 0),
    fileBytes: fileBytes ?? null,
    tensorBytes: types.reduce((n, t) => n + t.bytes, 0),
    types,
    tokenizer: tokens ? { model: metaText(metadata, 'tokenizer.ggml.model') ?? '', pre: metaText(metadata, 'tokenizer.ggml.pre') ?? null, tokens: tokens.length } : null,
    chatTemplate: metadata.has('tokenizer.chat_template'),
    chatFormat: await chatFormatOf(metadata),
    shape,
    memory: memoryFor(shape, types, context),
    metadata: printable([...metadata].map(([key, e]) => [key, e.value])),
    tensors,
  };
}

async function inspectV1(file: FileReader): Promise<FileSummary> {
  let bytes = await file.read(0, headBytes);
  if (bytes.length >= 12) bytes = await file.read(0, 32 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(8, true));
  const h = parseAprV1(bytes);
  const metadata = (h.metadata ?? {}) as Record<string, unknown>;
  return {
    ...(await summarize(`APR v1`, new Map(), [], file.size)),
    architecture: h.typeName,
    name: String(metadata.model_name ?? ''),
    metadata: { version: h.version, compression: h.compression, encrypted: h.encrypted, payload_bytes: h.payloadBytes, ...metadata },
  };
}

async function inspectApr(file: FileReader, head: Uint8Array, context?: number): Promise<FileSummary> {
  if (aprKind(head) === 'v1') return inspectV1(file);
  const container = await readApr(file);
  const { format, metadata, tensors } = container;
  const translated = isLanguageModel(tensors) ? planAprModel(container).metadata : new Map<string, MetaEntry>();
  const own = await summarize(format, translated, tensors, file.size, context);
  const { gguf, ...rest } = metadata;
  return {
    ...own,
    architecture: own.architecture || String(metadata.architecture ?? metadata.model_type ?? ''),
    name: own.name || String(metadata.name ?? ''),
    metadata: printable(Object.entries(rest)),
  };
}

/** Settings of config.json as far as a summary shows them. */
function fromConfig(config: Record<string, unknown>): Map<string, MetaEntry> {
  const arch = String(config.model_type ?? '');
  const m = new Map<string, MetaEntry>([['general.architecture', { type: metaType.string, value: arch }]]);
  const keys: Record<string, string[]> = {
    block_count: sizeKeys.layers, embedding_length: sizeKeys.embd, 'attention.head_count': sizeKeys.heads, 'attention.head_count_kv': sizeKeys.kvHeads,
    'attention.key_length': sizeKeys.headDim, feed_forward_length: sizeKeys.ff, context_length: sizeKeys.context, vocab_size: sizeKeys.vocab,
  };
  for (const [key, names] of Object.entries(keys)) {
    const value = numberAt(config, ...names);
    if (value !== undefined) m.set(`${arch}.${key}`, { type: metaType.u32, value });
  }
  return m;
}

export interface InspectOptions {
  /** Tokens of context that the memory is reckoned for. Default: what the model was trained for. */
  context?: number;
  /** config.json beside a safetensors file. */
  config?: Record<string, unknown>;
}

export async function inspect(file: FileReader, { context, config }: InspectOptions = {}): Promise<FileSummary> {
  const head = await file.read(0, headBytes);
  const magic = String.fromCharCode(...head.subarray(0, 4));
  if (head.length === 0) throw new RealizarError('TRUNCATED', 'the file is empty');
  if (magic === 'GGUF') {
    const { format, metadata, tensors } = await readGguf(file);
    return summarize(format, metadata, tensors, file.size, context);
  }
  if (magic.startsWith('APR')) return inspectApr(file, head, context);
  if (isSafetensors(head)) {
    const { tensors, metadata } = await readSafetensors(file);
    const summary = await summarize('safetensors', config ? fromConfig(config) : new Map(), tensors, file.size, context);
    return { ...summary, metadata: { ...metadata, ...config } };
  }
  if (isLlama2c(head, file.size)) {
    const { format, metadata, tensors } = readLlama2c(await readExactly(file, 0, Math.min(headBytes, head.length), 'llama2.c'));
    return summarize(format, metadata, tensors, file.size, context);
  }
  const bytes = [...head.subarray(0, 4)].map((b) => b.toString(16)).join(' ');
  throw new RealizarError('FORMAT', `the file starts with bytes ${bytes}: it is none of GGUF, safetensors, .apr and llama2.c`);
}
