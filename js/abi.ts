/**
 * The engine in WebAssembly: the only file that calls exports and touches linear memory.
 * The other side is wasm/abi.c. Views are made anew after every call that may grow memory.
 */
import { engineError, RealizarError } from './errors.js';
import type {
  DenseLayer, EngineInfo, EngineLoader, EngineMeta, EngineModel, EngineOptions, EnginePredictor, EnginePredictorInfo,
  EngineSession, EngineTools, Need, Sampling, SessionOptions,
} from './engine.js';
import { copyFeatures, infoFields, packLayers } from './engine.js';

type Export = (...args: number[]) => number;

interface Exports extends Record<string, unknown> {
  _initialize(): void;
  __stack_pointer: WebAssembly.Global;
}

/** Offsets of struct mailbox in wasm/abi.c, where they are asserted. */
export const mailbox = {
  needOffset: 0, needPart: 8, needLength: 12, count: 20, needDst: 16, pointer: 24, stride: 28, info: 32,
  number: 184, metaKey: 192, metaKeyLength: 196, metaType: 200, metaString: 204, metaStringLength: 208,
  metaArrayType: 212, metaArrayLength: 216, errCode: 224, errText: 228, errTextBytes: 320,
} as const;

const RZ_DONE = 4;
const KERN_RELAXED = 4;
const poolStackBytes = 128 * 1024;

export interface WasmInstance {
  readonly memory: WebAssembly.Memory;
  readonly stackPointer: WebAssembly.Global;
  call(name: string, ...args: number[]): number;
}

/** What two code points compose to, or 0. */
function compose(first: number, second: number): number {
  const [joined, more] = String.fromCodePoint(first, second).normalize('NFC');
  return more === undefined ? joined!.codePointAt(0)! : 0;
}

/** The parts of a code point, written to `at`; gives their number. */
function decomposeInto(memory: WebAssembly.Memory) {
  return (c: number, compatible: number, at: number): number => {
    const parts = Array.from(String.fromCodePoint(c).normalize(compatible ? 'NFKD' : 'NFD'), (p) => p.codePointAt(0)!);
    new Uint32Array(memory.buffer, at >>> 0, parts.length).set(parts);
    return parts.length;
  };
}

/** Makes an instance on a memory; a thread's instance passes the memory it shares. */
export async function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<WasmInstance> {
  const imports = { env: { memory, emscripten_notify_memory_growth() {}, compose, decompose: decomposeInto(memory) } };
  const instance = await WebAssembly.instantiate(module, imports);
  const exports = instance.exports as unknown as Exports;
  return {
    memory,
    stackPointer: exports.__stack_pointer,
    call: (name, ...args) => (exports[name] as Export)(...args),
  };
}

/** Body of a pool thread: takes its stack, then works until the model is closed. Blocks. */
export async function runPoolThread(module: WebAssembly.Module, memory: WebAssembly.Memory, pool: number,
  stackTop: number): Promise<void> {
  const thread = await instantiate(module, memory);
  thread.stackPointer.value = stackTop;
  thread.call('rz_abi_pool_worker', pool);
}

/** One engine: a module on its own memory, so closing a model gives everything back. */
export class WasmEngine implements EngineTools {
  private crashed: RealizarError | undefined;

  private constructor(private readonly wasm: WasmInstance, readonly module: WebAssembly.Module,
    readonly shared: boolean, private readonly box: number) {}

  /** `maxBytes` bounds shared memory, which some hosts reserve at once. */
  static async create(module: WebAssembly.Module, shared: boolean, maxBytes = 2 ** 32): Promise<WasmEngine> {
    const memory = new WebAssembly.Memory({ initial: 16, maximum: Math.min(65536, Math.ceil(maxBytes / 65536)), shared });
    const wasm = await instantiate(module, memory);
    wasm.call('_initialize');
    return new WasmEngine(wasm, module, shared, wasm.call('rz_abi_mailbox'));
  }

  /** Whether relaxed instructions compute what the kernels expect; call again after warm-up. */
  relaxedWorks(): boolean {
    return (this.call('rz_abi_kernels') & KERN_RELAXED) !== 0;
  }

  get memory(): WebAssembly.Memory {
    return this.wasm.memory;
  }

  /** Calls an export. A trap leaves the engine unusable: this and all later calls say so. */
  call(name: string, ...args: number[]): number {
    if (this.crashed) throw this.crashed;
    try {
      return this.wasm.call(name, ...args);
    } catch (error) {
      throw this.crashed = new RealizarError('CRASHED', `the engine stopped inside ${name}: ${String(error)}`, { cause: error });
    }
  }

