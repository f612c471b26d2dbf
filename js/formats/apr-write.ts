/** Writes .apr files of version 2. Tensors stand sorted by name, each at a multiple of 64 bytes. */
import { RealizarError } from '../errors.js';
import { compareBytes } from './apr.js';
import { ByteWriter, crc32 } from './bytes.js';
import { metaArray, type MetaEntry, metaNumber, metaText, type ModelHeader, type TensorInfo } from './header.js';
import { typeOfName } from './weight-types.js';

export interface AprTensor {
  name: string;
  /** The dtype byte: ids of GGUF, with 128 and 129 for .apr's own types. */
  dtype: number;
  /** Row length last. */
  shape: number[];
  bytes: number;
  read(): AsyncIterable<Uint8Array>;
}

const headerBytes = 64;
const rowMajor = 0x400;

function padding(length: number): Uint8Array {
  return new Uint8Array((64 - length % 64) % 64);
}

function writeIndex(tensors: { tensor: AprTensor; name: Uint8Array }[]): Uint8Array {
  const w = new ByteWriter();
  let offset = 0;
  for (const { tensor, name } of tensors) {
    w.u16(name.length);
    w.bytes(name);
    w.u8(tensor.dtype);
    w.u8(tensor.shape.length);
    tensor.shape.forEach((d) => w.u64(d));
    w.u64(offset);
    w.u64(tensor.bytes);
    offset += tensor.bytes + padding(tensor.bytes).length;
  }
  return w.done();
}

function writeHeader(count: number, metaBytes: number, indexBytes: number): Uint8Array {
  const indexAt = headerBytes + metaBytes + padding(metaBytes).length;
  const w = new ByteWriter();
  w.bytes(new TextEncoder().encode('APR\0'));
  w.u8(2);
  w.u8(0);
  w.u16(rowMajor);
  w.u32(count);
  w.u64(headerBytes);
  w.u32(metaBytes);
  w.u64(indexAt);
  w.u64(indexAt + indexBytes + padding(indexBytes).length);
  w.u32(crc32(new Uint8Array(20), crc32(w.done())));
  w.align(headerBytes);
  return w.done();
}

async function* plainBytes(metadata: Record<string, unknown>, tensors: AprTensor[]): AsyncGenerator<Uint8Array, void, void> {
  const named = tensors.map((tensor) => ({ tensor, name: new TextEncoder().encode(tensor.name) }))
    .sort((a, b) => compareBytes(a.name, b.name));
  const meta = new TextEncoder().encode(JSON.stringify(metadata));
  const index = writeIndex(named);
  yield writeHeader(tensors.length, meta.length, index.length);
  yield meta;
  yield padding(meta.length);
  yield index;
  yield padding(index.length);
  for (const { tensor } of named) {
    yield* tensor.read();
    yield padding(tensor.bytes);
  }
}

/** The whole file, with its checksum at the end. */
export async function* aprV2Bytes(metadata: Record<string, unknown>, tensors: AprTensor[]): AsyncGenerator<Uint8Array, void, void> {
  let crc = 0;
  for await (const piece of plainBytes(metadata, tensors)) {
    crc = crc32(piece, crc);
    yield piece;
  }
  const end = new ByteWriter();
  end.u32(crc);
  yield end.done();
}

/** Entries that have a key of their own in .apr files. */
const ownKeys: Record<string, string> = {
  'tokenizer.ggml.tokens': 'tokenizer.vocabulary', 'tokenizer.ggml.merges': 'tokenizer.merges', 'tokenizer.ggml.scores': 'tokenizer.scores',
  'tokenizer.ggml.token_type': 'tokenizer.token_types', 'tokenizer.chat_template': 'chat_template',
};

function checkJson(key: string, value: unknown): void {
  const fits = Array.isArray(value) ? value.every((v) => typeof v !== 'number' || Number.isFinite(v)) : typeof value !== 'number' || Number.isFinite(value);
  if (!fits) throw new RealizarError('UNSUPPORTED', `the metadata '${key}' hold a number that JSON cannot hold`);
}

/** Every other entry as it was: {key: [type, value, elementType?]}. */
function keep(metadata: Map<string, MetaEntry>): Record<string, unknown[]> {
  const kept: Record<string, unknown[]> = {};
  for (const [key, { type, value, elementType }] of metadata) {
    checkJson(key, value);
    if (!ownKeys[key]) kept[key] = elementType === undefined ? [type, value] : [type, value, elementType];
  }
  return kept;
}

/** The metadata of an .apr file for a model that stood in a GGUF file. */
export function aprMetadata(model: ModelHeader): Record<string, unknown> {
  const m = model.metadata;
  const arch = metaText(m, 'general.architecture') ?? '';
  const number = (suffix: string) => metaNumber(m, `${arch}.${suffix}`);
  const own: Record<string, unknown> = {
    model_type: 'transformer_lm', architecture: arch, name: metaText(m, 'general.name'), original_format: 'gguf',
    hidden_size: number('embedding_length'), num_layers: number('block_count'), num_heads: number('attention.head_count'),
    num_kv_heads: number('attention.head_count_kv'), intermediate_size: number('feed_forward_length'),
    max_position_embeddings: number('context_length'), vocab_size: metaArray(m, 'tokenizer.ggml.tokens')?.length ?? number('vocab_size'),
    rope_theta: number('rope.freq_base'), rope_type: ['llama', 'granite', 'smollm3'].includes(arch) ? 0 : 2,
    rms_norm_eps: number('attention.layer_norm_rms_epsilon'), head_dim: number('attention.key_length'),
    'tokenizer.bos_token_id': metaNumber(m, 'tokenizer.ggml.bos_token_id'), 'tokenizer.eos_token_id': metaNumber(m, 'tokenizer.ggml.eos_token_id'),
    param_count: model.tensors.reduce((n, t) => n + t.dims.reduce((a, b) => a * b, 1), 0),
  };
  for (const [key, name] of Object.entries(ownKeys)) own[name] = m.get(key)?.value;
  return { ...own, gguf: keep(m) };
}

export function aprTensor(t: TensorInfo, read: (t: TensorInfo) => AsyncIterable<Uint8Array>): AprTensor {
  return { name: t.name, dtype: typeOfName(t.type)!.id, shape: t.dims.slice().reverse(), bytes: t.bytes, read: () => read(t) };
}
