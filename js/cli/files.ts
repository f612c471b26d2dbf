/** Files that commands read anywhere: on disk or over HTTP range requests. */
import { RealizarError } from '../errors.js';
import type { FileReader } from '../formats/bytes.js';
import { openFile } from '../platform/node.js';

export type OpenFile = FileReader & { close(): Promise<void> };

/** The first `length` bytes of a body that comes from its beginning. */
async function readStart(response: Response, length: number): Promise<Uint8Array> {
  const reader = response.body!.getReader();
  const chunks: Uint8Array[] = [];
  let have = 0;
  while (have < length) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    have += value.length;
  }
  await reader.cancel();
  return new Uint8Array(Buffer.concat(chunks).subarray(0, length));
}

function sizeIn(response: Response): number | undefined {
  const whole = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1] ?? (response.status === 200 ? response.headers.get('content-length') : null);
  return whole ? Number(whole) : undefined;
}

/** Range requests; from a server that knows none, the beginning of the whole answer. */
async function openUrl(url: string): Promise<OpenFile> {
  const get = async (offset: number, length: number): Promise<Response> => {
    const response = await fetch(url, { headers: { range: `bytes=${offset}-${offset + length - 1}` } }).catch((error: Error) => {
      throw new RealizarError('SOURCE', `cannot fetch ${url}: ${error.message}`, { cause: error });
    });
    if (!response.ok && response.status !== 416) throw new RealizarError('SOURCE', `${url} answered ${response.status} ${response.statusText}`.trim());
    return response;
  };
  const first = await get(0, 1 << 16);
  const size = sizeIn(first);
  const start = await readStart(first, 1 << 16);
  return {
    size,
    async read(offset, length) {
      const end = Math.min(offset + length, size ?? Infinity);
      if (end <= start.length) return start.subarray(Math.min(offset, start.length), end);
      if (offset >= end) return new Uint8Array(0);
      const response = await get(offset, end - offset);
      if (response.status === 206) return new Uint8Array(await response.arrayBuffer());
      return (await readStart(response, end)).subarray(offset);
    },
    async close() {},
  };
}

export function openAnywhere(path: string): Promise<OpenFile> {
  return /^https?:\/\//i.test(path) ? openUrl(path) : openFile(path);
}