  /** Calls an export that returns a code; < 0 is thrown. */
  check(name: string, ...args: number[]): number {
    const code = this.call(name, ...args);
    if (code < 0) this.fail(code);
    return code;
  }

  /** Calls an export that returns a handle; 0 is thrown. */
  open(name: string, ...args: number[]): number {
    const handle = this.call(name, ...args);
    if (!handle) this.fail(this.i32(mailbox.errCode));
    return handle;
  }

  private fail(code: number): never {
    const bytes = this.bytes(this.box + mailbox.errText, mailbox.errTextBytes);
    throw engineError(code, decodeText(bytes.subarray(0, bytes.indexOf(0))));
  }

  bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.wasm.memory.buffer, at >>> 0, length);
  }

  private view(): DataView {
    return new DataView(this.wasm.memory.buffer, this.box);
  }

  u32(field: number): number {
    return this.view().getUint32(field, true);
  }

  i32(field: number): number {
    return this.view().getInt32(field, true);
  }

  f64(field: number): number {
    return this.view().getFloat64(field, true);
  }

  alloc(bytes: number): number {
    const at = this.call('rz_abi_alloc', Math.max(bytes, 1));
    if (!at) throw new RealizarError('MEMORY', `no memory for ${bytes} bytes`);
    return at;
  }

  free(at: number): void {
    this.call('rz_abi_free', at);
  }

  /** Runs `use` with a copy of the bytes in linear memory. */
  withBytes<T>(data: Uint8Array, use: (at: number) => T): T {
    const at = this.alloc(data.length);
    try {
      this.bytes(at, data.length).set(data);
      return use(at);
    } finally {
      this.free(at);
    }
  }

  /** The bytes the last call left at mailbox.pointer, copied; their memory is freed. */
  takeResult(bytesPerElement: number): Uint8Array {
    const at = this.u32(mailbox.pointer);
    const copy = this.bytes(at, this.u32(mailbox.count) * bytesPerElement).slice();
    this.free(at);
    return copy;
  }

  cString(at: number): string {
    const tail = this.bytes(at, Math.min(256, this.wasm.memory.buffer.byteLength - at));
    return decodeText(tail.subarray(0, tail.indexOf(0)));
  }

  text(at: number, length: number): string {
    return decodeText(this.bytes(at, length));
  }

  loader(options: EngineOptions): EngineLoader {
    const handle = this.open('rz_abi_load_open', options.parts, options.threads, options.vocabOnly ? 1 : 0, options.quantize);
    return new WasmLoader(this, handle);
  }

  /** A vocabulary alone, from tokenizer.json and tokenizer_config.json or a SentencePiece model. */
  tokenizer(json: Uint8Array, config?: Uint8Array): EngineModel {
    const open = (at: number, configAt: number) =>
      this.open('rz_abi_tokenizer_open', at, json.length, configAt, config?.length ?? 0);
    const handle = this.withBytes(json, (at) =>
      (config ? this.withBytes(config, (configAt) => open(at, configAt)) : open(at, 0)));
    return new WasmModel(this, handle);
  }

  predictor(source: Uint8Array | DenseLayer[]): EnginePredictor {
    if (source instanceof Uint8Array) {
      return this.withBytes(source, (at) => new WasmPredictor(this, this.open('rz_abi_predictor_apr', at, source.length)));
    }
    const { shapes, floats } = packLayers(source);
    return this.withBytes(bytesOf(shapes), (at) => this.withBytes(bytesOf(floats), (data) =>
      new WasmPredictor(this, this.open('rz_abi_predictor_dense', at, source.length, data))));
  }

  quantize(type: number, floats: Float32Array, blocks: Uint8Array): void {
    this.transform('rz_abi_quantize', type, floats.length, bytesOf(floats), blocks);
  }

  dequantize(type: number, blocks: Uint8Array, floats: Float32Array): void {
    this.transform('rz_abi_dequantize', type, floats.length, blocks, bytesOf(floats));
  }

  private transform(name: string, type: number, weights: number, from: Uint8Array, to: Uint8Array): void {
    const out = this.alloc(to.length);
    try {
      this.withBytes(from, (at) => this.check(name, type, at, weights, out));
      to.set(this.bytes(out, to.length));
    } finally {
      this.free(out);
    }
  }
}

