/** Web pages and their workers. */
import { RealizarError } from '../errors.js';
import { ModuleCache, validates } from '../variants.js';
import type { ParentPort, Platform, WasmVariant, WorkerPort } from './platform.js';

const modules = new ModuleCache();

/** Written out, so that bundlers see and move the files. */
function moduleUrl(variant: WasmVariant, threads: boolean): URL {
  if (variant === 'relaxed') {
    return threads ? new URL('../wasm/realizar-relaxed-threads.wasm', import.meta.url)
      : new URL('../wasm/realizar-relaxed.wasm', import.meta.url);
  }
  return threads ? new URL('../wasm/realizar-simd-threads.wasm', import.meta.url)
    : new URL('../wasm/realizar-simd.wasm', import.meta.url);
}

async function compile(url: URL): Promise<WebAssembly.Module> {
  const response = await fetch(url);
  if (!response.ok) throw new RealizarError('SOURCE', `${url} answered ${response.status}: the engine's wasm file is missing`);
  const streamable = response.headers.get('content-type')?.startsWith('application/wasm');
  return streamable ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}

const channel = new MessageChannel();
const paused: (() => void)[] = [];
channel.port1.onmessage = () => paused.shift()?.();

/** The channel to a worker that has started. */
export function portOf(worker: Worker): WorkerPort {
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    onMessage: (handler) => worker.addEventListener('message', (event) => handler(event.data as never)),
    onError: (handler) => worker.addEventListener('error', (event) => handler(new Error(event.message || 'it could not start'))),
    terminate: () => worker.terminate(),
  };
}

export const browser: Platform = {
  async wasmModule(variant, threads, given) {
    if (!validates(variant)) return undefined;
    if (given) return given[variant];
    const url = moduleUrl(variant, threads);
    return modules.get(url.href, () => compile(url));
  },
  /* a page's main thread may not wait for others */
  threads: () => (globalThis.crossOriginIsolated && typeof document === 'undefined' ? navigator.hardwareConcurrency || 1 : 1),
  startPoolThread(thread) {
    const worker = new Worker(new URL('./browser-pool.js', import.meta.url), { type: 'module' });
    worker.postMessage(thread);
    return worker;
  },
  pauseEveryMs: 8,
  pause: () => new Promise((resolve) => {
    paused.push(resolve);
    channel.port2.postMessage(null);
  }),
};

/** The page, seen from its worker. */
export const parent: ParentPort = {
  post: (message, transfer = []) => (globalThis as unknown as DedicatedWorkerGlobalScope).postMessage(message, transfer),
  onMessage: (handler) => globalThis.addEventListener('message', (event) => handler((event as MessageEvent).data as never)),
};

interface DedicatedWorkerGlobalScope {
  postMessage(message: unknown, transfer: Transferable[]): void;
}
