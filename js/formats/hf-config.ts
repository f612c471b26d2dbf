/**
 * config.json of Hugging Face's models as GGUF metadata, as src/hf_config.c reads it. A file leaves out what its class in
 * transformers has as a default, so the defaults are here too. What a GGUF file of the architecture cannot say is refused.
 */
import { RealizarError } from '../errors.js';
import { isObject } from './bytes.js';
import type { PlannedTensor } from './gguf-stream.js';
import { entry, type MetaEntry, metaType } from './header.js';
import { describeRope } from './hf-rope.js';

export type Config = Record<string, unknown>;

/** What is the same for all models of a type; the defaults of its settings. */
export interface HfClass {
  /** general.architecture */
  arch: string;
  /** Norms subtract the mean. */
  layerNorm?: boolean;
  /** Added to the squares' mean in norms; RoPE's base; the share of a head that is rotated. */
  eps: number;
  theta: number;
  partial: number;
  /** GGUF files rotate neighbouring rows of a head, or none; otherwise halves as Hugging Face does. */
  rotates?: 'neighbours' | 'nothing';
  /** Where it is not the width over the number of heads. */
  headDim?: number;
  /** Keys that a layer sees: 0 where files leave it out; undefined: all, whatever the file says. */
  window?: number;
  /** GGUF files can say windows: all layers but every so-many-th have one. */
  period?: number;
  /** Windows are off unless use_sliding_window says otherwise. */
  windowsOff?: boolean;
  /** Tokens and output have one matrix. */
  tied?: boolean;
  /** GGUF files have the output's matrix in any case. */
  ownOutput?: boolean;
  /** What GGUF files compute, and what the class does where it differs. */
  act: Activation;
  ownAct?: Activation;
  /** The feed-forward width is four times that of the model unless the file says it. */
  fourTimes?: boolean;
  experts?: boolean;
  /** Tokens see all others. */
  encoder?: boolean;
  /** GGUF files say use_parallel_residual; its default. */
  parallel?: boolean;
  /** Which weights take a factor of the queries. */
  queryScale?: 'attn_q' | 'attn_q_norm';
  /** With so many layers GGUF files scale scores by the width over the heads instead of by the head's. */
  largest?: number;
}

type Activation = 'silu' | 'gelu' | 'tanh' | 'relu';

const llama: HfClass = { arch: 'llama', eps: 1e-6, theta: 1e4, partial: 1, act: 'silu' };
const qwen: HfClass = { ...llama, window: 4096, windowsOff: true };
const gemma: HfClass = { ...llama, arch: 'gemma', headDim: 256, tied: true, act: 'tanh' };
const gemma3: HfClass = { ...gemma, arch: 'gemma3', theta: 1e6, window: 4096, period: 6, queryScale: 'attn_q_norm', largest: 62 };
const layerNorm: HfClass = { ...llama, layerNorm: true, eps: 1e-5, act: 'tanh' };
const encoder: HfClass = { ...layerNorm, arch: 'bert', eps: 1e-12, encoder: true, tied: true };

