/** Loads on this thread: a source, an engine, the bytes from one into the other. */
import { WasmEngine, WasmModel } from './abi.js';
import type { ImportChat } from './base-model.js';
import { type EngineLoader, type EngineModel, type EngineOptions, type EngineTools, quantizeTypes } from './engine.js';
import { RealizarError } from './errors.js';
import { openModel } from './folder.js';
import type { Adapt } from './formats/adapt.js';
import { LocalModel } from './model.js';
import type { NativeBackend, Platform, WasmVariant } from './platform/platform.js';
import { PredictorModel } from './predictor.js';
import { type Part, starts, startsJson } from './source.js';
import type { LoadOptions, Model, ModelFiles, Source, Tokenizer, TokenizerOptions } from './types.js';

/** What is fetched only when it is needed. */
export interface LazyImports {
  /** A worker's load needs none: conversations are rendered by the model's owner. */
  chat?: ImportChat;
  formats: () => Promise<{ adapt: Adapt }>;
}

const maxThreads = 8;
const progressEveryMs = 33;

/** Calls onProgress as bytes arrive, not more often than a screen shows. */
class Progress {
  private loaded = 0;
  private shownAt = -Infinity;
  private readonly total?: number;

  constructor(parts: Part[], private readonly show: LoadOptions['onProgress']) {
    const sizes = parts.map((p) => p.reader.size);
    if (sizes.every((s) => s !== undefined)) this.total = sizes.reduce((a, b) => a! + b!, 0);
  }

  add(bytes: number): void {
    this.loaded += bytes;
    if (performance.now() - this.shownAt < progressEveryMs) return;
    this.shownAt = performance.now();
    this.show?.({ loaded: this.loaded, total: this.total });
  }

  end(): void {
    this.show?.({ loaded: this.total ?? this.loaded, total: this.total ?? this.loaded });
  }
}

/** Rejects when the signal does; cancels the readers so that waiting reads end too. */
async function feed(loader: EngineLoader, parts: Part[], progress: Progress, signal?: AbortSignal): Promise<void> {
  const cancel = () => parts.forEach((p) => p.reader.cancel());
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    parts.forEach((p, i) => {
      if (p.reader.size !== undefined) loader.setSize(i, p.reader.size);
    });
    for (let need = loader.next(); need; need = loader.next()) {
      const part = parts[need.part]!;
      const before = part.position;
      const bytes = await part.at(need.offset);
      signal?.throwIfAborted();
      part.take(loader.feed(bytes));
      progress.add(part.position - before);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', cancel);
    cancel();
  }
}

/** Runs a loader to its end; frees it on every way out. */
async function readModel(loader: EngineLoader, parts: Part[], options: LoadOptions): Promise<EngineModel> {
  try {
    const progress = new Progress(parts, options.onProgress);
    await feed(loader, parts, progress, options.signal);
    progress.end();
    options.signal?.throwIfAborted(); // onProgress may have aborted
    return loader.finish();
  } finally {
    loader.close();
  }
}

/** The fastest engine that works here: relaxed SIMD where it validates and computes as expected. */
async function createWasmEngine(platform: Platform, options: LoadOptions, threads: number, maxBytes: number): Promise<WasmEngine> {
  const variants: WasmVariant[] = ['relaxed', 'simd'];
  for (const variant of variants) {
    if (options.variant && options.variant !== variant) continue;
    const module = await platform.wasmModule(variant, threads > 1, options.modules);
    if (!module) continue;
    const engine = await WasmEngine.create(module, threads > 1, maxBytes);
    if (variant === 'simd' || engine.relaxedWorks()) return engine;
  }
  const wanted = options.variant ? `The variant '${options.variant}'` : 'WebAssembly SIMD';
  throw new RealizarError('UNSUPPORTED', `${wanted} does not run on this host`);
}

/** Shared memory is bounded by what the model can need: some hosts reserve its maximum at once. */
function memoryBound(parts: Part[]): number {
  const sizes = parts.map((p) => p.reader.size);
  if (sizes.some((s) => s === undefined)) return 2 ** 32;
  const file = sizes.reduce((a, b) => a! + b!, 0)!;
  return Math.min(2 ** 32, file * 1.5 + 2 ** 30);
}

function engineOptionsOf({ vocabOnly, quantize }: LoadOptions) {
  return { vocabOnly: vocabOnly ?? false, quantize: quantize ? quantizeTypes[quantize] : 0 };
}

