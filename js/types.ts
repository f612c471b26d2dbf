/** Public types of the package. Sizes are bytes, times milliseconds, unless a name says otherwise. */

/** Where the bytes of one file come from. A string is a URL, or in Node.js also a path. */
export type Source = string | URL | Request | Response | ReadableStream<Uint8Array> | Blob | ArrayBuffer | Uint8Array;

export interface LoadProgress {
  /** Bytes of all parts that have arrived. */
  loaded: number;
  /** Bytes of all parts, where every source says its size. */
  total?: number;
}

export interface LoadOptions {
  /** Called while bytes arrive, at most about 30 times a second, and once at the end. */
  onProgress?: (progress: LoadProgress) => void;
  /** Aborts the load; the promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Read vocabulary and metadata only: enough for tokenize, detokenize and info. */
  vocabOnly?: boolean;
  /** Threads that compute. Default: the processors the host reports, at most 8; 1 where the host
   *  has no shared memory, and on a page's main thread (`worker: false`), which may not wait. */
  threads?: number;
  /** Most tokens (prompt and answer) a generation may have. Default: what the model was trained
   *  for. */
  contextSize?: number;
  /** Element type of the KV cache. Default f32. */
  kv?: 'f32' | 'f16';
  /** Compute in a worker. Default: true in a page, false elsewhere. */
  worker?: boolean;
  /** `native` needs the add-on (Node.js only). Default: native where it is built, else wasm. */
  backend?: 'wasm' | 'native';
  /** Kernels: `relaxed` or `simd` for wasm, `avx2` or `scalar` natively. Default: the fastest that
   *  works. */
  variant?: Variant;
  /** The WebAssembly modules, where they cannot be fetched from beside this package (Workers). */
  modules?: WasmModules;
}

export type Variant = 'relaxed' | 'simd' | 'avx2' | 'scalar';

/** Compiled modules or their bytes, by variant. */
export interface WasmModules {
  relaxed?: WebAssembly.Module;
  simd?: WebAssembly.Module;
}

export interface TokenizeOptions {
  /** Add the BOS and EOS tokens that the model asks for. Default true. */
  addSpecial?: boolean;
  /** Read "<s>" and the like in the text as tokens. Default false. */
  parseSpecial?: boolean;
}

export interface DetokenizeOptions {
  /** Write control tokens out instead of leaving them out. Default false. */
  special?: boolean;
}

export interface GenerateOptions extends TokenizeOptions {
  /** Most tokens to generate. Default 256. */
  maxTokens?: number;
  /** 0: greedy. Default 0.8. */
  temperature?: number;
  /** Sample from the k most likely tokens; 0: from all. Default 40. */
  topK?: number;
  /** Sample from the smallest set of tokens with this probability. Default 0.95. */
  topP?: number;
  /** Leave out tokens less likely than this share of the most likely one. Default 0.05. */
  minP?: number;
  /** Divide the logits of the last 64 tokens by this. Default 1: off. */
  repeatPenalty?: number;
  /** Same seed, same prompt, same variant: same text. Default: random. */
  seed?: number;
  /** Go on after an end token. Default false. */
  ignoreEnd?: boolean;
  /** End before any of these texts appears. */
  stop?: string | string[];
  /** Ends the generation between tokens and inside the prompt; rejects with the signal's reason. */
  signal?: AbortSignal;
}

export interface Timings {
  promptTokens: number;
  /** Time from the call to the first token. */
  ttftMs: number;
  prefillTokensPerSecond: number;
  generatedTokens: number;
  /** Rate of the tokens after the first. 0 if there was none. */
  decodeTokensPerSecond: number;
  totalMs: number;
  /** Memory of the engine at the end: linear memory in wasm, model and session natively. */
  memoryBytes: number;
  seed: number;
}

