/** Public types of the package. Sizes are bytes, times milliseconds, unless a name says otherwise. */

/** Where the bytes of one file come from. A string is a URL, or in Node.js also a path. */
export type Source = string | URL | Request | Response | ReadableStream<Uint8Array> | Blob | ArrayBuffer | Uint8Array;

/** The files of a Hugging Face model by name: 'config.json', 'model.safetensors' ... */
export type ModelFiles = { [name: string]: Source };

/** Weight types that float weights can be turned into while they load. */
export type QuantizeType = 'q4_0' | 'q4_1' | 'q5_0' | 'q5_1' | 'q8_0' | 'q4_k' | 'q5_k' | 'q6_k';

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
  /** Element type of the KV cache. q8_0 keeps bytes with a scale for every 32 and needs heads of a
   *  multiple of 32 dimensions. f16 is 2 bytes a number: halves natively; 14-bit integers with a scale in wasm,
   *  which are about as exact. Default f16: the fastest of those that fit every model. */
  kv?: KvType;
  /** Quantise float weights (F32, F16, BF16) while they arrive: memory holds the small type only. The
   *  vocabulary's matrices get at least 6 bits. Default: weights stay as they are. */
  quantize?: QuantizeType;
  /** Compute in a worker. Default: true in a page, false elsewhere. */
  worker?: boolean;
  /** `native` needs the add-on (Node.js only). Default: native where it is built, else wasm. */
  backend?: 'wasm' | 'native';
  /** Kernels: `relaxed` or `simd` for wasm; `amx` (Linux), `avx512` (with VNNI), `avxvnni`, `avx2`, `neondot`,
   *  `neon` or `scalar` natively. Default: the fastest that works. */
  variant?: Variant;
  /** The WebAssembly modules, where they cannot be fetched from beside this package (Workers). */
  modules?: WasmModules;
}

export type KvType = 'f32' | 'f16' | 'q8_0';

export type Variant = 'relaxed' | 'simd' | 'amx' | 'avx512' | 'avxvnni' | 'avx2' | 'neondot' | 'neon' | 'scalar';

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
  /** Take out spaces in front of . ? ! , and English contractions. Default false. */
  cleanUp?: boolean;
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
  /** Keep this generation's KV cache in the model, and compute only what the prompt has more than the
   *  one kept before; the text is the same. Default: true for chats, else false. */
  cachePrompt?: boolean;
  /** Ends the generation between tokens and inside the prompt; rejects with the signal's reason. */
  signal?: AbortSignal;
}

export interface EmbedOptions extends TokenizeOptions {
  /** What becomes the vector: the mean of all tokens' states, the first one's or the last one's.
   *  Default: what the model's files ask for, else the mean. */
  pooling?: 'mean' | 'cls' | 'last';
  /** Segment of every token, for models that tell two texts apart (BERT). Default: 0. */
  tokenTypes?: ArrayLike<number>;
}

export interface Timings {
  promptTokens: number;
  /** Tokens of the prompt that were in the KV cache already: see GenerateOptions.cachePrompt. */
  cachedTokens: number;
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

/** A text part; other types are refused by name. */
export interface ContentPart {
  type: string;
  text?: string;
}

/** A message of a conversation. Members beside these are handed to the template as they are.
 *  Special tokens written in a content are read as such, as in llama.cpp and transformers. */
export interface ChatMessage {
  /** system, user, assistant, tool, or another one that the template names. */
  role: string;
  /** A text or text parts, which are joined by line feeds; may be missing beside tool_calls. */
  content?: string | ContentPart[] | null;
  /** Calls of an assistant's message; `arguments` that are JSON text become an object. */
  tool_calls?: { function: { name: string; arguments: unknown }; [member: string]: unknown }[];
  [member: string]: unknown;
}

export interface ChatTemplateOptions {
  /** Functions the model may call, as JSON schemas. Calls come as text of the answer. */
  tools?: object[];
  /** A variant of the file ("tool_use"), a known format ("chatml", "llama-3", "plain" ...) or a Jinja
   *  template. Default: the file's own, else the format that its vocabulary shows. */
  template?: string;
  /** End with the head of an assistant's turn. Default true. */
  addGenerationPrompt?: boolean;
  /** More variables for the template, such as `enable_thinking: false`. */
  variables?: Record<string, unknown>;
}

export type ChatOptions = Omit<ChatTemplateOptions, 'addGenerationPrompt'> & Omit<GenerateOptions, keyof TokenizeOptions>;

export interface ChatResult extends GenerateResult {
  /** The answer as a message, to be put behind the others. */
  message: ChatMessage;
}

/** What iterating an answer yields; the return value is the result. */
export type ChatGeneration = AsyncGenerator<TokenEvent, ChatResult, void>;

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
  /** What may make results wrong, in sentences. */
  warnings: string[];
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

/** The text of a file, or its bytes. */
export type FileContent = string | ArrayBuffer | Uint8Array;

export interface TokenizerOptions {
  /** The tokenizer_config.json that goes with it: BOS, EOS and whether they are added. */
  config?: FileContent;
  backend?: 'wasm' | 'native';
  variant?: Variant;
  modules?: WasmModules;
}

/** A vocabulary without a model. */
export type Tokenizer = Pick<Model, 'info' | 'tokenize' | 'detokenize' | 'close'>;

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
  /** Answers a conversation. The model keeps its KV cache: when the next one begins the same, only
   *  what is new is computed. UNSUPPORTED: the model has no chat format. */
  chat(messages: ChatMessage[], options?: ChatOptions): Promise<ChatResult>;
  /** As chat, in pieces, never half a character. */
  chatStream(messages: ChatMessage[], options?: ChatOptions): AsyncIterableIterator<string>;
  /** As chatStream, with token ids; the generator's return value is the ChatResult. */
  chatEvents(messages: ChatMessage[], options?: ChatOptions): ChatGeneration;
  /** The prompt that a conversation becomes. */
  applyChatTemplate(messages: ChatMessage[], options?: ChatTemplateOptions): Promise<string>;
  /** "template": the file carries one; else the name of the format that the vocabulary or the model's
   *  name shows; null: none, so that a chat needs the option `template`. */
  chatFormat(): Promise<string | null>;
  /** Logits of every position: ids.length rows of info.vocabSize floats, row by row. */
  logits(ids: ArrayLike<number>): Promise<Float32Array>;
  /** One vector of info.embeddingLength numbers for a text (or token ids), with Euclidean length 1. */
  embed(input: string | ArrayLike<number>, options?: EmbedOptions): Promise<Float32Array>;
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