function localModel(model: EngineModel, backend: 'wasm' | 'native', platform: Platform, options: LoadOptions, importChat?: ImportChat,
  onClose = () => {}): LocalModel {
  const { pause, pauseEveryMs } = platform;
  return new LocalModel(model, { backend, contextSize: options.contextSize, kv: options.kv ?? 'f16', pause, pauseEveryMs, onClose, importChat });
}

async function loadWasm(platform: Platform, parts: Part[], options: LoadOptions, threads: number, importChat?: ImportChat): Promise<Model> {
  const engine = await createWasmEngine(platform, options, threads, memoryBound(parts));
  const engineOptions: EngineOptions = { parts: parts.length, threads, ...engineOptionsOf(options) };
  const model = (await readModel(engine.loader(engineOptions), parts, options)) as WasmModel;
  const workers = model.poolThreads(threads - 1).map((t) => platform.startPoolThread(t));
  return localModel(model, 'wasm', platform, options, importChat, () => workers.forEach((w) => w.terminate()));
}

function nativeOf(platform: Platform): NativeBackend {
  const native = platform.native?.();
  if (!native) throw new RealizarError('UNSUPPORTED', 'the native add-on is not built here: run `npm run build` or use the wasm backend');
  return native;
}

async function loadNative(platform: Platform, parts: Part[], options: LoadOptions, threads: number, importChat?: ImportChat): Promise<Model> {
  const loader = nativeOf(platform).loader({ parts: parts.length, threads, ...engineOptionsOf(options), variant: options.variant });
  const model = await readModel(loader, parts, options);
  return localModel(model, 'native', platform, options, importChat);
}

function chooseBackend(platform: Platform, options: LoadOptions): 'wasm' | 'native' {
  if (options.backend) return options.backend;
  if (options.variant === 'relaxed' || options.variant === 'simd') return 'wasm';
  return platform.native?.() ? 'native' : 'wasm';
}

/** What computes beside language models; for a predictor, the engine that holds it. */
export async function openTools(platform: Platform, backend: 'wasm' | 'native', options: LoadOptions): Promise<EngineTools> {
  if (backend === 'wasm') return createWasmEngine(platform, options, 1, 2 ** 32);
  return nativeOf(platform);
}

/** Parts that the engine reads, or a predictor. Other formats than GGUF are told by their bytes. */
async function adaptParts(platform: Platform, backend: 'wasm' | 'native', options: LoadOptions, parts: Part[], lazy: LazyImports): Promise<Part[] | Model> {
  const head = await parts[0]!.peek(9);
  if (starts(head, 'GGUF') || startsJson(head)) return parts;
  const { adapt } = await lazy.formats();
  let opened: Promise<EngineTools> | undefined;
  const tools = () => (opened ??= openTools(platform, backend, options));
  const adapted = await adapt(parts, tools, options);
  options.signal?.throwIfAborted();
  if (!adapted) return parts;
  return 'parts' in adapted ? adapted.parts : PredictorModel.open(adapted.predictor, await tools(), backend);
}

/** Loads on this thread. Errors: RealizarError, or what `signal` was aborted with. */
export async function loadLocal(platform: Platform, source: Source | Source[] | ModelFiles, options: LoadOptions, lazy: LazyImports): Promise<Model> {
  const backend = chooseBackend(platform, options);
  const wanted = options.threads ?? Math.min(platform.threads(), maxThreads);
  const given = await openModel(source, platform, options);
  try {
    const parts = await adaptParts(platform, backend, options, given, lazy);
    if (!Array.isArray(parts)) return parts;
    if (backend === 'native') return await loadNative(platform, parts, options, wanted, lazy.chat);
    const threads = options.vocabOnly ? 1 : Math.min(wanted, platform.threads() > 1 ? wanted : 1);
    return await loadWasm(platform, parts, options, threads, lazy.chat);
  } finally {
    given.forEach((p) => p.reader.cancel());
  }
}

/** A tokenizer's file that has been read: tokenizer.json or a SentencePiece model. */
export async function openTokenizer(platform: Platform, file: Uint8Array, config: Uint8Array | undefined, options: TokenizerOptions): Promise<Tokenizer> {
  const backend = chooseBackend(platform, options);
  const engine = backend === 'native' ? nativeOf(platform) : await createWasmEngine(platform, options, 1, 2 ** 32);
  return localModel(engine.tokenizer(file, config), backend, platform, {});
}
