/**
 * The containers that begin with "APR": which one it is, and what the header of each says.
 *
 *   APRN         v1: 32-byte header, MessagePack, bincode, CRC-32 (the engine reads it: src/apr.c)
 *   APR\0, APR2  v2: 64-byte header, JSON, sorted tensor index, tensors, CRC-32
 *   APR1         JSON, JSON index, packed floats, CRC-32
 *   APR\0, APR2  a 9-byte wrapper around a compressed APR1
 *
 * Others are refused by name. Source: aprender's src/format. Input is hostile.
 */
import { RealizarError } from '../errors.js';
import { Cursor, crc32, type FileReader, fileOfBytes, isObject, parseJson, readExactly } from './bytes.js';
import { decompressLz4, decompressZstd } from './decompress.js';
import type { TensorInfo } from './header.js';
import { tensorBytes, typeOfId, typeOfName } from './weight-types.js';

export interface AprContainer {
  format: 'APR v2' | 'APR1';
  metadata: Record<string, unknown>;
  tensors: TensorInfo[];
  /** Where the CRC-32 of everything before it stands; undefined: the file has none. */
  checksumAt?: number;
  /** The whole file with its compressed part decompressed, where it was compressed. */
  plain?: Uint8Array;
}

export type AprKind = 'v1' | 'v2' | 'apr1' | 'wrapped';

const headerBytes = 64;
const maxMetadataBytes = 16 << 20;
const maxIndexBytes = 64 << 20;
const maxPlainBytes = 2 ** 30;
const maxNameBytes = 256;
const maxRank = 8;

const flag = { lz4: 1, zstd: 2, encrypted: 4, sharded: 16, columnMajor: 0x800 } as const;

function bad(sentence: string): never {
  throw new RealizarError('FORMAT', `.apr: ${sentence}`);
}

function unsupported(sentence: string): never {
  throw new RealizarError('UNSUPPORTED', `.apr: ${sentence}`);
}

/** The header's checksum leaves out its own four bytes. */
function headerChecksum(head: Uint8Array): number {
  return crc32(head.subarray(44, headerBytes), crc32(head.subarray(0, 40)));
}

interface V2Header {
  major: number;
  flags: number;
  count: number;
  metaAt: number;
  metaBytes: number;
  indexAt: number;
  dataAt: number;
  checksum: number;
}

function parseV2Header(head: Uint8Array): V2Header {
  const c = new Cursor(head, '.apr');
  c.take(4);
  const major = c.u8();
  c.u8();
  return {
    major, flags: c.u16(), count: c.u32(), metaAt: c.u64(), metaBytes: c.u32(), indexAt: c.u64(), dataAt: c.u64(), checksum: c.u32(),
  };
}

/** A wrapper has bytes like a version too; the header's checksum or its chain of offsets decides. */
function looksLikeV2(head: Uint8Array): boolean {
  if (head.length < headerBytes) return false;
  const h = parseV2Header(head);
  return h.checksum === headerChecksum(head)
    || ((h.major === 1 || h.major === 2) && head[5] === 0 && h.metaAt >= headerBytes && h.metaAt + h.metaBytes <= h.indexAt && h.indexAt <= h.dataAt);
}

/** What the first 64 bytes of a file that starts with "APR" are. */
export function aprKind(head: Uint8Array): AprKind {
  const fourth = String.fromCharCode(head[3] ?? 0x20);
  switch (fourth) {
    case 'N': return 'v1';
    case '1': return 'apr1';
    case 'T': return unsupported('this file has the transformer layout of realizar 0.3 (APRT), which only that version read');
    case '2':
    case '\0':
      if (looksLikeV2(head)) return 'v2';
      if (head.length > 9 && head[4]! <= 2) return 'wrapped';
      return unsupported(`the file starts like a container of version 2, but its header is none`);
    default: return unsupported(`a file that starts with "APR${fourth}" is of no known layout`);
  }
}

/* ---- weight types ---------------------------------------------------------------------------- */