export interface GenerateResult {
  text: string;
  /** Generated ids, without the end token. */
  tokens: number[];
  timings: Timings;
  /** `stop`: end token or stop text; `length`: maxTokens or a full context. */
  finishReason: 'stop' | 'length';
}

export interface TokenEvent {
  id: number;
  /** Whole characters that became certain with this token; may be empty. */
  text: string;
}

/** What iterating a generation yields; the return value is the result. */
export type Generation = AsyncGenerator<TokenEvent, GenerateResult, void>;

export type MetadataValue = string | number | boolean | { array: string; length: number };

export interface ModelInfo {
  architecture: string;
  /** general.name of the file. */
  name: string;
  /** The weight type that holds most weights, such as "Q4_0". */
  type: string;
  parameters: number;
  vocabSize: number;
  /** Context size the model was trained for, in tokens. */
  contextLength: number;
  embeddingLength: number;
  layers: number;
  heads: number;
  kvHeads: number;
  feedForwardLength: number;
  bosToken: number | null;
  eosToken: number | null;
  vocabOnly: boolean;
  backend: 'wasm' | 'native';
  /** Name of the kernels in use: relaxed, simd128, avx2, scalar. */
  variant: string;
  threads: number;
  /** Tensor bytes in the file and packed in memory. */
  fileBytes: number;
  weightBytes: number;
  /** Everything the engine holds after loading. */
  memoryBytes: number;
  /** Most tokens a generation may have: see LoadOptions.contextSize. */
  contextSize: number;
  metadata: Record<string, MetadataValue>;
  /** Of models that predict instead of writing text; all numbers about text are 0 then. */
  predictor?: PredictorInfo;
}

export interface PredictorInfo {
  /** "LogisticRegression", "RandomForestClassifier", "MLP" ... */
  kind: string;
  /** Features of a row. */
  inputs: number;
  /** Numbers that come out. */
  outputs: number;
  /** Whether a row has exactly `inputs` features. Files of trees do not say: then that many or more. */
  exact: boolean;
}

export interface Perplexity {
  perplexity: number;
  /** Tokens that were scored. */
  tokens: number;
  /** Sum of their negative log likelihoods, natural logarithm. */
  nll: number;
}

export interface PerplexityOptions {
  /** Tokens per window. Default 512. */
  contextSize?: number;
  /** Score at most so many windows. */
  chunks?: number;
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

/** A loaded model. Calls may overlap; they are computed one after the other. */
export interface Model {
  readonly info: ModelInfo;
  /** Text to token ids. */
  tokenize(text: string, options?: TokenizeOptions): Promise<number[]>;
  /** Token ids to text: the inverse of tokenize. */
  detokenize(ids: ArrayLike<number>, options?: DetokenizeOptions): Promise<string>;
  /** Continues a text (or token ids) and resolves to the whole answer. */
  generate(prompt: string | ArrayLike<number>, options?: GenerateOptions): Promise<GenerateResult>;
  /** Continues a text and yields it in pieces, never half a character. */
  stream(prompt: string | ArrayLike<number>, options?: GenerateOptions): AsyncIterableIterator<string>;
  /** As stream, with token ids; the generator's return value is the GenerateResult. */
  events(prompt: string | ArrayLike<number>, options?: GenerateOptions): Generation;
  /** Logits of every position: ids.length rows of info.vocabSize floats, row by row. */
  logits(ids: ArrayLike<number>): Promise<Float32Array>;
  /** Perplexity of a text, computed as llama.cpp does: the second half of each window counts. */
  perplexity(text: string, options?: PerplexityOptions): Promise<Perplexity>;
  /**
   * What a predictor (an .apr file) makes of a row of features: info.predictor.outputs numbers. That is
   * the value of a regression, the probability of class 1 of a logistic one, the class of a
   * classifier, the cluster of KMeans, the outputs of a network.
   */
  predict(features: ArrayLike<number>): Promise<Float32Array>;
  /** Frees the model and its threads; running generations reject. May be called twice. */
  close(): Promise<void>;
}
