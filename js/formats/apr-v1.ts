/** .apr files of version 1 as JavaScript sees them: the header, the metadata, compressed payloads. */
import { RealizarError } from '../errors.js';
import { ByteWriter, Cursor, crc32 } from './bytes.js';
import { checkFooter } from './apr.js';
import { decompressLz4, decompressZstd } from './decompress.js';

const headerBytes = 32;
const maxPayloadBytes = 2 ** 30;
const maxDepth = 32;

const typeNames: Record<number, string> = {
  0x01: 'LinearRegression', 0x02: 'LogisticRegression', 0x03: 'DecisionTree', 0x04: 'RandomForest', 0x05: 'GradientBoosting',
  0x06: 'KMeans', 0x07: 'PCA', 0x08: 'NaiveBayes', 0x09: 'KNN', 0x0a: 'SVM', 0x10: 'NgramLM', 0x11: 'TFIDF',
  0x12: 'CountVectorizer', 0x20: 'NeuralSequential', 0x21: 'NeuralCustom', 0x30: 'ContentRecommender',
  0x40: 'MixtureOfExperts', 0x50: 'TransformerLM', 0xff: 'Custom',
};
const compressions = ['none', 'zstd', 'zstd', 'lz4'];

export interface AprV1Header {
  /** "1.0" */
  version: string;
  type: number;
  typeName: string;
  compression: string;
  encrypted: boolean;
  metadata: unknown;
  metaBytes: number;
  payloadBytes: number;
  plainBytes: number;
}

/** One MessagePack value; integers beyond 2^53 lose digits, extensions become null. */
function readMessagePack(c: Cursor, depth = 0): unknown {
  if (depth > maxDepth) throw new RealizarError('FORMAT', '.apr: the metadata are nested too deep');
  const list = (n: number) => Array.from({ length: Math.min(n, c.left + 1) }, () => readMessagePack(c, depth + 1));
  const map = (n: number) => {
    const pairs: [string, unknown][] = [];
    for (let i = 0; i < n; i++) pairs.push([String(readMessagePack(c, depth + 1)), readMessagePack(c, depth + 1)]);
    return Object.fromEntries(pairs);
  };
  const bigEndian = (n: number) => c.take(n).reduce((value, byte) => value * 256 + byte, 0);
  const view = (n: number) => {
    const bytes = c.take(n);
    return new DataView(bytes.buffer, bytes.byteOffset);
  };
  const skip = (n: number) => {
    c.take(n + 1);
    return null;
  };
  const t = c.u8();
  if (t < 0x80) return t;
  if (t < 0x90) return map(t & 15);
  if (t < 0xa0) return list(t & 15);
  if (t < 0xc0) return c.text(t & 31);
  if (t >= 0xe0) return t - 256;
  switch (t) {
    case 0xc0: return null;
    case 0xc2: return false;
    case 0xc3: return true;
    case 0xc4: case 0xd9: return c.text(bigEndian(1));
    case 0xc5: case 0xda: return c.text(bigEndian(2));
    case 0xc6: case 0xdb: return c.text(bigEndian(4));
    case 0xc7: case 0xc8: case 0xc9: return skip(bigEndian(1 << (t - 0xc7)));
    case 0xca: return view(4).getFloat32(0);
    case 0xcb: return view(8).getFloat64(0);
    case 0xcc: case 0xcd: case 0xce: case 0xcf: return bigEndian(1 << (t - 0xcc));
    case 0xd0: return view(1).getInt8(0);
    case 0xd1: return view(2).getInt16(0);
    case 0xd2: return view(4).getInt32(0);
    case 0xd3: return Number(view(8).getBigInt64(0));
    case 0xd4: case 0xd5: case 0xd6: case 0xd7: case 0xd8: return skip(1 << (t - 0xd4));
    case 0xdc: return list(bigEndian(2));
    case 0xdd: return list(bigEndian(4));
    case 0xde: return map(bigEndian(2));
    case 0xdf: return map(bigEndian(4));
    default: throw new RealizarError('FORMAT', `.apr: the metadata hold the byte ${t.toString(16)}, which MessagePack does not know`);
  }
}

/** The header and metadata of a file's first bytes. */
export function parseAprV1(bytes: Uint8Array): AprV1Header {
  const c = new Cursor(bytes, '.apr');
  if (c.text(4) !== 'APRN') throw new RealizarError('FORMAT', '.apr: the file does not start with APRN');
  const version = `${c.u8()}.${c.u8()}`;
  const type = c.u16();
  const metaBytes = c.u32();
  const payloadBytes = c.u32();
  const plainBytes = c.u32();
  const compression = c.u8();
  const flags = c.u8();
  c.at = headerBytes;
  const metadata = metaBytes ? readMessagePack(new Cursor(c.take(metaBytes), '.apr')) : {};
  return {
    version, type, typeName: typeNames[type] ?? `unknown (${type})`, compression: compressions[compression] ?? `unknown (${compression})`,
    encrypted: (flags & 1) !== 0, metadata, metaBytes, payloadBytes, plainBytes,
  };
}

