/** Compressed parts of .apr files. No more is allocated than comes out, whatever a header claims. */
import { RealizarError } from '../errors.js';
import { Cursor } from './bytes.js';
import { Decompress } from './zstd.js';

function damaged(method: string, why: string): never {
  throw new RealizarError('FORMAT', `.apr: the ${method} part is damaged: ${why}`);
}

/** Output that grows up to a limit. */
class Output {
  private data: Uint8Array;
  length = 0;

  constructor(private readonly method: string, private readonly limit: number) {
    this.data = new Uint8Array(Math.min(limit, 1 << 16));
  }

  private room(count: number): void {
    const wanted = this.length + count;
    if (wanted > this.limit) damaged(this.method, `more than ${this.limit} bytes come out`);
    if (wanted <= this.data.length) return;
    const larger = new Uint8Array(Math.min(this.limit, Math.max(wanted, 2 * this.data.length)));
    larger.set(this.data.subarray(0, this.length));
    this.data = larger;
  }

  add(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.data.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Repeats what came out `back` bytes ago; the copy may overlap itself. */
  repeat(back: number, count: number): void {
    if (back === 0 || back > this.length) damaged(this.method, `a copy from ${back} bytes ago at byte ${this.length}`);
    this.room(count);
    for (let i = 0; i < count; i++) this.data[this.length + i] = this.data[this.length + i - back]!;
    this.length += count;
  }

  done(): Uint8Array {
    return this.data.subarray(0, this.length);
  }
}

/** Lengths go on in bytes of 255. */
function longLength(c: Cursor, nibble: number): number {
  let length = nibble;
  if (nibble < 15) return length;
  for (let more = 255; more === 255;) {
    more = c.u8();
    length += more;
  }
  return length;
}

/** A u32 with the size, then one raw LZ4 block. */
export function decompressLz4(data: Uint8Array, limit: number): Uint8Array {
  const c = new Cursor(data, '.apr: the lz4 part');
  const size = c.u32();
  const out = new Output('lz4', Math.min(limit, size));
  while (c.left) {
    const token = c.u8();
    out.add(c.take(longLength(c, token >> 4)));
    if (c.left) {
      const back = c.u16();
      out.repeat(back, longLength(c, token & 15) + 4);
    }
  }
  if (out.length !== size) damaged('lz4', `${out.length} bytes come out, not ${size}`);
  return out.done();
}

const zstdPiece = 1 << 16;

export async function decompressZstd(data: Uint8Array, limit: number): Promise<Uint8Array> {
  const out = new Output('zstd', limit);
  const stream = new Decompress((chunk) => out.add(chunk));
  try {
    for (let at = 0; at < data.length; at += zstdPiece) stream.push(data.subarray(at, at + zstdPiece), at + zstdPiece >= data.length);
  } catch (error) {
    if (error instanceof RealizarError) throw error;
    damaged('zstd', (error as Error).message);
  }
  return out.done();
}
