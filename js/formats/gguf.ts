/** GGUF headers (versions 2 and 3, little-endian), read and written. Source: ggml, docs/gguf.md. */
import { RealizarError } from '../errors.js';
import { ByteWriter, Cursor, type FileReader } from './bytes.js';
import { type MetaEntry, metaType, type ModelHeader, type TensorInfo } from './header.js';
import { tensorBytes, typeOfId, typeOfName } from './weight-types.js';

const firstBytes = 1 << 20;
const maxHeaderBytes = 512 << 20;
const maxDims = 4;
const maxDepth = 4;
export const defaultAlignment = 32;

function bad(sentence: string): never {
  throw new RealizarError('FORMAT', `GGUF: ${sentence}`);
}

function readText(c: Cursor): string {
  return c.text(c.u64());
}

function readScalar(c: Cursor, type: number): string | number | boolean {
  switch (type) {
    case metaType.u8: return c.u8();
    case metaType.i8: return c.i8();
    case metaType.u16: return c.u16();
    case metaType.i16: return c.i16();
    case metaType.u32: return c.u32();
    case metaType.i32: return c.i32();
    case metaType.f32: return c.f32();
    case metaType.bool: return c.u8() !== 0;
    case metaType.string: return readText(c);
    case metaType.u64: return c.u64();
    case metaType.i64: return c.i64();
    case metaType.f64: return c.f64();
    default: return bad(`metadata type ${type} at byte ${c.at} does not exist`);
  }
}

/** Elements are read one by one, so a length that lies ends at the end of the bytes. */
function readArray(c: Cursor, elementType: number, depth: number): unknown[] {
  if (depth > maxDepth) bad(`arrays nested deeper than ${maxDepth} at byte ${c.at}`);
  const count = c.u64();
  const values: unknown[] = [];
  for (let i = 0; i < count; i++) {
    values.push(elementType === metaType.array ? readArray(c, c.u32(), depth + 1) : readScalar(c, elementType));
  }
  return values;
}

function readEntry(c: Cursor): [string, MetaEntry] {
  const key = readText(c);
  if (!key) bad(`a metadata entry before byte ${c.at} has no name`);
  const start = c.at;
  const type = c.u32();
  const elementType = type === metaType.array ? c.u32() : undefined;
  const value = elementType === undefined ? readScalar(c, type) : readArray(c, elementType, 1);
  return [key, { type, elementType, value, raw: c.bytes.subarray(start, c.at) } as MetaEntry];
}

function readTensor(c: Cursor): TensorInfo {
  const name = readText(c);
  const count = c.u32();
  if (count > maxDims) bad(`tensor '${name}' has ${count} dimensions, at most ${maxDims} are possible`);
  const dims = Array.from({ length: count }, () => c.u64());
  const id = c.u32();
  const type = typeOfId(id);
  if (!type) throw new RealizarError('UNSUPPORTED', `GGUF: tensor '${name}' has weight type ${id}, which is not known`);
  const bytes = tensorBytes(type, dims);
  if (!Number.isSafeInteger(bytes) || bytes <= 0) bad(`tensor '${name}' of ${dims.join(' x ')} weights of type ${type.name} is not possible`);
  return { name, type: type.name, dims, offset: c.u64(), bytes };
}

export function parseGguf(bytes: Uint8Array): ModelHeader {
  const c = new Cursor(bytes, 'GGUF');
  if (c.text(4) !== 'GGUF') bad('the file does not start with GGUF');
  const version = c.u32();
  if (version !== 2 && version !== 3) throw new RealizarError('UNSUPPORTED', `GGUF: version ${version} is not supported, only 2 and 3`);
  const tensorCount = c.u64();
  const metaCount = c.u64();
  const metadata = new Map<string, MetaEntry>();
  for (let i = 0; i < metaCount; i++) metadata.set(...readEntry(c));
  const tensors: TensorInfo[] = [];
  for (let i = 0; i < tensorCount; i++) tensors.push(readTensor(c));
  const alignment = metadata.get('general.alignment')?.value ?? defaultAlignment;
  if (typeof alignment !== 'number' || !Number.isInteger(alignment) || alignment < 1) bad('general.alignment is not a usable number');
  const data = Math.ceil(c.at / (alignment as number)) * (alignment as number);
  for (const t of tensors) t.offset += data;
  return { format: `GGUF v${version}`, metadata, tensors };
}

/** Reads as much of the file as its header takes. */
export async function readGguf(file: FileReader): Promise<ModelHeader> {
  for (let wanted = firstBytes; ; wanted *= 2) {
    const bytes = await file.read(0, wanted);
    try {
      return parseGguf(bytes);
    } catch (error) {
      const more = bytes.length === wanted && (error as RealizarError).code === 'TRUNCATED';
      if (!more) throw error;
      if (wanted >= maxHeaderBytes) bad(`the header is longer than ${maxHeaderBytes >> 20} MB`);
    }
  }
}

function writeText(w: ByteWriter, text: string): void {
  const bytes = new TextEncoder().encode(text);
  w.u64(bytes.length);
  w.bytes(bytes);
}

function writeScalar(w: ByteWriter, type: number, value: unknown): void {
  switch (type) {
    case metaType.u8: case metaType.i8: return w.u8(Number(value) & 255);
    case metaType.u16: case metaType.i16: return w.u16(Number(value) & 65535);
    case metaType.u32: return w.u32(Number(value));
    case metaType.i32: return w.i32(Number(value));
    case metaType.f32: return w.f32(Number(value));
    case metaType.bool: return w.u8(value ? 1 : 0);
    case metaType.string: return writeText(w, String(value));
    case metaType.u64: return w.u64(Number(value));
    case metaType.i64: return w.i64(Number(value));
    case metaType.f64: return w.f64(Number(value));
    default: throw new RealizarError('UNSUPPORTED', `metadata of type ${type} cannot be written`);
  }
}

function writeEntry(w: ByteWriter, key: string, { type, elementType, value, raw }: MetaEntry): void {
  writeText(w, key);
  if (raw) return w.bytes(raw);
  w.u32(type);
  if (type !== metaType.array) return writeScalar(w, type, value);
  w.u32(elementType!);
  w.u64((value as unknown[]).length);
  for (const one of value as unknown[]) writeScalar(w, elementType!, one);
}

/** A tensor that is going to be written. */
export type NewTensor = Omit<TensorInfo, 'offset'>;

/**
 * The header of a file that holds these tensors in this order, each at a multiple of the alignment
 * that the metadata name. What follows begins at its end.
 */
export function writeGgufHeader(metadata: Map<string, MetaEntry>, tensors: NewTensor[]): { header: Uint8Array; alignment: number } {
  const alignment = Number(metadata.get('general.alignment')?.value ?? defaultAlignment);
  const w = new ByteWriter();
  w.bytes(new TextEncoder().encode('GGUF'));
  w.u32(3);
  w.u64(tensors.length);
  w.u64(metadata.size);
  for (const [key, value] of metadata) writeEntry(w, key, value);
  let offset = 0;
  for (const { name, type, dims, bytes } of tensors) {
    writeText(w, name);
    w.u32(dims.length);
    dims.forEach((d) => w.u64(d));
    w.u32(typeOfName(type)!.id);
    w.u64(offset);
    offset += Math.ceil(bytes / alignment) * alignment;
  }
  w.align(alignment);
  return { header: w.done(), alignment };
}