/** What a dtype byte may mean: three dialects use the same numbers, the size decides. */
const dialects: Record<number, string[]> = {
  0: ['F32'], 1: ['F16'], 2: ['BF16', 'Q4_0'], 3: ['F64', 'Q4_1'], 4: ['I32'], 5: ['I64'], 6: ['I8', 'Q5_0'], 7: ['U8', 'Q5_1'],
  8: ['Q8_0', 'AprQ4'], 9: ['AprQ8', 'Q8_1'], 13: ['Q5_K', 'Q4_K'], 128: ['AprQ4'], 129: ['AprQ8'],
};

function bytesOf(type: string, dims: number[]): number {
  const elements = dims.reduce((a, b) => a * b, 1);
  if (type === 'AprQ4') return Math.ceil(elements / 32) * 18;
  if (type === 'AprQ8') return elements + 4;
  if (type === 'U8') return elements;
  const known = typeOfName(type);
  return known ? tensorBytes(known, dims) : NaN;
}

/** Other bytes than those mean what they do in GGUF files. */
function namesOf(dtype: number): string[] | undefined {
  const type = typeOfId(dtype);
  return dialects[dtype] ?? (type && [type.name]);
}

/** The type whose size for this shape is the tensor's. */
function resolveType(name: string, dtype: unknown, dims: number[], bytes: number): string {
  const candidates = typeof dtype === 'string' ? [dtype.toUpperCase()] : typeof dtype === 'number' ? namesOf(dtype) : undefined;
  if (!candidates) return unsupported(`tensor '${name}' has weight type ${String(dtype)}, which is not known`);
  if (candidates[0] === 'JSON') return unsupported(`tensor '${name}' is a whole model written as JSON, which only realizar 0.8 read`);
  const type = candidates.find((t) => bytesOf(t, dims) === bytes);
  return type ?? bad(`tensor '${name}' has ${bytes} bytes, but ${dims.join(' x ')} weights of type ${candidates.join(' or ')} have ${bytesOf(candidates[0]!, dims)}`);
}

/** Checks a tensor's numbers, which may be anything, and makes its offset absolute. */
function makeTensor(name: unknown, dtype: unknown, shape: unknown, offset: unknown, bytes: unknown, dataAt: number): TensorInfo {
  const whole = (v: unknown): v is number => typeof v === 'number' && Number.isSafeInteger(v) && v >= 0;
  if (typeof name !== 'string' || !name || !Array.isArray(shape) || shape.length > maxRank || !shape.every((d) => whole(d) && d > 0)
    || !whole(offset) || !whole(bytes) || !whole(dataAt + offset + bytes)) {
    bad(`the entry of tensor '${String(name)}' is not usable`);
  }
  const dims = (shape as number[]).length ? (shape as number[]).slice().reverse() : [1];
  if (!whole(dims.reduce((a, b) => a * b, 1))) bad(`tensor '${name as string}' has too many weights`);
  const type = resolveType(name as string, dtype, dims, bytes as number);
  return { name: name as string, type, dims, offset: dataAt + (offset as number), bytes: bytes as number };
}

function checkPlaces(tensors: TensorInfo[], size?: number): void {
  const sorted = [...tensors].sort((a, b) => a.offset - b.offset);
  sorted.forEach((t, i) => {
    const before = sorted[i - 1];
    if (before && before.offset + before.bytes > t.offset) bad(`tensors '${before.name}' and '${t.name}' overlap`);
    if (size !== undefined && t.offset + t.bytes > size) {
      throw new RealizarError('TRUNCATED', `.apr: tensor '${t.name}' ends at byte ${t.offset + t.bytes} of a file of ${size} bytes`);
    }
  });
  if (new Set(tensors.map((t) => t.name)).size < tensors.length) bad('two tensors have the same name');
}

/* ---- version 2 ------------------------------------------------------------------------------- */

function readIndexEntries(c: Cursor, count: number, dataAt: number): TensorInfo[] {
  const tensors: TensorInfo[] = [];
  let before: Uint8Array | undefined;
  for (let i = 0; i < count; i++) {
    const length = c.u16();
    if (length > maxNameBytes) bad(`a tensor's name has ${length} bytes, at most ${maxNameBytes} are possible`);
    const bytes = c.take(length);
    if (before && compareBytes(before, bytes) >= 0) bad('the tensor index is not sorted by name');
    before = bytes;
    const dtype = c.u8();
    const rank = c.u8();
    if (rank > maxRank) bad(`a tensor has ${rank} dimensions, at most ${maxRank} are possible`);
    const shape = Array.from({ length: rank }, () => c.u64());
    tensors.push(makeTensor(new TextDecoder().decode(bytes), dtype, shape, c.u64(), c.u64(), dataAt));
  }
  return tensors;
}

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length && i < b.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}

