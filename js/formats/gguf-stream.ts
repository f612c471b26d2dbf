/** A model in whatever format as the bytes of a GGUF file: its header, then its tensors as they come. */
import type { EngineTools } from '../engine.js';
import { RealizarError } from '../errors.js';
import { type NewTensor, writeGgufHeader } from './gguf.js';
import type { MetaEntry, TensorInfo } from './header.js';
import { permuteRows } from './hf-names.js';
import { readFloats } from './network.js';
import { tensorBytes, typeOfName } from './weight-types.js';

/** A tensor of the file to be written, and what becomes of the source's bytes. */
export interface PlannedTensor {
  name: string;
  source: TensorInfo;
  /** Type in the new file. Another one than the source's: floats are quantised to it. */
  type: string;
  /** Rows of so many heads change places; see permuteRows. */
  permuteHeads?: number;
  /** Added to every weight. */
  add?: number;
  /** The bytes, where they stand in no file. */
  data?: Uint8Array;
}

/** A model that is going to be written. */
export interface GgufPlan {
  metadata: Map<string, MetaEntry>;
  tensors: PlannedTensor[];
}

/** The bytes of a tensor, in pieces of any size. */
export type ReadTensor = (t: TensorInfo) => AsyncIterable<Uint8Array>;

export async function gather(pieces: AsyncIterable<Uint8Array>, bytes: number): Promise<Uint8Array> {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for await (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function rowsOf(dims: number[]): number {
  return dims.length === 1 ? dims[0]! : dims.slice(1).reduce((a, b) => a * b, 1);
}

function isPassedThrough(t: PlannedTensor): boolean {
  return t.type === t.source.type && !t.permuteHeads && !t.add;
}

function newBytes(t: PlannedTensor): number {
  return tensorBytes(typeOfName(t.type)!, t.source.dims);
}

/** Weights that are converted at a time, about. */
const batch = 1 << 20;

/** Rows of the source as blocks of the new type. */
function convertRows(t: PlannedTensor, bytes: Uint8Array, rows: number, tools: EngineTools): Uint8Array {
  if (t.type === t.source.type && !t.add) return bytes;
  const { id } = typeOfName(t.type)!;
  const dims = [t.source.dims[0]!, rows];
  const floats = readFloats({ ...t.source, dims }, bytes, tools);
  if (t.add) for (let i = 0; i < floats.length; i++) floats[i]! += t.add;
  const out = new Uint8Array(tensorBytes(typeOfName(t.type)!, dims));
  tools.quantize(id, floats, out);
  return out;
}

/** Whole rows out of pieces of any size, about a batch at a time. */
async function* wholeRows(pieces: AsyncIterable<Uint8Array>, rowBytes: number, rowsAtOnce: number): AsyncGenerator<Uint8Array, void, void> {
  const held = new Uint8Array(rowBytes * rowsAtOnce);
  let have = 0;
  for await (let piece of pieces) {
    while (piece.length) {
      const part = piece.subarray(0, held.length - have);
      held.set(part, have);
      have += part.length;
      piece = piece.subarray(part.length);
      if (have < held.length) break;
      yield held;
      have = 0;
    }
  }
  if (have) yield held.subarray(0, have);
}

/** The new bytes of a tensor. */
export async function* tensorPieces(t: PlannedTensor, read: ReadTensor, tools: () => Promise<EngineTools>): AsyncGenerator<Uint8Array, void, void> {
  const { dims, bytes } = t.source;
  if (t.data) return yield t.data;
  if (isPassedThrough(t)) return yield* read(t.source);
  if (t.permuteHeads) {
    const moved = permuteRows(await gather(read(t.source), bytes), rowsOf(dims), t.permuteHeads);
    return yield convertRows(t, moved, dims.length === 1 ? 1 : rowsOf(dims), await tools());
  }
  const rows = dims.slice(1).reduce((a, b) => a * b, 1);
  const wholeOnly = !typeOfName(t.source.type); // .apr's own types: one scale for all, blocks across rows
  const rowsAtOnce = wholeOnly ? rows : Math.max(1, Math.min(rows, Math.floor(batch / dims[0]!)));
  for await (const part of wholeRows(read(t.source), bytes / rows, rowsAtOnce)) {
    try {
      yield convertRows(t, part, part.length / (bytes / rows), await tools());
    } catch (error) {
      throw error instanceof RealizarError && error.code === 'VALUE' ? new RealizarError('VALUE', `tensor '${t.source.name}': ${error.message}`) : error;
    }
  }
}

/** Names, types and sizes as they stand in the new file. */
export function newTensors(plan: GgufPlan): NewTensor[] {
  return plan.tensors.map((t) => ({ name: t.name, type: t.type, dims: t.source.dims, bytes: newBytes(t) }));
}

/** The whole file. */
export async function* ggufBytes(plan: GgufPlan, read: ReadTensor, tools: () => Promise<EngineTools>): AsyncGenerator<Uint8Array, void, void> {
  const { header, alignment } = writeGgufHeader(plan.metadata, newTensors(plan));
  yield header;
  for (const t of plan.tensors) {
    yield* tensorPieces(t, read, tools);
    const bytes = newBytes(t);
    const padding = (alignment - bytes % alignment) % alignment;
    if (padding) yield new Uint8Array(padding);
  }
}

/** Bytes of the file that ggufBytes makes. */
export function ggufSize(plan: GgufPlan): number {
  const { header, alignment } = writeGgufHeader(plan.metadata, newTensors(plan));
  return plan.tensors.reduce((at, t) => at + Math.ceil(newBytes(t) / alignment) * alignment, header.length);
}
