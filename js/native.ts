/** The engine in the Node add-on (addon/addon.c). Work that takes long runs on another thread. */
import { engineError } from './errors.js';
import type {
  EngineInfo, EngineLoader, EngineMeta, EngineModel, EnginePredictor, EnginePredictorInfo, EngineSession, Need,
  Sampling, SessionOptions,
} from './engine.js';
import { copyFeatures, infoFields, packLayers } from './engine.js';
import type { NativeBackend } from './platform/platform.js';

type Handle = object;

/** What the add-on exports; failures are thrown with a number `code` of rz.h. */
export interface Addon {
  loadOpen(parts: number, threads: number, vocabOnly: boolean, kernels: number, quantize: number): Handle;
  loadSize(loader: Handle, part: number, bytes: number): void;
  /** [part, offset, length] or null. */
  loadNext(loader: Handle): [number, number, number] | null;
  loadFeed(loader: Handle, bytes: Uint8Array): number;
  loadFinish(loader: Handle): Handle;
  loadClose(loader: Handle): void;
  tokenizerOpen(json: Uint8Array, config: Uint8Array): Handle;
  modelInfo(model: Handle): number[];
  modelNames(model: Handle): [string, string, string];
  /** [key, type, number, string, arrayType, arrayLength] */
  modelMeta(model: Handle, index: number): [string, number, number, string, number, number];
  modelMemory(model: Handle): number;
  modelClose(model: Handle): void;
  tokenize(model: Handle, text: Uint8Array, flags: number): number[];
  detokenize(model: Handle, ids: Uint32Array, flags: number): Uint8Array;
  piece(model: Handle, id: number, flags: number): Uint8Array;
  sessionOpen(model: Handle, contextSize: number, chunk: number, kv: number, allLogits: boolean, embed: boolean): Handle;
  sessionPrompt(session: Handle, ids: Uint32Array): void;
  sessionSampling(session: Handle, temperature: number, topK: number, topP: number, minP: number,
    repeatPenalty: number, repeatLast: number, seed: bigint, maxTokens: number, ignoreEnd: boolean): void;
  sessionRewind(session: Handle, tokens: number): void;
  sessionStep(session: Handle): Promise<number>;
  sessionToken(session: Handle): number;
  sessionEnd(session: Handle): number;
  sessionLogits(session: Handle): [rows: number, data: Float32Array];
  sessionNll(session: Handle, first: number, targets: Uint32Array): number;
  sessionTokenTypes(session: Handle, types: Uint32Array): void;
  sessionEmbedding(session: Handle, pooling: number): Float32Array;
  sessionClose(session: Handle): void;
  predictorApr(file: Uint8Array): Handle;
  predictorDense(shapes: Uint32Array, floats: Float32Array): Handle;
  predictorInfo(predictor: Handle): [kind: string, inputs: number, outputs: number, exact: number, parameters: number, memory: number];
  predict(predictor: Handle, features: Float32Array, out: Float32Array): void;
  predictorClose(predictor: Handle): void;
  quantize(type: number, floats: Float32Array, blocks: Uint8Array): void;
  dequantize(type: number, blocks: Uint8Array, floats: Float32Array): void;
}

const kernelFlags: Record<string, number> = { scalar: 1, avx2: 8, avxvnni: 16, avx512: 32, neon: 64, neondot: 128, amx: 256 };

/** Turns the add-on's errors into the package's. */
function guard<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translate(error);
  }
}

function translate(error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message: string };
  return typeof code === 'string' && /^-\d+$/.test(code) ? engineError(Number(code), message) : error;
}

class NativeLoader implements EngineLoader {
  constructor(private readonly addon: Addon, private readonly handle: Handle) {}

  setSize(part: number, bytes: number): void {
    guard(() => this.addon.loadSize(this.handle, part, bytes));
  }

  next(): Need | null {
    const need = guard(() => this.addon.loadNext(this.handle));
    return need && { part: need[0], offset: need[1], length: need[2] };
  }

  feed(bytes: Uint8Array): number {
    return guard(() => this.addon.loadFeed(this.handle, bytes));
  }

  finish(): EngineModel {
    return new NativeModel(this.addon, guard(() => this.addon.loadFinish(this.handle)));
  }

  close(): void {
    this.addon.loadClose(this.handle);
  }
}

/** One step at a time: the sessions of a model share its threads. */
class Turn {
  private last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T> | T): Promise<T> {
    const result = this.last.then(work);
    this.last = result.catch(() => {});
    return result;
  }
}

class NativeModel implements EngineModel {
  private readonly turn = new Turn();

  constructor(private readonly addon: Addon, private readonly handle: Handle) {}

