/** Sources of model bytes: everything becomes a reader that yields chunks in order. */
import { RealizarError } from './errors.js';
import type { Source } from './types.js';

export interface ByteReader {
  /** Bytes in all, where known. */
  size?: number;
  /** The next chunk, null at the end. */
  read(): Promise<Uint8Array | null>;
  /** Gives up; also ends a read() that is waiting. */
  cancel(): void;
}

export type OpenPath = (path: string) => Promise<ByteReader>;

/** The next chunk of a reader that stands at byte `at`; says where a source failed. */
async function readAt(reader: ByteReader, at: number): Promise<Uint8Array | null> {
  try {
    return await reader.read();
  } catch (error) {
    if (error instanceof RealizarError) throw error;
    throw new RealizarError('SOURCE', `the source failed at byte ${at}: ${(error as Error).message ?? error}`, { cause: error });
  }
}

function readStream(stream: ReadableStream<Uint8Array>, size?: number): ByteReader {
  if (stream.locked) throw new RealizarError('ARGUMENT', 'the stream of the model was read already, or something else reads it');
  const reader = stream.getReader();
  return {
    size,
    async read() {
      const { done, value } = await reader.read();
      return done ? null : value;
    },
    cancel: () => void reader.cancel().catch(() => {}),
  };
}

function readBytes(bytes: Uint8Array): ByteReader {
  let next: Uint8Array | null = bytes;
  return {
    size: bytes.length,
    async read() {
      const chunk = next;
      next = null;
      return chunk;
    },
    cancel() {},
  };
}

/** Blobs are read slice by slice: their own stream() may hold all of a large file. */
function readBlob(blob: Blob): ByteReader {
  const step = 1 << 20;
  let at = 0;
  return {
    size: blob.size,
    async read() {
      if (at >= blob.size) return null;
      const chunk = await blob.slice(at, at + step).arrayBuffer();
      at += chunk.byteLength;
      return new Uint8Array(chunk);
    },
    cancel() {},
  };
}

function readResponse(response: Response): ByteReader {
  if (!response.ok) {
    throw new RealizarError('SOURCE', `${response.url || 'the server'} answered ${response.status} ${response.statusText}`.trim());
  }
  if (!response.body) throw new RealizarError('SOURCE', `${response.url || 'the response'} has no body`);
  const length = response.headers.get('content-encoding') ? null : response.headers.get('content-length');
  return readStream(response.body, length ? Number(length) : undefined);
}

