/** Cloudflare Workers: one thread, modules come from the caller, no files. */
import { RealizarError } from '../errors.js';
import { validates } from '../variants.js';
import type { Host } from './platform.js';

function notHere(what: string): never {
  throw new RealizarError('UNSUPPORTED', `${what} is not possible in a Cloudflare Worker`);
}

export const workerd: Host = {
  async wasmModule(variant, _threads, given) {
    if (!given) {
      throw new RealizarError('ARGUMENT', 'a Cloudflare Worker must import the .wasm modules and pass them as the option `modules`');
    }
    return given[variant] && validates(variant) ? given[variant] : undefined;
  },
  threads: () => 1,
  startPoolThread: () => notHere('a thread'),
  workerByDefault: false,
  startWorker: () => notHere('a worker'),
  /* the clock stands still while a Worker computes, and nothing is sent meanwhile */
  pauseEveryMs: 0,
  pause: () => new Promise((resolve) => setTimeout(resolve, 0)),
};
