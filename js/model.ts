/** A model on this thread: the Session loop that every host runs. */
import { BaseModel, type ImportChat } from './base-model.js';
import type { EngineModel, EngineSession, Sampling } from './engine.js';
import { END_STOP, kvTypes, noToken, poolings, STEP_AGAIN, STEP_DONE, STEP_TOKEN, TOK_CLEAN, TOK_PARSE, TOK_SPECIAL } from './engine.js';
import { RealizarError } from './errors.js';
import { TextAssembler } from './text.js';
import type {
  DetokenizeOptions, EmbedOptions, GenerateOptions, GenerateResult, Generation, KvType, MetadataValue, ModelInfo, Perplexity,
  PerplexityOptions, TokenizeOptions,
} from './types.js';

export interface LocalModelOptions {
  backend: 'wasm' | 'native';
  contextSize?: number;
  kv: KvType;
  /** The platform's, see there. */
  pause(): Promise<void>;
  pauseEveryMs: number;
  /** Ends the threads, after the engine closed the model. */
  onClose(): void;
  importChat?: ImportChat;
}

/** Tokens computed per step of a prompt: weights are read once per step, and the host gets its turn between
 *  steps, so more where they are faster. */
const promptChunk = { native: 128, wasm: 64 };
/** The same where every token's logits are kept. */
const logitsChunk = 32;

const metaTypes = ['u8', 'i8', 'u16', 'i16', 'u32', 'i32', 'f32', 'bool', 'string', 'array', 'u64', 'i64', 'f64'];

function readMetadata(engine: EngineModel, entries: number): Record<string, MetadataValue> {
  const metadata: Record<string, MetadataValue> = {};
  for (let i = 0; i < entries; i++) {
    const m = engine.meta(i);
    const type = metaTypes[m.type];
    metadata[m.key] = type === 'string' ? m.string
      : type === 'array' ? { array: metaTypes[m.arrayType] ?? 'unknown', length: m.arrayLength }
      : type === 'bool' ? m.number !== 0 : m.number;
  }
  return metadata;
}

function unknownPre(pre?: MetadataValue): string {
  const what = pre === undefined ? 'the file names no pre-tokenizer' : `the pre-tokenizer '${String(pre)}' is not known`;
  return `${what}: text is split by the default one, and tokens may be wrong`;
}

function describe(engine: EngineModel, options: LocalModelOptions): ModelInfo {
  const i = engine.info();
  const names = engine.names();
  const metadata = readMetadata(engine, i.metadataEntries);
  const id = (token: number) => (token === noToken ? null : token);
  const name = metadata['general.name'];
  return {
    architecture: names.architecture || String(metadata['general.architecture'] ?? ''),
    name: typeof name === 'string' ? name : '',
    type: names.type,
    parameters: i.parameters,
    vocabSize: i.vocabSize,
    contextLength: i.contextLength,
    embeddingLength: i.embeddingLength,
    layers: i.layers,
    heads: i.heads,
    kvHeads: i.kvHeads,
    feedForwardLength: i.feedForwardLength,
    bosToken: id(i.bos),
    eosToken: id(i.eos),
    vocabOnly: i.vocabOnly !== 0,
    warnings: i.unknownPre ? [unknownPre(metadata['tokenizer.ggml.pre'])] : [],
    backend: options.backend,
    variant: names.kernels,
    threads: i.threads,
    fileBytes: i.fileBytes,
    weightBytes: i.weightBytes,
    memoryBytes: engine.memoryBytes(),
    contextSize: options.contextSize ?? i.contextLength,
    metadata,
  };
}

function tokenFlags(options: TokenizeOptions): number {
  return (options.addSpecial ?? true ? TOK_SPECIAL : 0) | (options.parseSpecial ?? false ? TOK_PARSE : 0);
}

/** A whole number in a range, or an error that names the option. */
function whole(name: string, value: number, low: number, high: number): number {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new RealizarError('ARGUMENT', `${name} must be a whole number from ${low} to ${high}, not ${value}`);
  }
  return value;
}