async function readUrl(url: URL | Request | string, signal?: AbortSignal): Promise<ByteReader> {
  const shown = url instanceof Request ? url.url : String(url);
  let response: Response;
  try {
    response = await fetch(url, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw new RealizarError('SOURCE', `cannot fetch ${shown}: ${(error as Error).message}`, { cause: error });
  }
  return readResponse(response);
}

function isUrl(text: string): boolean {
  return /^(https?|blob|data):/i.test(text);
}

/** Opens one source. `openPath` reads what is no URL; without it such strings are relative URLs. */
export async function openSource(source: Source, openPath?: OpenPath, signal?: AbortSignal): Promise<ByteReader> {
  if (typeof source === 'string') {
    return openPath && !isUrl(source) ? openPath(source) : readUrl(source, signal);
  }
  if (source instanceof URL) {
    return openPath && source.protocol === 'file:' ? openPath(source.href) : readUrl(source, signal);
  }
  if (source instanceof ArrayBuffer) return readBytes(new Uint8Array(source));
  if (source instanceof Uint8Array) return readBytes(source);
  if (source instanceof Blob) return readBlob(source);
  if (source instanceof ReadableStream) return readStream(source);
  if (source instanceof Response) return readResponse(source);
  if (source instanceof Request) return readUrl(source, signal);
  throw new RealizarError('ARGUMENT', 'a model source is a URL, path, Response, ReadableStream, Blob, ArrayBuffer or a list of these');
}

function join(chunks: Uint8Array[], bytes: number): Uint8Array {
  const filled = chunks.filter((c) => c.length);
  if (filled.length < 2) return filled[0] ?? new Uint8Array(0);
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of filled) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** A reader with a position: hands out what is there and skips gaps. */
export class Part {
  position = 0;
  private rest: Uint8Array = new Uint8Array(0);
  private ended = false;

  constructor(readonly reader: ByteReader) {}

  /** Bytes from `offset` on; empty at the end. */
  async at(offset: number): Promise<Uint8Array> {
    while (!this.ended && this.position + this.rest.length <= offset) {
      this.position += this.rest.length;
      const chunk = await readAt(this.reader, this.position);
      this.ended = chunk === null;
      this.rest = chunk ?? new Uint8Array(0);
    }
    this.take(Math.min(Math.max(offset - this.position, 0), this.rest.length));
    return this.rest;
  }

  /** The next `bytes` bytes without taking them, fewer only where the file ends. */
  async peek(bytes: number): Promise<Uint8Array> {
    const chunks = [this.rest];
    let have = this.rest.length;
    while (!this.ended && have < bytes) {
      chunks.push(new Uint8Array(chunks.pop()!)); // a reader may use its buffer again
      const chunk = await readAt(this.reader, this.position + have);
      this.ended = chunk === null;
      if (chunk) chunks.push(chunk);
      have += chunk?.length ?? 0;
    }
    this.rest = join(chunks, have);
    return this.rest.subarray(0, bytes);
  }

  /** The first `bytes` bytes of what at() returned are done with. */
  take(bytes: number): void {
    this.rest = this.rest.subarray(bytes);
    this.position += bytes;
  }
}

/** Several sources as one file, one after the other. */
function joinReaders(readers: ByteReader[]): ByteReader {
  const sizes = readers.map((r) => r.size);
  let current = 0;
  return {
    size: sizes.every((s) => s !== undefined) ? sizes.reduce((a, b) => a! + b!, 0) : undefined,
    async read() {
      for (; current < readers.length; current++) {
        const chunk = await readers[current]!.read();
        if (chunk) return chunk;
      }
      return null;
    },
    cancel: () => readers.forEach((r) => r.cancel()),
  };
}

/** Whether a file begins with these letters. */
export function starts(bytes: Uint8Array, magic: string): boolean {
  return String.fromCharCode(...bytes.subarray(0, magic.length)) === magic;
}

/** JSON, or a safetensors file: the length of its header in 8 bytes, then JSON. */
export function startsJson(bytes: Uint8Array): boolean {
  const brace = '{'.charCodeAt(0);
  return bytes[0] === brace || (bytes.length > 8 && bytes[8] === brace && bytes.subarray(4, 8).every((b) => b === 0));
}

/** The first chunk of a reader, which still comes first afterwards. */
async function peek(reader: ByteReader): Promise<{ first: Uint8Array; reader: ByteReader }> {
  let held: Uint8Array | null = await readAt(reader, 0);
  const first = held ?? new Uint8Array(0);
  return {
    first,
    reader: {
      size: reader.size,
      async read() {
        if (!held) return reader.read();
        const chunk = held;
        held = null;
        return chunk;
      },
      cancel: () => reader.cancel(),
    },
  };
}

/**
 * Opens a source or a list of parts. A list is either files (a split GGUF, a Hugging Face model, a model and its
 * tokenizer) or one file cut into pieces; the first bytes of the first two tell.
 */
export async function openParts(source: Source | Source[], openPath?: OpenPath, signal?: AbortSignal): Promise<Part[]> {
  const sources = Array.isArray(source) ? source : [source];
  if (sources.length === 0) throw new RealizarError('ARGUMENT', 'the list of model parts is empty');
  const readers: ByteReader[] = [];
  try {
    for (const one of sources) readers.push(await openSource(one, openPath, signal));
    if (readers.length === 1) return [new Part(readers[0]!)];
    const [first, second] = [await peek(readers[0]!), await peek(readers[1]!)];
    readers.splice(0, 2, first.reader, second.reader);
    const cutUp = starts(first.first, 'GGUF') || starts(first.first, 'APR') || startsJson(first.first);
    const files = !cutUp || starts(second.first, 'GGUF') || (startsJson(first.first) && startsJson(second.first));
    return files ? readers.map((r) => new Part(r)) : [new Part(joinReaders(readers))];
  } catch (error) {
    readers.forEach((r) => r.cancel());
    signal?.throwIfAborted();
    throw error;
  }
}