/**
 * The same file with its payload decompressed, as the engine reads it. Files with other faults are
 * handed on as they are: the engine names them.
 */
export async function expandAprV1(file: Uint8Array): Promise<Uint8Array> {
  if (file.length < headerBytes + 4 || file[20] === 0 || file[20]! > 3 || file[21]! & 1) return file;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const payloadAt = headerBytes + view.getUint32(8, true);
  const payloadEnd = payloadAt + view.getUint32(12, true);
  const plainBytes = view.getUint32(16, true);
  if (payloadEnd > file.length - 4) return file;
  checkFooter(file, file.length - 4);
  if (plainBytes > maxPayloadBytes) throw new RealizarError('FORMAT', `.apr: the payload claims ${plainBytes} bytes, at most ${maxPayloadBytes} are possible`);
  const packed = file.subarray(payloadAt, payloadEnd);
  const payload = file[20] === 3 ? decompressLz4(packed, plainBytes) : await decompressZstd(packed, plainBytes);
  if (payload.length !== plainBytes) throw new RealizarError('FORMAT', `.apr: ${payload.length} bytes come out of the payload, not ${plainBytes}`);
  const head = new Uint8Array(file.subarray(0, payloadAt)); // a Buffer's slice() would not copy
  head[20] = 0;
  head[21]! &= ~2; /* the signature was of the compressed bytes */
  new DataView(head.buffer).setUint32(12, plainBytes, true);
  return seal([head, payload]);
}

function seal(pieces: Uint8Array[]): Uint8Array {
  const w = new ByteWriter();
  pieces.forEach((p) => w.bytes(p));
  w.u32(crc32(w.done()));
  return w.done();
}

/* ---- writing --------------------------------------------------------------------------------- */

export interface LogisticModel {
  coefficients: ArrayLike<number>;
  intercept: number;
  learningRate: number;
  maxIterations: number;
  tolerance: number;
}

function shortText(w: ByteWriter, text: string): void {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length < 32) {
    w.u8(0xa0 | bytes.length);
  } else {
    w.u8(0xd9);
    w.u8(bytes.length);
  }
  w.bytes(bytes);
}

/** At most 15 short texts as a MessagePack map. */
function writeMetadata(metadata: Record<string, string>): Uint8Array {
  const w = new ByteWriter();
  const pairs = Object.entries(metadata);
  w.u8(0x80 | pairs.length);
  for (const pair of pairs) pair.forEach((text) => shortText(w, text));
  return w.done();
}

/** A file of version 1 around a payload that is not compressed. */
export function writeAprV1(type: number, metadata: Record<string, string>, payload: Uint8Array): Uint8Array {
  const meta = writeMetadata(metadata);
  const w = new ByteWriter();
  w.bytes(new TextEncoder().encode('APRN'));
  w.u8(1);
  w.u8(0);
  w.u16(type);
  w.u32(meta.length);
  w.u32(payload.length);
  w.u32(payload.length);
  w.align(headerBytes);
  return seal([w.done(), meta, payload]);
}

function coefficients(w: ByteWriter, values: ArrayLike<number>): void {
  w.u8(1);
  w.u64(values.length);
  for (let i = 0; i < values.length; i++) w.f32(values[i]!);
}

export function writeLogistic(model: LogisticModel, metadata: Record<string, string>): Uint8Array {
  const w = new ByteWriter();
  coefficients(w, model.coefficients);
  w.f32(model.intercept);
  w.f32(model.learningRate);
  w.u64(model.maxIterations);
  w.f32(model.tolerance);
  return writeAprV1(0x02, metadata, w.done());
}

export function writeLinear(model: { coefficients: ArrayLike<number>; intercept: number }, metadata: Record<string, string>): Uint8Array {
  const w = new ByteWriter();
  coefficients(w, model.coefficients);
  w.f32(model.intercept);
  w.u8(1);
  return writeAprV1(0x01, metadata, w.done());
}

/** `centroids`: one row after the other. */
export function writeKMeans(model: { centroids: ArrayLike<number>; clusters: number; seed: number }, metadata: Record<string, string>): Uint8Array {
  const { centroids, clusters } = model;
  const w = new ByteWriter();
  w.u64(clusters);
  w.u64(300);
  w.f32(1e-4);
  w.u8(1);
  w.u64(model.seed);
  coefficients(w, centroids);
  w.u64(clusters);
  w.u64(centroids.length / clusters);
  w.u8(0); /* labels */
  w.f32(0);
  w.u64(0);
  return writeAprV1(0x06, metadata, w.done());
}
