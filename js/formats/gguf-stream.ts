/** A model in whatever format as the bytes of a GGUF file: its header, then its tensors as they come. */
import type { EngineTools } from '../engine.js';
import { RealizarError } from '../errors.js';
import { type NewTensor, writeGgufHeader } from './gguf.js';
import type { MetaEntry, TensorInfo } from './header.js';
import { readFloats } from './network.js';
import { tensorBytes, typeOfName } from './weight-types.js';

/** A tensor of the file to be written, and what becomes of its sources' bytes. */
export interface PlannedTensor {
  name: string;
  /** Of the new tensor, row length first. */
  dims: number[];
  /** Type in the new file. Another one than the sources': floats are quantised to it. */
  type: string;
  /** What it is made of, one behind the other: of stacked experts several; none: see `data`. */
  sources: TensorInfo[];
  /** The scales of sources that are codes of MXFP4, source by source. */
  scales?: TensorInfo[];
  /** The sources are [in][out]. */
  transposed?: boolean;
  /** The row of a source (of a vector: the element) that becomes row `row`. */
  order?: (row: number) => number;
  /** Added to every weight, then multiplied with it. */
  add?: number;
  factor?: number;
  /** The bytes, where they stand in no file. */
  data?: Uint8Array;
}

/** A model that is going to be written. */
export interface GgufPlan {
  metadata: Map<string, MetaEntry>;
  tensors: PlannedTensor[];
  /** What readers of the file will do otherwise than the model, in a sentence each. */
  notes?: string[];
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

/** A tensor that stays as it is. */
export function unchanged(t: TensorInfo): PlannedTensor {
  return { name: t.name, dims: t.dims, type: t.type, sources: [t] };
}

/** The type of the weights before they are converted. */
export function sourceType({ scales, sources: [first] }: PlannedTensor): string {
  return scales ? 'MXFP4' : first?.type ?? 'F32';
}

function newBytes(t: PlannedTensor): number {
  return tensorBytes(typeOfName(t.type)!, t.dims);
}

/** Weights that are converted at a time, about. */
const batch = 1 << 20;

/** Rows of the source as blocks of the new type. */
function convertRows(t: PlannedTensor, type: string, bytes: Uint8Array, dims: number[], tools: EngineTools): Uint8Array {
  const { add = 0, factor = 1 } = t;
  const changes = add !== 0 || factor !== 1;
  if (t.type === type && !changes) return bytes;
  const { id } = typeOfName(t.type)!;
  const floats = readFloats({ name: t.name, type, dims, offset: 0, bytes: bytes.length }, bytes, tools);
  if (changes) for (let i = 0; i < floats.length; i++) floats[i] = (floats[i]! + add) * factor;
  const out = new Uint8Array(tensorBytes(typeOfName(t.type)!, dims));
  tools.quantize(id, floats, out);
  return out;
}

/* ---- weights that change places --------------------------------------------------------------- */

/** Codes of MXFP4 (neighbours in a byte) and their scales as blocks: the scale, then weights i and i + 16 in a byte. */
function joinMxfp4(codes: Uint8Array, scales: Uint8Array): Uint8Array {
  const out = new Uint8Array(17 * scales.length);
  const code = (at: number, i: number) => (codes[at + (i >> 1)]! >> (i % 2 ? 4 : 0)) & 15;
  scales.forEach((scale, block) => {
    out[17 * block] = scale;
    for (let i = 0; i < 16; i++) out[17 * block + 1 + i] = code(16 * block, i) | code(16 * block, i + 16) << 4;
  });
  return out;
}

/** A matrix with rows and columns exchanged; `size`: bytes of a weight. */
function transpose(bytes: Uint8Array, [cols, rows]: number[], size: number): Uint8Array {
  const Words = size === 4 ? Uint32Array : Uint16Array;
  const from = new Words(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength / size);
  const to = new Words(from.length);
  for (let r = 0; r < rows!; r++) for (let c = 0; c < cols!; c++) to[c * rows! + r] = from[r * cols! + c]!;
  return new Uint8Array(to.buffer);
}

/** The rows of `rowBytes` in another order, or some of them. */
function pickRows(bytes: Uint8Array, rowBytes: number, rows: number, order: (row: number) => number): Uint8Array {
  const out = new Uint8Array(rows * rowBytes);
  for (let r = 0; r < rows; r++) {
    const at = order(r) * rowBytes;
    out.set(bytes.subarray(at, at + rowBytes), r * rowBytes);
  }
  return out;
}

/** Source number `index` as a whole, its weights where the new file has them. */
async function rearranged(t: PlannedTensor, index: number, read: ReadTensor): Promise<Uint8Array> {
  const source = t.sources[index]!;
  const type = typeOfName(sourceType(t));
  const isVector = source.dims.length === 1;
  if (!type || (type.block > 1 && (t.transposed || isVector))) throw new RealizarError('UNSUPPORTED', `rows of tensor '${source.name}' have to change places, which type ${source.type} does not allow`);
  let bytes = await gather(read(source), source.bytes);
  if (t.scales) bytes = joinMxfp4(bytes, await gather(read(t.scales[index]!), t.scales[index]!.bytes));
  if (t.transposed) bytes = transpose(bytes, source.dims, type.blockBytes);
  if (!t.order) return bytes;
  const weights = t.dims.reduce((a, b) => a * b, 1) / t.sources.length;
  const rowLength = isVector ? 1 : t.dims[0]!;
  return pickRows(bytes, tensorBytes(type, [rowLength]), weights / rowLength, t.order);
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

async function* rearrangedPieces(t: PlannedTensor, index: number, read: ReadTensor): AsyncGenerator<Uint8Array, void, void> {
  yield await rearranged(t, index, read);
}

/** Pieces of a source, its weights in the new order, as rows of the new type. */
async function* convertedPieces(t: PlannedTensor, pieces: AsyncIterable<Uint8Array>, tools: () => Promise<EngineTools>): AsyncGenerator<Uint8Array, void, void> {
  const type = sourceType(t);
  const known = typeOfName(type);
  const source = t.sources[0]!;
  const cols = source.dims.length === 1 ? t.dims.reduce((a, b) => a * b, 1) : t.dims[0]!;
  const rows = t.dims.reduce((a, b) => a * b, 1) / cols / t.sources.length;
  const rowBytes = known ? tensorBytes(known, [cols]) : source.bytes / rows;
  const rowsAtOnce = known ? Math.max(1, Math.min(rows, Math.floor(batch / cols))) : rows; // .apr's own types: one scale for all, blocks across rows
  for await (const part of wholeRows(pieces, rowBytes, rowsAtOnce)) {
    try {
      yield convertRows(t, type, part, [cols, part.length / rowBytes], await tools());
    } catch (error) {
      throw error instanceof RealizarError && error.code === 'VALUE' ? new RealizarError('VALUE', `tensor '${source.name}': ${error.message}`) : error;
    }
  }
}

/** The new bytes of a tensor. */
export async function* tensorPieces(t: PlannedTensor, read: ReadTensor, tools: () => Promise<EngineTools>): AsyncGenerator<Uint8Array, void, void> {
  if (t.data) return yield t.data;
  const moves = t.order || t.transposed || t.scales;
  const converts = t.type !== sourceType(t) || t.add || t.factor;
  for (const [index, source] of t.sources.entries()) {
    const pieces = moves ? rearrangedPieces(t, index, read) : read(source);
    yield* converts ? convertedPieces(t, pieces, tools) : pieces;
  }
}

/** Names, types and sizes as they stand in the new file. */
export function newTensors(plan: GgufPlan): NewTensor[] {
  return plan.tensors.map((t) => ({ name: t.name, type: t.type, dims: t.dims, bytes: newBytes(t) }));
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
