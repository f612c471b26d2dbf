/** load() and loadTokenizer(): on this thread, or in a worker. */
import { kvTypes, quantizeTypes } from './engine.js';
import { RealizarError } from './errors.js';
import type { LazyImports } from './load-local.js';
import type { Host } from './platform/platform.js';
import { RemoteModel } from './remote.js';
import type { FileContent, LoadOptions, Model, ModelFiles, Source, Tokenizer, TokenizerOptions } from './types.js';

/** A page whose models compute in workers does not fetch what computes. */
export type ImportLocal = () => Promise<typeof import('./load-local.js')>;

export type LoadTokenizer = (file: FileContent, options?: TokenizerOptions) => Promise<Tokenizer>;
export type Load = (source: Source | Source[] | ModelFiles, options?: LoadOptions) => Promise<Model>;

function checkOptions(options: LoadOptions): void {
  const { threads, contextSize } = options;
  if (threads !== undefined && (!Number.isInteger(threads) || threads < 1 || threads > 64)) {
    throw new RealizarError('ARGUMENT', `threads must be a whole number from 1 to 64, not ${threads}`);
  }
  if (contextSize !== undefined && (!Number.isInteger(contextSize) || contextSize < 1 || contextSize > 2 ** 26)) {
    throw new RealizarError('ARGUMENT', `contextSize must be a whole number from 1 to ${2 ** 26}, not ${contextSize}`);
  }
  if (options.quantize !== undefined && !Object.hasOwn(quantizeTypes, options.quantize)) {
    throw new RealizarError('ARGUMENT', `quantize must be one of ${Object.keys(quantizeTypes).join(', ')}, not ${String(options.quantize)}`);
  }
  if (options.kv !== undefined && !kvTypes.includes(options.kv)) {
    throw new RealizarError('ARGUMENT', `kv must be ${kvTypes.join(', ')}, not ${String(options.kv)}`);
  }
}

/** The load() of a host. */
export function createLoad(host: Host, importLocal: ImportLocal, lazy: LazyImports): Load {
  return async (source, options = {}) => {
    checkOptions(options);
    options.signal?.throwIfAborted();
    if (options.worker ?? host.workerByDefault) {
      return RemoteModel.load(host.startWorker(), host, source, options, lazy.chat);
    }
    return (await importLocal()).loadLocal(host, source, options, lazy);
  };
}

function fileBytes(file: FileContent): Uint8Array {
  if (typeof file === 'string') return new TextEncoder().encode(file);
  return file instanceof Uint8Array ? file : new Uint8Array(file);
}

/** The loadTokenizer() of a host; computes on this thread. */
export function createLoadTokenizer(host: Host, importLocal: ImportLocal): LoadTokenizer {
  return async (file, options = {}) => {
    const bytes = fileBytes(file);
    const config = options.config === undefined ? undefined : fileBytes(options.config);
    return (await importLocal()).openTokenizer(host, bytes, config, options);
  };
}