function real(name: string, value: number): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new RealizarError('ARGUMENT', `${name} must be a finite number, not ${value}`);
  }
  return value;
}

function tokenIds(ids: ArrayLike<number>): Uint32Array {
  const list = Uint32Array.from(ids);
  for (let i = 0; i < list.length; i++) {
    if (list[i] !== ids[i]) throw new RealizarError('ARGUMENT', `token ${ids[i]} at index ${i} is no token id`);
  }
  return list;
}

function samplingOf(o: GenerateOptions, maxTokens: number): Sampling {
  const seed = o.seed ?? Math.floor(Math.random() * 2 ** 32);
  return {
    temperature: real('temperature', o.temperature ?? 0.8),
    topK: whole('topK', o.topK ?? 40, 0, 2 ** 31),
    topP: real('topP', o.topP ?? 0.95),
    minP: real('minP', o.minP ?? 0.05),
    repeatPenalty: real('repeatPenalty', o.repeatPenalty ?? 1),
    repeatLast: 64,
    seed: BigInt(whole('seed', seed, 0, Number.MAX_SAFE_INTEGER)),
    maxTokens,
    ignoreEnd: o.ignoreEnd ?? false,
  };
}

/** Keeps the time of a generation. */
class Clock {
  private readonly start = performance.now();
  private first = 0;
  private last = 0;
  private tokens = 0;

  token(): void {
    this.last = performance.now();
    if (this.tokens++ === 0) this.first = this.last;
  }

  timings(promptTokens: number, cachedTokens: number, memoryBytes: number, seed: bigint) {
    const end = performance.now();
    const ttftMs = (this.tokens ? this.first : end) - this.start;
    const decodeMs = this.last - this.first;
    return {
      promptTokens,
      cachedTokens,
      ttftMs,
      prefillTokensPerSecond: ((promptTokens - cachedTokens) / ttftMs) * 1000,
      generatedTokens: this.tokens,
      decodeTokensPerSecond: this.tokens > 1 ? ((this.tokens - 1) / decodeMs) * 1000 : 0,
      totalMs: end - this.start,
      memoryBytes,
      seed: Number(seed),
    };
  }
}

/** A session that a generation left for the next one, and the tokens whose keys and values it has. */
interface KeptSession {
  session: EngineSession;
  contextSize: number;
  tokens: number[];
}

/** How many tokens two lists begin with in common. */
function commonPrefix(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const most = Math.min(a.length, b.length);
  let n = 0;
  while (n < most && a[n] === b[n]) n++;
  return n;
}

export class LocalModel extends BaseModel {
  readonly info: ModelInfo;
  private closed = false;
  private readonly sessions = new Set<EngineSession>();
  /** The KV cache of the last generation with cachePrompt, while none uses it. */
  private kept?: KeptSession;
  private lastPause = 0;

  constructor(private readonly engine: EngineModel, private readonly options: LocalModelOptions) {
    super(options.importChat);
    this.info = describe(engine, options);
  }

  private checkOpen(): void {
    if (this.closed) throw new RealizarError('CLOSED', 'the model was closed');
  }

  async tokenize(text: string, options: TokenizeOptions = {}): Promise<number[]> {
    this.checkOpen();
    if (typeof text !== 'string') throw new RealizarError('ARGUMENT', 'the text to tokenize must be a string');
    return this.engine.tokenize(new TextEncoder().encode(text), tokenFlags(options));
  }

  async detokenize(ids: ArrayLike<number>, options: DetokenizeOptions = {}): Promise<string> {
    this.checkOpen();
    const flags = (options.special ? TOK_SPECIAL : 0) | (options.cleanUp ? TOK_CLEAN : 0);
    const bytes = this.engine.detokenize(tokenIds(ids), flags);
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  }