function bytesOf(array: Float32Array | Uint32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** Shared memory cannot be decoded in place. */
function decodeText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice());
}

class WasmLoader implements EngineLoader {
  private length = 0;

  constructor(private readonly engine: WasmEngine, private handle: number) {}

  setSize(part: number, bytes: number): void {
    this.engine.check('rz_abi_load_size', this.handle, part, bytes);
  }

  next(): Need | null {
    if (this.engine.check('rz_abi_load_next', this.handle) === RZ_DONE) return null;
    this.length = this.engine.u32(mailbox.needLength);
    return {
      part: this.engine.u32(mailbox.needPart),
      offset: this.engine.f64(mailbox.needOffset),
      length: this.length,
    };
  }

  feed(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, this.length);
    this.engine.bytes(this.engine.u32(mailbox.needDst), taken).set(bytes.subarray(0, taken));
    this.engine.check('rz_abi_load_feed', this.handle, taken);
    return taken;
  }

  finish(): EngineModel {
    const model = this.engine.open('rz_abi_load_finish', this.handle);
    this.handle = 0;
    return new WasmModel(this.engine, model);
  }

  close(): void {
    this.engine.call('rz_abi_load_close', this.handle);
    this.handle = 0;
  }
}

/** A loaded model; `pool` is where its threads start. */
export class WasmModel implements EngineModel {
  private readonly pieceAt: number;

  constructor(private readonly engine: WasmEngine, private readonly handle: number) {
    this.pieceAt = engine.alloc(engine.call('rz_abi_piece_max', handle));
  }

  /** What each of the pool's threads needs to start, or null where there is no pool. */
  poolThreads(count: number): { module: WebAssembly.Module; memory: WebAssembly.Memory; pool: number; stackTop: number }[] {
    const pool = this.engine.call('rz_abi_model_pool', this.handle);
    if (!pool) return [];
    return Array.from({ length: count }, () => ({
      module: this.engine.module,
      memory: this.engine.memory,
      pool,
      stackTop: (this.engine.alloc(poolStackBytes) + poolStackBytes) & ~15,
    }));
  }

  info(): EngineInfo {
    this.engine.call('rz_abi_model_info', this.handle);
    const entries = infoFields.map((field, i) => [field, this.engine.f64(mailbox.info + 8 * i)]);
    return Object.fromEntries(entries) as EngineInfo;
  }

  names() {
    const name = (which: number) => this.engine.cString(this.engine.call('rz_abi_model_name', this.handle, which));
    return { kernels: name(0), architecture: name(1), type: name(2) };
  }

  meta(index: number): EngineMeta {
    const e = this.engine;
    e.call('rz_abi_model_meta', this.handle, index);
    return {
      key: e.text(e.u32(mailbox.metaKey), e.u32(mailbox.metaKeyLength)),
      type: e.u32(mailbox.metaType),
      number: e.f64(mailbox.number),
      string: e.text(e.u32(mailbox.metaString), e.u32(mailbox.metaStringLength)),
      arrayType: e.u32(mailbox.metaArrayType),
      arrayLength: e.f64(mailbox.metaArrayLength),
    };
  }

  tokenize(text: Uint8Array, flags: number): number[] {
    this.engine.withBytes(text, (at) => this.engine.check('rz_abi_tokenize', this.handle, at, text.length, flags));
    return Array.from(new Uint32Array(this.engine.takeResult(4).buffer as ArrayBuffer));
  }

  detokenize(ids: Uint32Array, flags: number): Uint8Array {
    const bytes = new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength);
    this.engine.withBytes(bytes, (at) => this.engine.check('rz_abi_detokenize', this.handle, at, ids.length, flags));
    return this.engine.takeResult(1);
  }

  piece(id: number, flags: number): Uint8Array {
    const length = this.engine.check('rz_abi_piece', this.handle, id, flags, this.pieceAt);
    return this.engine.bytes(this.pieceAt, length).slice();
  }

  openSession(options: SessionOptions): EngineSession {
    const handle = this.engine.open('rz_abi_session_open', this.handle, options.contextSize, options.chunk, options.kv,
      options.allLogits ? 1 : 0, options.embed ? 1 : 0);
    const { vocabSize, embeddingLength } = this.info();
    return new WasmSession(this.engine, handle, vocabSize, embeddingLength);
  }

  memoryBytes(): number {
    return this.engine.memory.buffer.byteLength;
  }

  close(): void {
    this.engine.call('rz_abi_model_close', this.handle);
  }
}