  info(): EngineInfo {
    const values = this.addon.modelInfo(this.handle);
    return Object.fromEntries(infoFields.map((field, i) => [field, values[i]])) as unknown as EngineInfo;
  }

  names() {
    const [kernels, architecture, type] = this.addon.modelNames(this.handle);
    return { kernels, architecture, type };
  }

  meta(index: number): EngineMeta {
    const [key, type, number, string, arrayType, arrayLength] = this.addon.modelMeta(this.handle, index);
    return { key, type, number, string, arrayType, arrayLength };
  }

  tokenize(text: Uint8Array, flags: number): number[] {
    return guard(() => this.addon.tokenize(this.handle, text, flags));
  }

  detokenize(ids: Uint32Array, flags: number): Uint8Array {
    return guard(() => this.addon.detokenize(this.handle, ids, flags));
  }

  piece(id: number, flags: number): Uint8Array {
    return guard(() => this.addon.piece(this.handle, id, flags));
  }

  openSession(o: SessionOptions): EngineSession {
    const handle = guard(() => this.addon.sessionOpen(this.handle, o.contextSize, o.chunk, o.kv, o.allLogits, o.embed));
    return new NativeSession(this.addon, handle, this.turn);
  }

  memoryBytes(): number {
    return this.addon.modelMemory(this.handle);
  }

  close(): Promise<void> {
    return this.turn.take(() => this.addon.modelClose(this.handle));
  }
}

class NativeSession implements EngineSession {
  constructor(private readonly addon: Addon, private readonly handle: Handle, private readonly turn: Turn) {}

  prompt(ids: Uint32Array): void {
    guard(() => this.addon.sessionPrompt(this.handle, ids));
  }

  tokenTypes(types: Uint32Array): void {
    guard(() => this.addon.sessionTokenTypes(this.handle, types));
  }

  sampling(o: Sampling): void {
    guard(() => this.addon.sessionSampling(this.handle, o.temperature, o.topK, o.topP, o.minP, o.repeatPenalty,
      o.repeatLast, o.seed, o.maxTokens, o.ignoreEnd));
  }

  rewind(tokens: number): void {
    guard(() => this.addon.sessionRewind(this.handle, tokens));
  }

  step(): Promise<number> {
    return this.turn.take(() => this.addon.sessionStep(this.handle)).catch((error) => {
      throw translate(error);
    });
  }

  token(): number {
    return this.addon.sessionToken(this.handle);
  }

  end(): number {
    return this.addon.sessionEnd(this.handle);
  }

  logits() {
    const [rows, data] = this.addon.sessionLogits(this.handle);
    return { rows, data };
  }

  nll(first: number, targets: ArrayLike<number>): number {
    return this.addon.sessionNll(this.handle, first, Uint32Array.from(targets));
  }

  embedding(pooling: number): Float32Array {
    return this.addon.sessionEmbedding(this.handle, pooling);
  }

  close(): Promise<void> {
    return this.turn.take(() => this.addon.sessionClose(this.handle));
  }
}

class NativePredictor implements EnginePredictor {
  private readonly shape: EnginePredictorInfo;
  private readonly input: Float32Array;

  constructor(private readonly addon: Addon, private readonly handle: Handle) {
    const [kind, inputs, outputs, exact, parameters, memoryBytes] = addon.predictorInfo(handle);
    this.shape = { kind, inputs, outputs, exact: exact !== 0, parameters, memoryBytes };
    this.input = new Float32Array(inputs);
  }

  info(): EnginePredictorInfo {
    return this.shape;
  }

  predict(features: ArrayLike<number>, out: Float32Array): void {
    const { input } = this;
    copyFeatures(features, input);
    this.addon.predict(this.handle, input, out);
  }

  close(): void {
    this.addon.predictorClose(this.handle);
  }
}

export function nativeBackend(addon: Addon): NativeBackend {
  return {
    loader({ parts, threads, vocabOnly, quantize, variant }) {
      const kernels = variant ? kernelFlags[variant] ?? 0 : 0;
      const handle = guard(() => addon.loadOpen(parts, threads, vocabOnly, kernels, quantize));
      return new NativeLoader(addon, handle);
    },
    tokenizer(json, config = new Uint8Array()) {
      return new NativeModel(addon, guard(() => addon.tokenizerOpen(json, config)));
    },
    predictor(source) {
      if (source instanceof Uint8Array) return new NativePredictor(addon, guard(() => addon.predictorApr(source)));
      const { shapes, floats } = packLayers(source);
      return new NativePredictor(addon, guard(() => addon.predictorDense(shapes, floats)));
    },
    quantize: (type, floats, blocks) => guard(() => addon.quantize(type, floats, blocks)),
    dequantize: (type, blocks, floats) => guard(() => addon.dequantize(type, blocks, floats)),
  };
}