/** By model_type. */
const classes: Record<string, HfClass> = {
  llama: { ...llama, rotates: 'neighbours' },
  mistral: { ...llama, rotates: 'neighbours', window: 4096 },
  mixtral: { ...llama, rotates: 'neighbours', eps: 1e-5, theta: 1e6, window: 0, experts: true },
  smollm3: { ...llama, arch: 'smollm3', rotates: 'neighbours', theta: 2e6, tied: true, window: 0, windowsOff: true },
  granite: { ...llama, arch: 'granite', rotates: 'neighbours' },
  qwen2: { ...qwen, arch: 'qwen2' },
  qwen2_moe: { ...qwen, arch: 'qwen2moe', ownOutput: true, experts: true },
  qwen3: { ...qwen, arch: 'qwen3', headDim: 128 },
  qwen3_moe: { ...qwen, arch: 'qwen3moe', experts: true },
  gemma,
  gemma2: { ...gemma, arch: 'gemma2', window: 4096, period: 2, queryScale: 'attn_q', largest: 46 },
  gemma3,
  gemma3_text: gemma3,
  phi: { ...layerNorm, arch: 'phi2', partial: 0.5, ownOutput: true },
  phi3: { ...llama, arch: 'phi3', eps: 1e-5, window: 0 },
  gpt2: { ...layerNorm, arch: 'gpt2', rotates: 'nothing', tied: true, fourTimes: true },
  gpt_neox: { ...layerNorm, arch: 'gptneox', partial: 0.25, ownOutput: true, ownAct: 'gelu', parallel: true },
  falcon: { ...layerNorm, arch: 'falcon', tied: true, fourTimes: true, ownAct: 'gelu' },
  mpt: { ...layerNorm, arch: 'mpt', rotates: 'nothing', tied: true, fourTimes: true, ownAct: 'gelu' },
  bloom: { ...layerNorm, arch: 'bloom', rotates: 'nothing', tied: true, fourTimes: true },
  stablelm: { ...layerNorm, arch: 'stablelm', partial: 0.25, ownOutput: true, act: 'silu', parallel: false },
  starcoder2: { ...layerNorm, arch: 'starcoder2', tied: true, window: 0 },
  olmo2: { ...llama, arch: 'olmo2', eps: 1e-5 },
  olmoe: { ...llama, arch: 'olmoe', eps: 1e-5, ownOutput: true, experts: true },
  gpt_oss: { ...llama, arch: 'gpt-oss', eps: 1e-5, ownOutput: true, theta: 150000, headDim: 64, window: 128, period: 2, experts: true },
  bert: { ...encoder, rotates: 'nothing', act: 'gelu' },
  nomic_bert: { ...encoder, arch: 'nomic-bert', act: 'silu' },
};

/** Types of models that can be translated. */
export const hfTypes = Object.keys(classes);

/** Settings that GGUF files of these types have one value of; `otherwise` is the class's default where it is another. */
const fixed: { types: string; key: string; only: unknown; otherwise?: unknown }[] = [
  { types: 'falcon', key: 'alibi', only: false },
  { types: 'falcon', key: 'parallel_attn', only: true },
  { types: 'bert', key: 'is_decoder', only: false },
  { types: 'bert', key: 'position_embedding_type', only: 'absolute' },
  { types: 'stablelm', key: 'qk_layernorm', only: false },
  { types: 'gpt2', key: 'scale_attn_by_inverse_layer_idx', only: false },
  { types: 'gpt2', key: 'scale_attn_weights', only: true },
  { types: 'bloom', key: 'apply_residual_connection_post_layernorm', only: false },
  { types: 'mpt', key: 'attn_config.alibi', only: true },
  { types: 'mpt', key: 'attn_config.softmax_scale', only: false },
  { types: 'qwen2_moe qwen3_moe', key: 'mlp_only_layers', only: false },
  { types: 'qwen2_moe qwen3_moe', key: 'decoder_sparse_step', only: 1 },
  { types: 'qwen2_moe olmoe', key: 'norm_topk_prob', only: false },
  { types: 'qwen3_moe', key: 'norm_topk_prob', only: true, otherwise: false },
  { types: 'olmoe', key: 'clip_qkv', only: false },
  { types: 'gemma3 gemma3_text', key: 'attn_logit_softcapping', only: false },
  { types: 'gemma3 gemma3_text', key: 'rope_local_base_freq', only: 10000 },
  { types: 'gemma3 gemma3_text', key: 'rope_parameters.sliding_attention.rope_theta', only: 10000 },
  { types: 'nomic_bert', key: 'prenorm', only: false },
  { types: 'nomic_bert', key: 'use_rms_norm', only: false },
  { types: 'nomic_bert', key: 'causal', only: false },
  { types: 'nomic_bert', key: 'rotary_emb_interleaved', only: false },
  { types: 'nomic_bert', key: 'rotary_scaling_factor', only: false },
];

/** Names of sizes in config.json, and in the metadata of .apr files. */
export const sizeKeys = {
  layers: ['num_hidden_layers', 'n_layer', 'n_layers', 'num_layers'],
  embd: ['hidden_size', 'n_embd', 'd_model', 'hidden_dim'],
  heads: ['num_attention_heads', 'n_head', 'n_heads', 'num_heads'],
  kvHeads: ['num_key_value_heads', 'num_kv_heads', 'n_kv_heads'],
  headDim: ['head_dim'],
  vocab: ['vocab_size'],
  context: ['max_position_embeddings', 'n_positions', 'n_ctx', 'seq_length', 'max_seq_len', 'context_length'],
  ff: ['intermediate_size', 'n_inner', 'ffn_hidden_size', 'ffn_dim', 'd_ff'],
  experts: ['num_local_experts', 'num_experts'],
};

