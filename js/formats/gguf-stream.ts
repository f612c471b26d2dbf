/** A model in whatever format as the bytes of a GGUF file: its header, then its tensors as they come. */
import type { EngineTools } from '../engine.js';
import { writeGgufHeader } from './gguf.js';
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

/** Weights quantised at a time: whole rows of any type. */
function quantized(floats: Float32Array, type: string, dims: number[], tools: EngineTools): Uint8Array {
  const { id, block, blockBytes } = typeOfName(type)!;
  const out = new Uint8Array(tensorBytes(typeOfName(type)!, dims));
  const step = Math.max(block, Math.floor((1 << 20) / block) * block);
  for (let at = 0; at < floats.length; at += step) {
    const part = floats.subarray(at, at + step);
    const first = (at / block) * blockBytes;
    tools.quantize(id, part, out.subarray(first, first + (part.length / block) * blockBytes));
  }
  return out;
}

/** The new bytes of a tensor from the source's. */
export function transform(t: PlannedTensor, bytes: Uint8Array, tools: EngineTools): Uint8Array {
  const moved = t.permuteHeads ? permuteRows(bytes, rowsOf(t.source.dims), t.permuteHeads) : bytes;
  if (t.type === t.source.type && !t.add) return moved;
  const floats = readFloats(t.source, moved, tools);
  if (t.add) for (let i = 0; i < floats.length; i++) floats[i]! += t.add;
  return quantized(floats, t.type, t.source.dims, tools);
}

/** The whole file. Tensors stand in it in the order in which the source has them. */
export async function* ggufBytes(plan: GgufPlan, read: ReadTensor, tools: () => Promise<EngineTools>): AsyncGenerator<Uint8Array, void, void> {
  const tensors = [...plan.tensors].sort((a, b) => a.source.offset - b.source.offset);
  const sized = tensors.map((t) => ({ name: t.name, type: t.type, dims: t.source.dims, bytes: tensorBytes(typeOfName(t.type)!, t.source.dims) }));
  const { header, alignment } = writeGgufHeader(plan.metadata, sized);
  yield header;
  for (const [i, t] of tensors.entries()) {
    if (isPassedThrough(t)) yield* read(t.source);
    else yield transform(t, await gather(read(t.source), t.source.bytes), await tools());
    const { bytes } = sized[i]!;
    const padding = (alignment - bytes % alignment) % alignment;
    if (padding) yield new Uint8Array(padding);
  }
}

/** Bytes of the file that ggufBytes makes. */
export function ggufSize(plan: GgufPlan): number {
  const sized = plan.tensors.map((t) => ({ name: t.name, type: t.type, dims: t.source.dims, bytes: tensorBytes(typeOfName(t.type)!, t.source.dims) }));
  const { header, alignment } = writeGgufHeader(plan.metadata, sized);
  return sized.reduce((at, { bytes }) => at + Math.ceil(bytes / alignment) * alignment, header.length);
}
