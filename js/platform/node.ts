/** Node.js, and what the command line and the server need of it. */
import { createRequire } from 'node:module';
import { open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { RealizarError } from '../errors.js';
import type { FileReader } from '../formats/bytes.js';
import { type Addon, nativeBackend } from '../native.js';
import type { ByteReader } from '../source.js';
import { ModuleCache, validates } from '../variants.js';
import type { Host, NativeBackend, ParentPort } from './platform.js';

const modules = new ModuleCache();
const readBytes = 4 << 20;

function localPath(path: string): string {
  return path.startsWith('file:') ? fileURLToPath(path) : path;
}

async function openPath(path: string): Promise<ByteReader> {
  const name = localPath(path);
  const file = await open(name).catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === 'ENOENT' ? 'there is no such file' : error.message;
    throw new RealizarError('SOURCE', `cannot open ${name}: ${reason}`, { cause: error });
  });
  const stat = await file.stat();
  if (!stat.isFile()) {
    await file.close();
    throw new RealizarError('SOURCE', `cannot read ${name}: it is not a file`);
  }
  const buffer = new Uint8Array(Math.min(readBytes, stat.size || readBytes));
  let closed = false;
  return {
    size: stat.size,
    async read() {
      const { bytesRead } = await file.read(buffer, 0, buffer.length);
      return bytesRead ? buffer.subarray(0, bytesRead) : null;
    },
    cancel() {
      if (!closed) void file.close();
      closed = true;
    },
  };
}

async function listFolder(path: string): Promise<string[] | undefined> {
  if (/^(https?|blob|data):/i.test(path) || !(await folderExists(localPath(path)))) return undefined;
  const names: string[] = [];
  for (const entry of await readdir(localPath(path), { withFileTypes: true })) {
    if (!entry.isDirectory()) names.push(entry.name);
    else if (entry.name === '1_Pooling') names.push(...(await readdir(join(localPath(path), entry.name))).map((n) => `${entry.name}/${n}`));
  }
  return names;
}

/** The add-on is looked for once, beside this package's compiled files. */
let native: NativeBackend | null | undefined;
function findNative(): NativeBackend | undefined {
  if (native === undefined) {
    try {
      native = nativeBackend(createRequire(import.meta.url)('../native/realizar.node') as Addon);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
      native = null;
    }
  }
  return native ?? undefined;
}

export const node: Host = {
  async wasmModule(variant, threads, given) {
    if (!validates(variant)) return undefined;
    if (given) return given[variant];
    const file = new URL(`../wasm/realizar-${variant}${threads ? '-threads' : ''}.wasm`, import.meta.url);
    return modules.get(file.href, async () => WebAssembly.compile(await readFile(file)));
  },
  threads: availableParallelism,
  startPoolThread(thread) {
    const worker = new Worker(new URL('./node-pool.js', import.meta.url), { workerData: thread });
    worker.unref();
    return { terminate: () => void worker.terminate() };
  },
  workerByDefault: false,
  startWorker() {
    const worker = new Worker(new URL('./node-worker.js', import.meta.url));
    return {
      post: (message, transfer = []) => worker.postMessage(message, transfer as never),
      onMessage: (handler) => worker.on('message', (message) => handler(message as never)),
      onError: (handler) => worker.on('error', handler),
      terminate: () => void worker.terminate(),
    };
  },
  pauseEveryMs: 8,
  pause: () => new Promise((resolve) => setImmediate(resolve)),
  openPath,
  listFolder,
  native: findNative,
};

/** The starting thread, seen from a worker. */
export const parent: ParentPort = {
  post: (message, transfer = []) => parentPort!.postMessage(message, transfer as never),
  onMessage: (handler) => void parentPort!.on('message', (message) => handler(message as never)),
};

/** A file of the package itself, by its path from the package's root. */
export function packagePath(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

export async function fileExists(path: string): Promise<boolean> {
  return stat(path).then((s) => s.isFile(), () => false);
}

export async function folderExists(path: string): Promise<boolean> {
  return stat(path).then((s) => s.isDirectory(), () => false);
}

/** A file that is read anywhere. */
export async function openFile(path: string): Promise<FileReader & { close(): Promise<void> }> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === 'ENOENT' ? 'there is no such file' : error.message;
    throw new RealizarError('SOURCE', `cannot open ${path}: ${reason}`, { cause: error });
  });
  return {
    size: (await file.stat()).size,
    async read(offset, length) {
      const buffer = new Uint8Array(Math.max(0, Math.min(length, (await file.stat()).size - offset)));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
      return buffer.subarray(0, bytesRead);
    },
    close: () => file.close(),
  };
}

/** Writes a file piece by piece; a failure leaves nothing behind. */
export async function writeFileFrom(path: string, pieces: AsyncIterable<Uint8Array>): Promise<number> {
  const part = `${path}.part`;
  const file = await open(part, 'w');
  let bytes = 0;
  try {
    for await (const piece of pieces) {
      await file.write(piece);
      bytes += piece.length;
    }
    await file.close();
    await rename(part, path);
    return bytes;
  } catch (error) {
    await file.close();
    await rm(part, { force: true });
    throw error;
  }
}

/** Names in a folder. */
export async function folderFiles(path: string): Promise<string[]> {
  return readdir(path);
}

export async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === 'ENOENT' ? 'there is no such file' : error.message;
    throw new RealizarError('SOURCE', `cannot read ${path}: ${reason}`, { cause: error });
  });
}

export async function writeText(path: string, text: string): Promise<void> {
  await writeFile(path, text).catch((error: NodeJS.ErrnoException) => {
    throw new RealizarError('SOURCE', `cannot write ${path}: ${error.message}`, { cause: error });
  });
}

/** All of standard input. */
export async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

export const availableProcessors = availableParallelism;

/** Memory of this process that is in use, in bytes. */
export const residentBytes = (): number => process.memoryUsage.rss();

/** What figures of speed have to say about the machine. */
export async function describeMachine(): Promise<string> {
  const governor = await readFile('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor', 'utf8').catch(() => 'not known');
  return `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} processors, ${Math.round(totalmem() / 2 ** 30)} GiB, `
    + `governor ${governor.trim()}, load ${loadavg()[0]!.toFixed(2)}; ${process.platform} ${process.arch}, Node.js ${process.versions.node}`;
}

export { workerData };