function readJsonEntries(bytes: Uint8Array, dataAt: number): TensorInfo[] {
  const end = bytes.findLastIndex((b) => b !== 0) + 1;
  const list = parseJson(bytes.subarray(0, end), 'the tensor index of the .apr file');
  if (!Array.isArray(list)) bad('the tensor index is no list');
  return (list as unknown[]).map((e) => {
    if (!isObject(e)) bad('the tensor index holds something else than tensors');
    const { name, dtype, shape, offset, size } = e as Record<string, unknown>;
    return makeTensor(name, dtype, shape, offset, size, dataAt);
  });
}

function checkV2Header(h: V2Header, head: Uint8Array, size?: number): void {
  if (h.checksum !== 0 && h.checksum !== headerChecksum(head)) bad('the checksum of the header is wrong: the file is damaged');
  if (h.major !== 2) unsupported(`version ${h.major} of this layout is not supported, only 2`);
  if (h.flags & flag.encrypted) unsupported('the file is encrypted');
  if (h.flags & flag.columnMajor) unsupported('the tensors are stored by columns, which the format forbids');
  if (h.flags & flag.sharded) unsupported('this is one shard of a model; only whole files are read');
  if (h.metaBytes > maxMetadataBytes) bad(`the metadata claim ${h.metaBytes} bytes, at most ${maxMetadataBytes} are possible`);
  const inOrder = h.metaAt >= headerBytes && h.metaAt + h.metaBytes <= h.indexAt && h.indexAt <= h.dataAt;
  if (!inOrder || h.dataAt - h.indexAt > maxIndexBytes || h.metaAt + h.metaBytes > maxMetadataBytes * 2) bad('the offsets in the header do not follow each other');
  if (size !== undefined && h.dataAt > size) {
    throw new RealizarError('TRUNCATED', `.apr: the tensors begin at byte ${h.dataAt} of a file of ${size} bytes`);
  }
}

/** Where the checksum at the end stands: behind the padding of the last tensor, or right behind it. */
function checksumPlace(tensors: TensorInfo[], dataAt: number, size?: number): number | undefined {
  if (size === undefined) return undefined;
  const end = tensors.reduce((most, t) => Math.max(most, t.offset + t.bytes), dataAt);
  const padded = dataAt + Math.ceil((end - dataAt) / 64) * 64;
  if (size === padded + 4 || size === end + 4) return size - 4;
  if (size !== padded && size !== end) bad(`the tensors end at byte ${end}, the file has ${size}`);
  return undefined;
}

/** A body that is compressed does not begin with its metadata's brace. */
async function decompressed(file: FileReader, h: V2Header, head: Uint8Array): Promise<Uint8Array | undefined> {
  if (!(h.flags & (flag.lz4 | flag.zstd))) return undefined;
  const start = await file.read(h.metaAt, 1);
  if (h.metaBytes && start[0] === 0x7b) return undefined;
  const body = await readWhole(file, headerBytes);
  const plain = h.flags & flag.lz4 ? decompressLz4(body, maxPlainBytes) : await decompressZstd(body, maxPlainBytes);
  const whole = new Uint8Array(headerBytes + plain.length);
  whole.set(head);
  whole.set(plain, headerBytes);
  return whole;
}

async function readWhole(file: FileReader, from: number): Promise<Uint8Array> {
  if (file.size === undefined || file.size - from > maxPlainBytes) unsupported('a compressed file of unknown or enormous size');
  return readExactly(file, from, file.size! - from, '.apr');
}

