// Makes .apr files for tests: containers of every layout around given tensors.
import { readFileSync } from 'node:fs';
import { aprMetadata, aprTensor, aprV2Bytes } from '../../dist/formats/apr-write.js';
import { crc32 } from '../../dist/formats/bytes.js';
import { parseGguf } from '../../dist/formats/gguf.js';

export function u32(...values) {
  return Buffer.from(Uint32Array.from(values).buffer);
}

export function f32(...values) {
  return Buffer.from(Float32Array.from(values).buffer);
}

/** Bytes and the checksum of them behind. */
export function sealed(...pieces) {
  const bytes = Buffer.concat(pieces);
  return Buffer.concat([bytes, u32(crc32(bytes))]);
}

/** The same with the header's checksum made right, and the one at the end. */
export function resealV2(file) {
  const bytes = Buffer.from(file.subarray(0, -4));
  bytes.writeUInt32LE(crc32(Buffer.concat([bytes.subarray(0, 40), bytes.subarray(44, 64)])), 40);
  return sealed(bytes);
}

/** tensors: [{name, shape, bytes}], all F32 */
export function apr1(metadata, tensors) {
  let offset = 0;
  const index = tensors.map(({ name, shape, bytes }) => {
    offset += bytes.length;
    return { name, dtype: 'F32', shape, offset: offset - bytes.length, size: bytes.length };
  });
  const meta = Buffer.from(JSON.stringify(metadata));
  const list = Buffer.from(JSON.stringify(index));
  return sealed(Buffer.from('APR1'), u32(meta.length), meta, u32(tensors.length, list.length), list, ...tensors.map((t) => t.bytes));
}

/** An lz4 block of literals alone, with its size in front. */
export function lz4Literals(data) {
  const lengths = [];
  let rest = data.length - 15;
  for (; rest >= 255; rest -= 255) lengths.push(255);
  const token = data.length < 15 ? [data.length << 4] : [0xf0, ...lengths, rest];
  return Buffer.concat([u32(data.length), Buffer.from(token), data]);
}

/** A zstd frame of raw blocks. */
export function zstdRaw(data) {
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0]); // single segment, 4 bytes of size
  head.writeUInt32LE(data.length, 5);
  const blocks = [];
  for (let at = 0; at < data.length || at === 0; at += 1 << 16) {
    const part = data.subarray(at, at + (1 << 16));
    const last = at + (1 << 16) >= data.length ? 1 : 0;
    const word = last | part.length << 3;
    blocks.push(Buffer.from([word & 255, (word >> 8) & 255, word >> 16]), part);
  }
  return Buffer.concat([head, ...blocks]);
}

/** A file of version 1 with its payload compressed: 1 zstd, 3 lz4. */
export function compressV1(file, method) {
  const metaBytes = file.readUInt32LE(8);
  const payload = file.subarray(32 + metaBytes, -4);
  const packed = method === 3 ? lz4Literals(payload) : zstdRaw(payload);
  const head = Buffer.from(file.subarray(0, 32 + metaBytes));
  head.writeUInt32LE(packed.length, 12);
  head[20] = method;
  return sealed(head, packed);
}

export async function collect(pieces) {
  const all = [];
  for await (const piece of pieces) all.push(Buffer.from(piece));
  return Buffer.concat(all);
}

/** A GGUF file as .apr version 2. */
export async function asApr(path) {
  const bytes = readFileSync(path);
  const model = parseGguf(bytes);
  return collect(aprV2Bytes(aprMetadata(model), model.tensors.map((t) => aprTensor(t, async function* () {
    yield bytes.subarray(t.offset, t.offset + t.bytes);
  }))));
}