  async *events(prompt: string | ArrayLike<number>, options: GenerateOptions = {}): Generation {
    const clock = new Clock();
    const { signal } = options;
    signal?.throwIfAborted();
    if (prompt === '') throw new RealizarError('ARGUMENT', 'the prompt is empty: give it some text');
    const ids = typeof prompt === 'string' ? tokenIds(await this.tokenize(prompt, options)) : tokenIds(prompt);
    const wanted = whole('maxTokens', options.maxTokens ?? 256, 0, 2 ** 31);
    const contextSize = this.contextFor(ids.length, wanted);
    const sampling = samplingOf(options, Math.min(wanted, contextSize - ids.length));
    const assembler = new TextAssembler([options.stop ?? []].flat().filter((s) => s.length > 0));
    const tokens: number[] = [];
    let text = '';
    let finishReason: GenerateResult['finishReason'] = 'length';
    const own = options.cachePrompt ? await this.takeKept(contextSize) : this.openOwn(contextSize);
    const { session } = own;
    const cached = Math.min(commonPrefix(own.tokens, ids), ids.length - 1);
    let usable = false;
    try {
      session.rewind(cached);
      session.prompt(ids.subarray(cached));
      session.sampling(sampling);
      usable = true;
      while (sampling.maxTokens > 0 && !assembler.stopped) {
        const state = await this.step(session, signal);
        if (state === STEP_DONE) {
          if (session.end() === END_STOP) finishReason = 'stop';
          break;
        }
        if (state !== STEP_TOKEN) continue;
        clock.token();
        const id = session.token();
        const added = assembler.push(this.engine.piece(id, 0));
        tokens.push(id);
        text += added;
        yield { id, text: added };
      }
      const rest = assembler.end();
      if (rest) yield { id: tokens[tokens.length - 1]!, text: rest };
      if (assembler.stopped) finishReason = 'stop';
      const timings = clock.timings(ids.length, cached, this.engine.memoryBytes(), sampling.seed);
      return { text: text + rest, tokens, timings, finishReason };
    } catch (error) {
      usable &&= signal?.aborted ?? false;
      throw error;
    } finally {
      own.tokens = [...ids, ...tokens.slice(0, -1)]; // the last one was sampled, not computed
      if (options.cachePrompt && usable) await this.keep(own);
      else await this.release(session);
    }
  }

  private openOwn(contextSize: number): KeptSession {
    return { session: this.open(contextSize), contextSize, tokens: [] };
  }

  /** The kept session if it is large enough, else a new one with room to grow: conversations do. */
  private async takeKept(contextSize: number): Promise<KeptSession> {
    const { kept } = this;
    this.kept = undefined;
    if (kept && kept.contextSize >= contextSize) return kept;
    if (kept) await this.release(kept.session);
    return this.openOwn(Math.min(2 ** Math.ceil(Math.log2(contextSize)), this.info.contextSize));
  }

  /** Of generations that overlap, the last one's session stays. */
  private async keep(own: KeptSession): Promise<void> {
    const before = this.kept;
    this.kept = own;
    if (before) await this.release(before.session);
  }

  /** The context a generation gets; refuses a prompt that leaves no room. */
  private contextFor(promptTokens: number, maxTokens: number): number {
    const limit = this.info.contextSize;
    if (this.info.vocabOnly) throw new RealizarError('STATE', 'only the vocabulary of this model was loaded');
    if (promptTokens === 0) throw new RealizarError('ARGUMENT', 'the prompt is empty: it has no tokens');
    if (promptTokens >= limit) {
      throw new RealizarError('CONTEXT', `the prompt has ${promptTokens} tokens, the context holds ${limit}: shorten it or raise contextSize`);
    }
    return Math.min(limit, promptTokens + maxTokens);
  }

  private open(contextSize: number, kind?: 'logits' | 'embed'): EngineSession {
    this.checkOpen();
    const kv = kind ? 0 : kvTypes.indexOf(this.options.kv);
    const session = this.engine.openSession({ contextSize, chunk: kind === 'logits' ? logitsChunk : promptChunk[this.options.backend], kv, allLogits: kind === 'logits', embed: kind === 'embed' });
    this.sessions.add(session);
    return session;
  }

  private async release(session: EngineSession): Promise<void> {
    if (this.sessions.delete(session)) await session.close();
  }