async function readV2(file: FileReader): Promise<AprContainer> {
  const head = await readExactly(file, 0, headerBytes, '.apr');
  const h = parseV2Header(head);
  const plain = h.major === 2 ? await decompressed(file, h, head) : undefined;
  const from = plain ? fileOfBytes(plain) : file;
  checkV2Header(h, head, from.size);
  const metadata = h.metaBytes ? parseJson(await readExactly(from, h.metaAt, h.metaBytes, '.apr'), 'the metadata of the .apr file') : {};
  if (!isObject(metadata)) bad('the metadata are no JSON object');
  const index = await readExactly(from, h.indexAt, h.dataAt - h.indexAt, '.apr');
  const tensors = index[0] === 0x5b ? readJsonEntries(index, h.dataAt) : readIndexEntries(new Cursor(index, '.apr'), h.count, h.dataAt);
  checkPlaces(tensors, from.size);
  return {
    format: 'APR v2', metadata: metadata as Record<string, unknown>, tensors, plain,
    checksumAt: checksumPlace(tensors, h.dataAt, from.size),
  };
}

/* ---- APR1 ------------------------------------------------------------------------------------ */

async function readApr1(file: FileReader, plain?: Uint8Array): Promise<AprContainer> {
  const metaBytes = new Cursor(await readExactly(file, 4, 4, '.apr'), '.apr').u32();
  if (metaBytes > maxMetadataBytes) bad(`the metadata claim ${metaBytes} bytes, at most ${maxMetadataBytes} are possible`);
  const metadata = metaBytes ? parseJson(await readExactly(file, 8, metaBytes, '.apr'), 'the metadata of the .apr file') : {};
  const counts = new Cursor(await readExactly(file, 8 + metaBytes, 8, '.apr'), '.apr');
  const count = counts.u32();
  const indexBytes = counts.u32();
  if (indexBytes > maxIndexBytes) bad(`the tensor index claims ${indexBytes} bytes, at most ${maxIndexBytes} are possible`);
  const dataAt = 16 + metaBytes + indexBytes;
  const tensors = count ? readJsonEntries(await readExactly(file, 16 + metaBytes, indexBytes, '.apr'), dataAt) : [];
  if (!isObject(metadata) || tensors.length !== count) bad(`the file speaks of ${count} tensors and lists ${tensors.length}`);
  checkPlaces(tensors, file.size);
  return { format: 'APR1', metadata: metadata as Record<string, unknown>, tensors, plain, checksumAt: file.size === undefined ? undefined : file.size - 4 };
}

async function readWrapped(file: FileReader): Promise<AprContainer> {
  const whole = await readWhole(file, 0);
  const c = new Cursor(whole, '.apr');
  c.take(4);
  const kind = c.u8();
  const plainBytes = c.u32();
  if (plainBytes > maxPlainBytes) bad(`the file claims to hold ${plainBytes} bytes`);
  const body = c.take(c.left);
  const plain = kind === 0 ? body : kind === 1 ? decompressLz4(body, plainBytes) : await decompressZstd(body, plainBytes);
  if (plain.length !== plainBytes) bad(`the file holds ${plain.length} bytes, not the ${plainBytes} it speaks of`);
  if (new TextDecoder().decode(plain.subarray(0, 4)) !== 'APR1') unsupported('the file starts like a container of version 2 or a wrapped APR1, and is neither');
  return readApr1(fileOfBytes(plain), plain);
}

/** The header of a container with tensors: version 2, APR1 or its wrapper. */
export async function readApr(file: FileReader): Promise<AprContainer> {
  const kind = aprKind(await file.read(0, headerBytes));
  if (kind === 'v1') unsupported('a file of version 1 holds no tensors');
  return kind === 'v2' ? readV2(file) : kind === 'apr1' ? readApr1(file) : readWrapped(file);
}

/** Compares a file's bytes with the checksum at its end. */
export function checkFooter(file: Uint8Array, checksumAt: number | undefined): void {
  if (checksumAt === undefined) return;
  const stored = new DataView(file.buffer, file.byteOffset).getUint32(checksumAt, true);
  checkSum(stored, crc32(file.subarray(0, checksumAt)));
}

export function checkSum(stored: number, computed: number): void {
  if (stored !== computed) bad(`the checksum is ${stored.toString(16)} but the bytes give ${computed.toString(16)}: the file is damaged`);
}
