/** Bytes of files: a bounded cursor, random access to parts of a file, checksums. */
import { RealizarError } from '../errors.js';

/** Reads little-endian values; a read past the end throws TRUNCATED. Input is hostile. */
export class Cursor {
  at = 0;
  private readonly view: DataView;

  /** `what` names the file's format in messages. */
  constructor(readonly bytes: Uint8Array, private readonly what: string) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  /** Moves on and says where the bytes begin. */
  private next(count: number): number {
    if (!(count <= this.left)) {
      throw new RealizarError('TRUNCATED', `${this.what}: ${count} bytes are wanted at byte ${this.at}, but ${this.left} are left`);
    }
    this.at += count;
    return this.at - count;
  }

  u8 = () => this.view.getUint8(this.next(1));
  i8 = () => this.view.getInt8(this.next(1));
  u16 = () => this.view.getUint16(this.next(2), true);
  i16 = () => this.view.getInt16(this.next(2), true);
  u32 = () => this.view.getUint32(this.next(4), true);
  i32 = () => this.view.getInt32(this.next(4), true);
  f32 = () => this.view.getFloat32(this.next(4), true);
  f64 = () => this.view.getFloat64(this.next(8), true);
  /** As a number: above 2^53 it is not exact, and too large for any file. */
  u64 = () => Number(this.view.getBigUint64(this.next(8), true));
  i64 = () => Number(this.view.getBigInt64(this.next(8), true));

  take(count: number): Uint8Array {
    const at = this.next(count);
    return this.bytes.subarray(at, at + count);
  }

  text(count: number): string {
    return utf8(this.take(count));
  }
}

export function utf8(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

/** Parses the JSON of a header; a mistake is a FORMAT error. */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(utf8(bytes));
  } catch (error) {
    throw new RealizarError('FORMAT', `${what} is no JSON: ${(error as Error).message}`, { cause: error });
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Any part of a file: what header readers read from. */
export interface FileReader {
  /** Bytes in all, where known. */
  readonly size?: number;
  /** `length` bytes from `offset` on, fewer only where the file ends. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Exactly `length` bytes; TRUNCATED where the file ends before. */
export async function readExactly(file: FileReader, offset: number, length: number, what: string): Promise<Uint8Array> {
  const bytes = await file.read(offset, length);
  if (bytes.length < length) {
    throw new RealizarError('TRUNCATED', `${what}: the file ends at byte ${offset + bytes.length}, inside its header`);
  }
  return bytes;
}

export function fileOfBytes(bytes: Uint8Array): FileReader {
  return { size: bytes.length, read: async (offset, length) => bytes.subarray(Math.min(offset, bytes.length), offset + length) };
}

let crcTables: Uint32Array[] | undefined;

function makeCrcTables(): Uint32Array[] {
  const tables = Array.from({ length: 8 }, () => new Uint32Array(256));
  for (let i = 0; i < 256; i++) {
    let c = i;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
    tables[0]![i] = c;
  }
  for (let t = 1; t < 8; t++) {
    for (let i = 0; i < 256; i++) tables[t]![i] = (tables[t - 1]![i]! >>> 8) ^ tables[0]![tables[t - 1]![i]! & 255]!;
  }
  return tables;
}

/** CRC-32 (IEEE 802.3), eight bytes a turn; `before` is the checksum of the bytes in front of these. */
export function crc32(bytes: Uint8Array, before = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = (crcTables ??= makeCrcTables()) as [Uint32Array, Uint32Array, Uint32Array,
    Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array];
  let crc = ~before;
  let i = 0;
  for (; i + 8 <= bytes.length; i += 8) {
    const low = crc ^ (bytes[i]! | bytes[i + 1]! << 8 | bytes[i + 2]! << 16 | bytes[i + 3]! << 24);
    crc = t7[low & 255]! ^ t6[(low >>> 8) & 255]! ^ t5[(low >>> 16) & 255]! ^ t4[low >>> 24]!
      ^ t3[bytes[i + 4]!]! ^ t2[bytes[i + 5]!]! ^ t1[bytes[i + 6]!]! ^ t0[bytes[i + 7]!]!;
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[i]!) & 255]!;
  return ~crc >>> 0;
}

/** Bytes that grow. */
export class ByteWriter {
  private data = new Uint8Array(1 << 12);
  private view = new DataView(this.data.buffer);
  length = 0;

  private room(count: number): number {
    if (this.length + count > this.data.length) {
      const larger = new Uint8Array(Math.max(this.data.length * 2, this.length + count));
      larger.set(this.data);
      this.data = larger;
      this.view = new DataView(larger.buffer);
    }
    this.length += count;
    return this.length - count;
  }

  u8(v: number): void { const at = this.room(1); this.view.setUint8(at, v); }
  u16(v: number): void { const at = this.room(2); this.view.setUint16(at, v, true); }
  u32(v: number): void { const at = this.room(4); this.view.setUint32(at, v, true); }
  i32(v: number): void { const at = this.room(4); this.view.setInt32(at, v, true); }
  f32(v: number): void { const at = this.room(4); this.view.setFloat32(at, v, true); }
  f64(v: number): void { const at = this.room(8); this.view.setFloat64(at, v, true); }
  u64(v: number): void { const at = this.room(8); this.view.setBigUint64(at, BigInt(v), true); }
  i64(v: number): void { const at = this.room(8); this.view.setBigInt64(at, BigInt(v), true); }
  bytes(v: Uint8Array): void { const at = this.room(v.length); this.data.set(v, at); }

  /** Zeros up to a multiple of `alignment`. */
  align(alignment: number): void {
    this.room((alignment - this.length % alignment) % alignment);
  }

  done(): Uint8Array {
    return this.data.subarray(0, this.length);
  }
}