export interface HfSizes {
  layers: number;
  embd: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  context: number;
  /** 0: none. */
  experts: number;
}

/** A model in GGUF's terms. */
export interface HfModel {
  type: string;
  class: HfClass;
  sizes: HfSizes;
  metadata: Map<string, MetaEntry>;
  /** What GGUF keeps as tensors: factors of RoPE. */
  tensors: PlannedTensor[];
  /** The output's matrix is that of the tokens. */
  tied: boolean;
  /** By how much queries are multiplied. */
  queryScale: number;
  /** What readers of the file do otherwise, in a sentence each. */
  notes: string[];
}

/* ---- values of config.json -------------------------------------------------------------------- */

/** The value at a path of keys with points between them. */
function valueAt(config: Config, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), config);
}

/** The number at the first of these keys that has one. */
export function numberAt(config: Config, ...keys: string[]): number | undefined {
  return keys.map((key) => config[key]).find((value) => typeof value === 'number');
}

function required(config: Config, keys: string[]): number {
  const value = numberAt(config, ...keys);
  if (value === undefined) throw new RealizarError('FORMAT', `the model's settings have no number '${keys[0]}'`);
  return value;
}

/** A number of which null is 0. */
function nullable(config: Config, key: string, otherwise: number): number {
  return config[key] === null ? 0 : numberAt(config, key) ?? otherwise;
}

function unsupported(sentence: string): never {
  throw new RealizarError('UNSUPPORTED', sentence);
}

/** The settings of the text model: those of models that see as well stand deeper. */
function textModel(config: Config): Config {
  const inner = config.text_config;
  return isObject(inner) && inner.model_type ? inner : config;
}

/** false, null, 0 and [] are how a configuration says no. */
function saysNo(value: unknown): boolean {
  return value === false || value === null || value === 0 || (Array.isArray(value) && value.length === 0);
}

/* ---- parts of a configuration ----------------------------------------------------------------- */

export function hfClass(type: unknown): HfClass {
  const found = typeof type === 'string' ? classes[type.toLowerCase()] : undefined;
  return found ?? unsupported(`models of type '${String(type)}' cannot be translated to GGUF; ${hfTypes.join(', ')} can`);
}

function refuseOthers(config: Config, type: string): void {
  const quantised = config.quantization_config;
  if (isObject(quantised) && !(type === 'gpt_oss' && quantised.quant_method === 'mxfp4')) {
    unsupported(`weights quantised by '${String(quantised.quant_method)}' cannot be translated to GGUF: take the original model`);
  }
  for (const { types, key, only, otherwise = only } of fixed) {
    const value = valueAt(config, key) ?? otherwise;
    if (!types.split(' ').includes(type) || value === only || (only === false && saysNo(value))) continue;
    unsupported(`${key} ${JSON.stringify(value)} of models of type '${type}' cannot be translated to GGUF; ${JSON.stringify(only)} can`);
  }
}

function readSizes(config: Config, type: string, row: HfClass): HfSizes {
  const embd = required(config, sizeKeys.embd);
  const heads = required(config, sizeKeys.heads);
  const newFalcon = config.new_decoder_architecture === true;
  const ownHeads = type === 'falcon' && !newFalcon ? (config.multi_query === false ? heads : 1) : undefined;
  return {
    embd, heads,
    layers: required(config, sizeKeys.layers),
    kvHeads: ownHeads ?? numberAt(config, ...sizeKeys.kvHeads) ?? heads,
    headDim: numberAt(config, ...sizeKeys.headDim) ?? row.headDim ?? embd / heads,
    context: numberAt(config, ...sizeKeys.context) ?? 2048,
    experts: row.experts ? required(config, sizeKeys.experts) : 0,
  };
}

function feedForward(config: Config, type: string, row: HfClass, { embd }: HfSizes): number {
  const times = type === 'mpt' ? numberAt(config, 'expansion_ratio') ?? 4 : 4;
  return numberAt(config, ...sizeKeys.ff) ?? (row.fourTimes ? times * embd : required(config, sizeKeys.ff));
}