  /** One step; the host gets a turn now and then, and with it the chance to abort. */
  private async step(session: EngineSession, signal?: AbortSignal): Promise<number> {
    if (performance.now() - this.lastPause >= this.options.pauseEveryMs) {
      await this.options.pause();
      this.lastPause = performance.now();
    }
    signal?.throwIfAborted();
    this.checkOpen();
    return session.step();
  }

  async logits(ids: ArrayLike<number>): Promise<Float32Array> {
    const list = tokenIds(ids);
    if (list.length === 0) throw new RealizarError('ARGUMENT', 'logits of no tokens');
    const out = new Float32Array(list.length * this.info.vocabSize);
    let at = 0;
    const session = this.open(list.length, 'logits');
    try {
      session.prompt(list);
      while ((await this.step(session)) === STEP_AGAIN) {
        const { data } = session.logits();
        out.set(data, at);
        at += data.length;
      }
    } finally {
      await this.release(session);
    }
    return out;
  }

  async embed(input: string | ArrayLike<number>, options: EmbedOptions = {}): Promise<Float32Array> {
    const ids = tokenIds(typeof input === 'string' ? await this.tokenize(input, options) : input);
    const pooling = poolings[options.pooling ?? 'model'];
    if (pooling === undefined) throw new RealizarError('ARGUMENT', `pooling must be mean, cls or last, not ${String(options.pooling)}`);
    if (ids.length === 0) throw new RealizarError('ARGUMENT', 'an embedding of no tokens');
    if (ids.length > this.info.contextSize) {
      throw new RealizarError('CONTEXT', `the text has ${ids.length} tokens, the context holds ${this.info.contextSize}: shorten it`);
    }
    const session = this.open(ids.length, 'embed');
    try {
      session.prompt(ids);
      if (options.tokenTypes) session.tokenTypes(tokenIds(options.tokenTypes));
      await this.step(session);
      return session.embedding(pooling);
    } finally {
      await this.release(session);
    }
  }

  async perplexity(text: string, options: PerplexityOptions = {}): Promise<Perplexity> {
    const size = whole('contextSize', options.contextSize ?? 512, 2, 2 ** 26);
    const ids = tokenIds(await this.tokenize(text));
    const windows = Math.min(Math.floor(ids.length / size), options.chunks ?? Infinity);
    if (windows === 0) {
      throw new RealizarError('ARGUMENT', `the text has ${ids.length} tokens, less than one window of ${size}`);
    }
    const bos = this.engine.info().addBos ? this.info.bosToken : null;
    let nll = 0;
    for (let w = 0; w < windows; w++) {
      const window = ids.slice(w * size, (w + 1) * size);
      nll += await this.windowNll(window, bos, options.signal);
      options.onProgress?.(w + 1, windows);
    }
    const tokens = windows * (size - 1 - Math.floor(size / 2));
    return { perplexity: Math.exp(nll / tokens), tokens, nll };
  }

  /** Sum over the second half of a window; its first token is replaced by the BOS. */
  private async windowNll(window: Uint32Array, bos: number | null, signal?: AbortSignal): Promise<number> {
    const first = Math.floor(window.length / 2);
    const inputs = window.slice();
    if (bos !== null) inputs[0] = bos;
    let nll = 0;
    let done = 0;
    const session = this.open(window.length, 'logits');
    try {
      session.prompt(inputs);
      while ((await this.step(session, signal)) === STEP_AGAIN) {
        const rows = Math.min(logitsChunk, window.length - done);
        const from = Math.max(first, done);
        const to = Math.min(window.length - 1, done + rows);
        if (from < to) nll += session.nll(from - done, window.subarray(from + 1, to + 1));
        done += rows;
      }
    } finally {
      await this.release(session);
    }
    return nll;
  }

  async predict(): Promise<Float32Array> {
    throw new RealizarError('UNSUPPORTED', 'this model writes text: predict() is for models of .apr files that predict');
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    try {
      for (const session of this.sessions) await this.release(session);
      await this.engine.close();
    } finally {
      this.options.onClose(); // also where the engine has crashed
    }
  }
}
