/**
 * What a model needs from an engine, whichever side computes: abi.ts over WebAssembly or native.ts
 * over the add-on. One to one with rz.h; failures are thrown as RealizarError.
 */

import type { KvType } from './types.js';

export interface EngineOptions {
  parts: number;
  threads: number;
  vocabOnly: boolean;
  /** Id of the weight type that float matrices become; 0: they stay as they are. */
  quantize: number;
}

/** Ids of the weight types that load() can quantise to. */
export const quantizeTypes = { q4_0: 2, q4_1: 3, q5_0: 6, q5_1: 7, q8_0: 8, q4_k: 12, q5_k: 13, q6_k: 14 } as const;

/** Bytes the loader wants next; within a part, offsets never go backwards. */
export interface Need {
  part: number;
  offset: number;
  length: number;
}

export interface EngineLoader {
  setSize(part: number, bytes: number): void;
  /** null: all bytes have arrived. */
  next(): Need | null;
  /** Bytes at the need's offset; takes what it wants and says how many. None: the part has ended. */
  feed(bytes: Uint8Array): number;
  finish(): EngineModel;
  close(): void;
}

export interface EngineInfo {
  vocabSize: number;
  contextLength: number;
  embeddingLength: number;
  layers: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  feedForwardLength: number;
  bos: number;
  eos: number;
  addBos: number;
  vocabOnly: number;
  threads: number;
  metadataEntries: number;
  parameters: number;
  fileBytes: number;
  weightBytes: number;
  memoryBytes: number;
  /** 1: the pre-tokenizer has a name that is not known; the default one is used. */
  unknownPre: number;
}

/** Types of the KV cache by RZ_KV_*. */
export const kvTypes: KvType[] = ['f32', 'f16', 'q8_0'];

/** Field order of the info array that both engines hand over. */
export const infoFields: (keyof EngineInfo)[] = [
  'vocabSize', 'contextLength', 'embeddingLength', 'layers', 'heads', 'kvHeads', 'headDim',
  'feedForwardLength', 'bos', 'eos', 'addBos', 'vocabOnly', 'threads', 'metadataEntries',
  'parameters', 'fileBytes', 'weightBytes', 'memoryBytes', 'unknownPre',
];

export const noToken = 0xffffffff;

export interface EngineMeta {
  key: string;
  type: number;
  number: number;
  string: string;
  arrayType: number;
  arrayLength: number;
}

/** Flags of rz_tokenize and rz_piece. */
export const TOK_SPECIAL = 1;
export const TOK_PARSE = 2;
export const TOK_CLEAN = 4;

/** States of rz_step and reasons of rz_session_end. */
export const STEP_AGAIN = 2;
export const STEP_TOKEN = 3;
export const STEP_DONE = 4;
export const END_STOP = 1;

export interface SessionOptions {
  contextSize: number;
  chunk: number;
  kv: number;
  allLogits: boolean;
  /** Hidden states instead of logits, all tokens in one step. */
  embed: boolean;
}

/** RZ_POOL_* by name. */
export const poolings = { model: 0, mean: 1, cls: 2, last: 3 } as const;

export interface Sampling {
  temperature: number;
  topK: number;
  topP: number;
  minP: number;
  repeatPenalty: number;
  repeatLast: number;
  seed: bigint;
  maxTokens: number;
  ignoreEnd: boolean;
}

export interface EngineModel {
  info(): EngineInfo;
  names(): { kernels: string; architecture: string; type: string };
  meta(index: number): EngineMeta;
  tokenize(text: Uint8Array, flags: number): number[];
  detokenize(ids: Uint32Array, flags: number): Uint8Array;
  piece(id: number, flags: number): Uint8Array;
  openSession(options: SessionOptions): EngineSession;
  /** Bytes the engine holds now. */
  memoryBytes(): number;
  close(): void | Promise<void>;
}

export interface EngineSession {
  prompt(ids: Uint32Array): void;
  tokenTypes(types: Uint32Array): void;
  sampling(options: Sampling): void;
  rewind(tokens: number): void;
  /** One bounded piece of work; a promise where it is done on another thread. */
  step(): number | Promise<number>;
  token(): number;
  end(): number;
  /** Copies the rows of logits of the last step, without padding. */
  logits(): { rows: number; data: Float32Array };
  /** -log softmax(row)[target] for `targets`, from row `first` of the last step's logits on. */
  nll(first: number, targets: ArrayLike<number>): number;
  /** One vector of length 1 for all tokens of a session with `embed`; `pooling` is one of `poolings`. */
  embedding(pooling: number): Float32Array;
  close(): void | Promise<void>;
}

/** A layer act(w x + b); see rz_dense in rz.h. */
export interface DenseLayer {
  rows: number;
  cols: number;
  /** 0 none, 1 relu, 2 sigmoid, 3 tanh. */
  act: number;
  /** rows x cols, row by row. */
  w: Float32Array;
  b?: Float32Array;
}

/** Order of the activations that the engine knows, by their number. */
export const activations = ['linear', 'relu', 'sigmoid', 'tanh'];

export interface EnginePredictorInfo {
  kind: string;
  inputs: number;
  outputs: number;
  /** Whether a row has exactly `inputs` features; else that many or more. */
  exact: boolean;
  parameters: number;
  memoryBytes: number;
}

export interface EnginePredictor {
  info(): EnginePredictorInfo;
  /** Reads `inputs` features and writes `outputs` numbers. */
  predict(features: ArrayLike<number>, out: Float32Array): void;
  close(): void;
}

/** What an engine does besides running language models. */
export interface EngineTools {
  /** From the bytes of an .apr file of version 1, or from layers. */
  predictor(source: Uint8Array | DenseLayer[]): EnginePredictor;
  /** Floats to blocks of a weight type, and back; whole blocks. Type ids are those of GGUF files. */
  quantize(type: number, floats: Float32Array, blocks: Uint8Array): void;
  dequantize(type: number, blocks: Uint8Array, floats: Float32Array): void;
}

/** Layers as both engines take them: four numbers each, and all floats. */
export function packLayers(layers: DenseLayer[]): { shapes: Uint32Array; floats: Float32Array } {
  const shapes = Uint32Array.from(layers.flatMap((l) => [l.rows, l.cols, l.act, l.b ? 1 : 0]));
  const floats = new Float32Array(layers.reduce((n, l) => n + l.w.length + (l.b?.length ?? 0), 0));
  let at = 0;
  for (const { w, b } of layers) {
    floats.set(w, at);
    at += w.length;
    if (b) floats.set(b, at);
    at += b?.length ?? 0;
  }
  return { shapes, floats };
}

/** Fills `to` with the first features of a row. */
export function copyFeatures(features: ArrayLike<number>, to: Float32Array): void {
  if (features instanceof Float32Array && features.length === to.length) to.set(features);
  else for (let i = 0; i < to.length; i++) to[i] = features[i]!;
}