const activations: Record<string, Activation> = {
  silu: 'silu', swish: 'silu', swiglu: 'silu', gelu: 'gelu', gelu_python: 'gelu', gelu_new: 'tanh', gelu_fast: 'tanh', gelu_pytorch_tanh: 'tanh', relu: 'relu',
};

/** The tanh form and the exact GELU differ by 5e-4 at most: files of llama.cpp have one name for both. */
function checkActivation(config: Config, type: string, row: HfClass, notes: string[]): void {
  const key = ['hidden_activation', 'activation_function', 'hidden_act', 'activation'].find((k) => typeof config[k] === 'string');
  const own = key === undefined ? row.ownAct ?? row.act : activations[String(config[key])];
  /* the first Gemma was trained with the tanh form, which its files call "gelu" */
  if (own === row.act || (type === 'gemma' && own === 'gelu')) return;
  if (own === 'gelu' && row.act === 'tanh') {
    notes.push(`GGUF files of ${row.arch} mean the tanh form of GELU, this model the exact one: results differ in the fourth digit`);
    return;
  }
  const only = Object.keys(activations).filter((name) => activations[name] === row.act).join(', ');
  unsupported(`${key} '${String(config[key!])}' of models of type '${type}' cannot be translated to GGUF; ${only} can`);
}

/** Keys that windowed layers see, 0: all, and which layers have no window. */
function readWindows(config: Config, row: HfClass, { layers }: HfSizes): { window: number; period: number } {
  const off = row.window === undefined || (config.use_sliding_window ?? !row.windowsOff) === false;
  const window = off ? 0 : nullable(config, 'sliding_window', row.window!);
  const types = config.layer_types;
  if (Array.isArray(types)) {
    const period = types.indexOf('full_attention') + 1;
    const regular = types.every((t, i) => (t === 'full_attention') === (period > 0 && (i + 1) % period === 0));
    if (window && !regular) unsupported('windows of layer_types that follow no period cannot be translated to GGUF');
    return { window: period === 1 ? 0 : window, period };
  }
  if (row.arch.startsWith('qwen') && window) { // windows begin at a layer
    const from = numberAt(config, 'max_window_layers') ?? layers;
    if (from > 0 && from < layers) unsupported(`windows from layer ${from} on cannot be translated to GGUF`);
    return { window: from >= layers ? 0 : window, period: 0 };
  }
  return { window, period: (row.period === 6 && numberAt(config, 'sliding_window_pattern', '_sliding_window_pattern')) || (row.period ?? 0) };
}

/** What the scores' scale in the file has to be multiplied by to be the model's, as a factor of the queries. */
function queryScale(config: Config, row: HfClass, { embd, heads, headDim, layers }: HfSizes): number {
  if (!row.queryScale) return 1;
  const inFile = layers === row.largest ? Math.floor(embd / heads) : headDim;
  return Math.sqrt(inFile / (numberAt(config, 'query_pre_attn_scalar') ?? 256));
}

/* ---- all of it -------------------------------------------------------------------------------- */

type Set = (key: string, type: keyof typeof metaType, value: number | boolean | string | undefined) => void;

/** The context within which the file computes what the model does: GGUF files of most architectures cannot say a window. */
function setWindows(set: Set, config: Config, row: HfClass, sizes: HfSizes, notes: string[]): void {
  const { window, period } = readWindows(config, row, sizes);
  if (row.period === undefined) {
    if (window && window < sizes.context) notes.push(`GGUF files of ${row.arch} cannot say that layers see ${window} tokens back: the file is for contexts of that length`);
    return set('context_length', 'u32', window ? Math.min(sizes.context, window) : sizes.context);
  }
  if (window && period !== row.period) unsupported(`windows in all but every ${period}th layer cannot be translated to GGUF files of ${row.arch}; in all but every ${row.period}th can`);
  set('context_length', 'u32', sizes.context);
  /* files of Gemma 3 without one have no local RoPE either; llama.cpp takes a default elsewhere */
  if (window || row.arch !== 'gemma3') set('attention.sliding_window', 'u32', window || sizes.context);
}

