/** A model that computes in a worker: the Model interface over messages. */
import { BaseModel, type ImportChat } from './base-model.js';
import { RealizarError } from './errors.js';
import { isMap } from './folder.js';
import type { Platform, WorkerPort } from './platform/platform.js';
import { type FromWorker, pumpReader, type RemoteCall, type RemoteSource, revive } from './protocol.js';
import { openSource } from './source.js';
import type {
  DetokenizeOptions, EmbedOptions, GenerateOptions, GenerateResult, Generation, LoadOptions, LoadProgress, Model, ModelInfo,
  ModelFiles, Perplexity, PerplexityOptions, Source, TokenEvent, TokenizeOptions,
} from './types.js';

interface Pending {
  resolve(result: never): void;
  reject(error: unknown): void;
  event?: (event: never) => void;
}

type Method = RemoteCall['method'];

/** The worker's own URL is another one. What is no URL is left for fetch to refuse. */
function resolveUrl(url: string): string {
  try {
    return new URL(url, globalThis.location?.href).href;
  } catch {
    return url;
  }
}

/** Sources as they can cross: relative URLs are resolved here, streams are pumped until one calls `stops`. */
async function prepareSource(source: Source, platform: Platform, stops: (() => void)[], signal?: AbortSignal): Promise<RemoteSource> {
  if (source instanceof URL) return source.href;
  if (typeof source === 'string') return platform.openPath ? source : resolveUrl(source);
  if (source instanceof Blob || source instanceof ArrayBuffer || source instanceof Uint8Array) return source;
  const pump = pumpReader(await openSource(source, platform.openPath, signal));
  stops.push(pump.stop);
  return pump.source;
}

export class RemoteModel extends BaseModel {
  override info!: ModelInfo;
  private nextId = 1;
  private readonly pending = new Map<number, Pending>();
  private gone: Error | undefined;

  private constructor(private readonly port: WorkerPort, importChat?: ImportChat) {
    super(importChat);
    port.onMessage((message: FromWorker) => this.receive(message));
    port.onError((error) => this.abandon(new RealizarError('CRASHED', `the worker failed: ${error.message}`, { cause: error })));
  }

  static async load(port: WorkerPort, platform: Platform, source: Source | Source[] | ModelFiles, options: LoadOptions,
    importChat?: ImportChat): Promise<Model> {
    const model = new RemoteModel(port, importChat);
    const stops: (() => void)[] = [];
    try {
      const { signal, onProgress, ...rest } = options;
      const files = isMap(source) ? source : undefined;
      const sources: RemoteSource[] = [];
      for (const one of files ? Object.values(files) : [source as Source | Source[]].flat()) {
        sources.push(await prepareSource(one, platform, stops, signal));
      }
      const pumps = sources.flatMap((s) => (typeof s === 'object' && 'pump' in s ? [s.pump] : []));
      const named = files && Object.fromEntries(Object.keys(files).map((name, i) => [name, sources[i]!]));
      const args = [named ?? sources, { ...rest, worker: false }];
      model.info = await model.call<ModelInfo>('load', args, signal, (p: LoadProgress) => onProgress?.(p), pumps);
      return model;
    } catch (error) {
      /* the worker ends before it could say that it needs no more */
      stops.forEach((stop) => stop());
      model.abandon(error as Error);
      throw error;
    }
  }

  /** Rejects everything that waits and ends the worker. */
  private abandon(error: Error): void {
    this.gone = error;
    this.pending.forEach((p) => p.reject(error));
    this.pending.clear();
    this.port.terminate();
  }

  private receive(message: FromWorker): void {
    const pending = this.pending.get(message.id);
    if (!pending) return;
    if ('event' in message) {
      pending.event?.(message.event as never);
      return;
    }
    this.pending.delete(message.id);
    if ('failure' in message) pending.reject(revive(message.failure));
    else pending.resolve(message.result as never);
  }

  private call<T>(method: Method, args: unknown[], signal?: AbortSignal, event?: (event: never) => void,
    transfer: Transferable[] = []): Promise<T> {
    if (this.gone) return Promise.reject(this.gone);
    if (signal?.aborted) return Promise.reject(signal.reason);
    const id = this.nextId++;
    return new Promise<T>((resolve, reject) => {
      const abort = () => {
        this.pending.delete(id);
        this.port.post({ abort: id });
        reject(signal!.reason);
      };
      const settle = <A>(then: (value: A) => void) => (value: A) => {
        signal?.removeEventListener('abort', abort);
        then(value);
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.pending.set(id, { resolve: settle(resolve), reject: settle(reject), event });
      this.port.post({ id, method, args }, transfer);
    });
  }

  tokenize(text: string, options: TokenizeOptions = {}): Promise<number[]> {
    return this.call('tokenize', [text, options]);
  }

  detokenize(ids: ArrayLike<number>, options: DetokenizeOptions = {}): Promise<string> {
    return this.call('detokenize', [Array.from(ids), options]);
  }

  logits(ids: ArrayLike<number>): Promise<Float32Array> {
    return this.call('logits', [Array.from(ids)]);
  }

  embed(input: string | ArrayLike<number>, options: EmbedOptions = {}): Promise<Float32Array> {
    const { tokenTypes, ...rest } = options;
    const types = tokenTypes && { tokenTypes: Array.from(tokenTypes) };
    return this.call('embed', [typeof input === 'string' ? input : Array.from(input), { ...rest, ...types }]);
  }

  predict(features: ArrayLike<number>): Promise<Float32Array> {
    return this.call('predict', [Float32Array.from(features)]);
  }

  perplexity(text: string, options: PerplexityOptions = {}): Promise<Perplexity> {
    const { signal, onProgress, ...rest } = options;
    return this.call('perplexity', [text, rest], signal, ([done, total]: [number, number]) => onProgress?.(done, total));
  }

  async *events(prompt: string | ArrayLike<number>, options: GenerateOptions = {}): Generation {
    const { signal, ...rest } = options;
    const stop = new AbortController();
    const ready: TokenEvent[] = [];
    let wake = () => {};
    let finished = false;
    const ids = typeof prompt === 'string' ? prompt : Array.from(prompt);
    const both = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
    const result = this.call<GenerateResult>('events', [ids, rest], both, (event: TokenEvent) => {
      ready.push(event);
      wake();
    }).finally(() => {
      finished = true;
      wake();
    });
    result.catch(() => {});
    try {
      while (!finished || ready.length) {
        if (ready.length) yield ready.shift()!;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
      return await result;
    } finally {
      if (!finished) stop.abort();
    }
  }

  async close(): Promise<void> {
    if (this.gone) return;
    await this.call('close', []).catch(() => {});
    this.abandon(new RealizarError('CLOSED', 'the model was closed'));
  }
}
