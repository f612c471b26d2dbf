/** Seeded models of any size, as files that load() reads: the same every time. */
import { aprV2Bytes } from '../../formats/apr-write.js';
import { type NewTensor, writeGgufHeader } from '../../formats/gguf.js';
import { entry } from '../../formats/header.js';
import { tensorBytes, typeOfName } from '../../formats/weight-types.js';

/** Xorshift, Marsaglia (2003): whole numbers below 2^32. */
export function randomNumbers(seed: number): () => number {
  let x = seed;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
}

/** Floats between -largest and largest. */
export function randomFloats(count: number, largest: number, next: () => number): Float32Array {
  return Float32Array.from({ length: count }, () => largest * (next() / 2 ** 31 - 1));
}

/** A layer without bias in an .apr file: what it predicts are `weights.length / inputs` dot products. */
export async function layerFile(weights: Float32Array, inputs: number): Promise<Blob> {
  const bytes = new Uint8Array(weights.buffer as ArrayBuffer);
  const tensor = { name: 'weight', dtype: 0, shape: [weights.length / inputs, inputs], bytes: bytes.length, async *read() { yield bytes; } };
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of aprV2Bytes({}, [tensor])) pieces.push(piece as Uint8Array<ArrayBuffer>);
  return new Blob(pieces);
}

/** A Llama; its vocabulary of 32 tokens has no text. */
export interface Shape {
  type: 'F32' | 'Q4_0';
  layers: number;
  width: number;
  feedForward: number;
  heads: number;
  kvHeads: number;
  context: number;
}

const vocabulary = 32;

function tensorsOf({ type, layers, width, feedForward, heads, kvHeads }: Shape): NewTensor[] {
  const tensor = (name: string, kind: string, ...dims: number[]) => ({ name, type: kind, dims, bytes: tensorBytes(typeOfName(kind)!, dims) });
  const keys = width / heads * kvHeads;
  const layer = (i: number) => [
    tensor(`blk.${i}.attn_norm.weight`, 'F32', width),
    tensor(`blk.${i}.attn_q.weight`, type, width, width),
    tensor(`blk.${i}.attn_k.weight`, type, width, keys),
    tensor(`blk.${i}.attn_v.weight`, type, width, keys),
    tensor(`blk.${i}.attn_output.weight`, type, width, width),
    tensor(`blk.${i}.ffn_norm.weight`, 'F32', width),
    tensor(`blk.${i}.ffn_gate.weight`, type, width, feedForward),
    tensor(`blk.${i}.ffn_up.weight`, type, width, feedForward),
    tensor(`blk.${i}.ffn_down.weight`, type, feedForward, width),
  ];
  return [
    tensor('token_embd.weight', type, width, vocabulary), tensor('output_norm.weight', 'F32', width), tensor('output.weight', type, width, vocabulary),
    ...Array.from({ length: layers }, (_, i) => layer(i)).flat(),
  ];
}

/** Q4_0: 8,192 blocks of random levels with the scale 2^-8; matrices take their bytes from it, over and over. */
function randomBlocks(next: () => number): Uint8Array {
  const blocks = Uint8Array.from({ length: 8192 * 18 }, next);
  for (let at = 0; at < blocks.length; at += 18) blocks.set([0x00, 0x1c], at);
  return blocks;
}

function* weightsOf({ type, dims, bytes }: NewTensor, next: () => number, blocks: Uint8Array): Generator<Uint8Array, void, void> {
  if (dims.length === 1) return yield new Uint8Array(new Float32Array(dims[0]!).fill(1).buffer);
  if (type === 'F32') return yield new Uint8Array(randomFloats(bytes / 4, Math.sqrt(3 / dims[0]!), next).buffer);
  for (let at = 0; at < bytes; at += blocks.length) yield blocks.subarray(0, bytes - at);
}

function* fileOf(shape: Shape): Generator<Uint8Array, void, void> {
  const tensors = tensorsOf(shape), next = randomNumbers(88172645), blocks = randomBlocks(next);
  const key = (name: string, value: number) => [`llama.${name}`, entry('u32', value)] as const;
  const { header, alignment } = writeGgufHeader(new Map([
    ['general.architecture', entry('string', 'llama')], ['llama.attention.layer_norm_rms_epsilon', entry('f32', 1e-5)],
    key('block_count', shape.layers), key('embedding_length', shape.width), key('feed_forward_length', shape.feedForward),
    key('attention.head_count', shape.heads), key('attention.head_count_kv', shape.kvHeads), key('context_length', shape.context),
    key('vocab_size', vocabulary),
  ]), tensors);
  yield header;
  for (const t of tensors) {
    yield* weightsOf(t, next, blocks);
    yield new Uint8Array((alignment - t.bytes % alignment) % alignment);
  }
}

/** The model as a stream, made while it is read, so that it is never there as a whole. */
export function llamaFile(shape: Shape): ReadableStream<Uint8Array> {
  const pieces = fileOf(shape);
  return new ReadableStream({
    pull(controller) {
      const { done, value } = pieces.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

/** Token ids spread over that vocabulary. */
export function someTokens(count: number): number[] {
  return Array.from({ length: count }, (_, i) => (i * 7 + 5) % vocabulary);
}