function setExperts(set: Set, config: Config, { arch, experts }: HfClass, sizes: HfSizes): void {
  if (!experts) return;
  set('expert_count', 'u32', sizes.experts);
  set('expert_used_count', 'u32', required(config, ['num_experts_per_tok']));
  set('expert_feed_forward_length', 'u32', required(config, ['moe_intermediate_size', 'intermediate_size']));
  if (arch === 'qwen2moe') set('expert_shared_feed_forward_length', 'u32', required(config, ['shared_expert_intermediate_size']));
}

/** What some architectures have under keys of their own. */
function setExtras(set: Set, config: Config, { arch, parallel }: HfClass): void {
  if (arch === 'gemma2') {
    const cap = nullable(config, 'attn_logit_softcapping', 50); // llama.cpp divides by it
    if (!cap) unsupported("attn_logit_softcapping null of models of type 'gemma2' cannot be translated to GGUF; a number can");
    set('attn_logit_softcapping', 'f32', cap);
  }
  if (arch === 'gemma2' || arch === 'gemma3') set('final_logit_softcapping', 'f32', nullable(config, 'final_logit_softcapping', arch === 'gemma2' ? 30 : 0));
  if (arch === 'granite') {
    set('embedding_scale', 'f32', numberAt(config, 'embedding_multiplier'));
    set('residual_scale', 'f32', numberAt(config, 'residual_multiplier'));
    set('attention.scale', 'f32', numberAt(config, 'attention_multiplier') ?? 1);
    set('logit_scale', 'f32', numberAt(config, 'logits_scaling'));
  }
  if (arch === 'mpt') {
    set('attention.max_alibi_bias', 'f32', Number(valueAt(config, 'attn_config.alibi_bias_max') ?? 8));
    set('attention.clamp_kqv', 'f32', Number(valueAt(config, 'attn_config.clip_qkv') ?? 0) || undefined);
  }
  if (parallel !== undefined) set('use_parallel_residual', 'bool', (config.use_parallel_residual ?? parallel) === true);
}

/** From config.json, or from the metadata of an .apr file, which has aliases for its keys. */
export function describeHf(file: Config, modelType?: unknown): HfModel {
  const config = textModel(file);
  const type = String(modelType ?? config.model_type).toLowerCase();
  const row = hfClass(modelType ?? config.model_type);
  const metadata = new Map<string, MetaEntry>([['general.architecture', entry('string', row.arch)]]);
  const notes: string[] = [];
  const set: Set = (key, kind, value) => {
    if (value !== undefined) metadata.set(`${row.arch}.${key}`, entry(kind, value));
  };
  refuseOthers(config, type);
  const sizes = readSizes(config, type, row);
  checkActivation(config, type, row, notes);
  const name = file._name_or_path || file.name;
  if (typeof name === 'string') metadata.set('general.name', entry('string', name));
  set('block_count', 'u32', sizes.layers);
  setWindows(set, config, row, sizes, notes);
  set('embedding_length', 'u32', sizes.embd);
  set('feed_forward_length', 'u32', feedForward(config, type, row, sizes));
  set('attention.head_count', 'u32', sizes.heads);
  set('attention.head_count_kv', 'u32', sizes.kvHeads);
  set('attention.key_length', 'u32', sizes.headDim);
  set('attention.value_length', 'u32', sizes.headDim);
  set(row.layerNorm ? 'attention.layer_norm_epsilon' : 'attention.layer_norm_rms_epsilon', 'f32',
    numberAt(config, 'rms_norm_eps', 'layer_norm_epsilon', 'layer_norm_eps', 'norm_epsilon', 'norm_eps') ?? row.eps);
  set('vocab_size', 'u32', required(config, sizeKeys.vocab));
  if (row.encoder) {
    set('attention.causal', 'bool', false);
    metadata.set('tokenizer.ggml.token_type_count', entry('u32', numberAt(config, 'type_vocab_size') ?? 2));
  }
  setExperts(set, config, row, sizes);
  setExtras(set, config, row);
  const rope = row.rotates === 'nothing' ? undefined : describeRope(config, type, row, sizes);
  for (const [key, value] of rope?.entries ?? []) metadata.set(`${row.arch}.${key}`, value);
  return {
    type, class: row, sizes, metadata, tensors: rope?.tensors ?? [], notes: [...notes, ...(rope?.notes ?? [])],
    tied: (config.tie_word_embeddings ?? row.tied ?? false) === true,
    queryScale: queryScale(config, row, sizes),
  };
}