class WasmSession implements EngineSession {
  constructor(private readonly engine: WasmEngine, private readonly handle: number, private readonly vocabSize: number,
    private readonly width: number) {}

  prompt(ids: Uint32Array): void {
    const bytes = new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength);
    this.engine.withBytes(bytes, (at) => this.engine.check('rz_abi_session_prompt', this.handle, at, ids.length));
  }

  tokenTypes(types: Uint32Array): void {
    const bytes = new Uint8Array(types.buffer, types.byteOffset, types.byteLength);
    this.engine.withBytes(bytes, (at) => this.engine.check('rz_abi_session_token_types', this.handle, at, types.length));
  }

  sampling(o: Sampling): void {
    this.engine.check('rz_abi_session_sampling', this.handle, o.temperature, o.topK, o.topP, o.minP, o.repeatPenalty,
      o.repeatLast, Number(o.seed & 0xffffffffn), Number(o.seed >> 32n), o.maxTokens,
      o.ignoreEnd ? 1 : 0);
  }

  rewind(tokens: number): void {
    this.engine.check('rz_abi_session_rewind', this.handle, tokens);
  }

  step(): number {
    return this.engine.check('rz_abi_step', this.handle);
  }

  token(): number {
    return this.engine.call('rz_abi_session_token', this.handle) >>> 0;
  }

  end(): number {
    return this.engine.call('rz_abi_session_end', this.handle);
  }

  logits() {
    const e = this.engine;
    e.call('rz_abi_session_logits', this.handle);
    const rows = e.u32(mailbox.count);
    const stride = e.u32(mailbox.stride);
    const all = new Float32Array(e.memory.buffer, e.u32(mailbox.pointer), rows * stride);
    const data = new Float32Array(rows * this.vocabSize);
    for (let r = 0; r < rows; r++) data.set(all.subarray(r * stride, r * stride + this.vocabSize), r * this.vocabSize);
    return { rows, data };
  }

  nll(first: number, targets: ArrayLike<number>): number {
    const e = this.engine;
    e.call('rz_abi_session_logits', this.handle);
    const at = e.u32(mailbox.pointer);
    const stride = e.u32(mailbox.stride);
    let sum = 0;
    for (let i = 0; i < targets.length; i++) {
      e.check('rz_abi_nll', at + 4 * (first + i) * stride, this.vocabSize, targets[i]!);
      sum += e.f64(mailbox.number);
    }
    return sum;
  }

  embedding(pooling: number): Float32Array {
    const e = this.engine;
    const at = e.alloc(4 * this.width);
    try {
      e.call('rz_abi_session_embedding', this.handle, pooling, at);
      return new Float32Array(e.bytes(at, 4 * this.width).slice().buffer);
    } finally {
      e.free(at);
    }
  }

  close(): void {
    this.engine.call('rz_abi_session_close', this.handle);
  }
}

class WasmPredictor implements EnginePredictor {
  private readonly shape: EnginePredictorInfo;
  private readonly at: number;
  private input: Float32Array;
  private output: Float32Array;

  constructor(private readonly engine: WasmEngine, private readonly handle: number) {
    engine.call('rz_abi_predictor_info', handle);
    const value = (i: number) => engine.f64(mailbox.info + 8 * i);
    this.shape = {
      kind: engine.cString(engine.call('rz_abi_predictor_kind', handle)),
      inputs: value(0), outputs: value(1), exact: value(2) !== 0, parameters: value(3), memoryBytes: value(4),
    };
    this.at = engine.alloc(4 * (this.shape.inputs + this.shape.outputs));
    this.input = this.output = new Float32Array(0);
    this.view();
  }

  private view(): void {
    const { inputs, outputs } = this.shape;
    this.input = new Float32Array(this.engine.memory.buffer, this.at, inputs);
    this.output = new Float32Array(this.engine.memory.buffer, this.at + 4 * inputs, outputs);
  }

  info(): EnginePredictorInfo {
    return this.shape;
  }

  predict(features: ArrayLike<number>, out: Float32Array): void {
    if (this.output.length === 0) this.view(); // the memory has grown
    const { input, at } = this;
    copyFeatures(features, input);
    this.engine.call('rz_abi_predict', this.handle, at, at + 4 * input.length);
    out.set(this.output);
  }

  close(): void {
    this.engine.call('rz_abi_predictor_close', this.handle);
    this.engine.free(this.at);
  }
}
