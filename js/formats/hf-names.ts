/**
 * Names and settings of Hugging Face's Llama-like models, and of BERT, in GGUF's terms: for files that keep those
 * names, and for converting. The engine pairs the halves of a head's rows in other architectures;
 * Llama's GGUF files pair neighbours, so rows of query and key matrices change places.
 */
import { RealizarError } from '../errors.js';
import { isObject } from './bytes.js';
import type { PlannedTensor } from './gguf-stream.js';
import { entry, type MetaEntry, metaType } from './header.js';

export interface HfArchitecture {
  /** general.architecture */
  name: string;
  /** GGUF files pair neighbouring rows. */
  pairs: boolean;
  /** Four norms a layer: those after attention and feed-forward are of their outputs. */
  sandwich: boolean;
  /** Norms are stored as w - 1. */
  normPlusOne: boolean;
  /** Some layers see a window of the keys only. */
  windows: boolean;
  /** Tokens see all others; positions are a table. */
  encoder: boolean;
}

type Traits = 'pairs' | 'sandwich' | 'normPlusOne' | 'windows' | 'encoder';

function row(name: string, ...traits: Traits[]): HfArchitecture {
  const has = (trait: Traits) => traits.includes(trait);
  return { name, pairs: has('pairs'), sandwich: has('sandwich'), normPlusOne: has('normPlusOne'), windows: has('windows'), encoder: has('encoder') };
}

/** By model_type of config.json. */
const architectures: Record<string, HfArchitecture> = {
  llama: row('llama', 'pairs'), mistral: row('llama', 'pairs'), granite: row('granite', 'pairs'), smollm3: row('smollm3', 'pairs'),
  qwen2: row('qwen2'), qwen3: row('qwen3'), olmo2: row('olmo2', 'sandwich'), gemma: row('gemma', 'normPlusOne'),
  gemma2: row('gemma2', 'sandwich', 'normPlusOne', 'windows'), gemma3_text: row('gemma3', 'sandwich', 'normPlusOne', 'windows'),
  bert: row('bert', 'encoder'),
};

export function hfArchitecture(modelType: unknown): HfArchitecture {
  const found = typeof modelType === 'string' ? architectures[modelType.toLowerCase()] : undefined;
  if (found) return found;
  throw new RealizarError('UNSUPPORTED', `models of type '${String(modelType)}' cannot be translated to GGUF; ${Object.keys(architectures).join(', ')} can`);
}

const plainNames: Record<string, string> = {
  embed_tokens: 'token_embd', norm: 'output_norm', lm_head: 'output', 'embeddings.word_embeddings': 'token_embd',
  'embeddings.position_embeddings': 'position_embd', 'embeddings.token_type_embeddings': 'token_types', 'embeddings.LayerNorm': 'token_embd_norm',
};

const layerNames: Record<string, string> = {
  input_layernorm: 'attn_norm', 'self_attn.q_proj': 'attn_q', 'self_attn.k_proj': 'attn_k', 'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output', 'self_attn.q_norm': 'attn_q_norm', 'self_attn.k_norm': 'attn_k_norm',
  pre_feedforward_layernorm: 'ffn_norm', post_feedforward_layernorm: 'post_ffw_norm',
  'mlp.gate_proj': 'ffn_gate', 'mlp.up_proj': 'ffn_up', 'mlp.down_proj': 'ffn_down',
  'attention.self.query': 'attn_q', 'attention.self.key': 'attn_k', 'attention.self.value': 'attn_v', 'attention.output.dense': 'attn_output',
  'attention.output.LayerNorm': 'attn_output_norm', 'intermediate.dense': 'ffn_up', 'output.dense': 'ffn_down', 'output.LayerNorm': 'layer_output_norm',
};

/** A tensor's name in GGUF files; null: not used; undefined: not known. */
export function ggufName(name: string, arch: HfArchitecture): string | null | undefined {
  const short = name.replace(/^(model|bert)\./, '').replace(/\.gamma$/, '.weight').replace(/\.beta$/, '.bias');
  if (/rotary_emb\.inv_freq$|^embeddings\.position_ids$|^pooler\.|^cls\./.test(short)) return null;
  const [, layer, part, kind] = /^(?:(?:encoder\.layer|layers)\.(\d+)\.)?(.+)\.(weight|bias)$/.exec(short) ?? [];
  if (layer === undefined) return plainNames[part!] && `${plainNames[part!]}.${kind}`;
  const own = part === 'post_attention_layernorm' ? (arch.sandwich ? 'post_attention_norm' : 'ffn_norm') : layerNames[part!];
  return own && `blk.${layer}.${own}.${kind}`;
}

/** Heads whose rows change places in this tensor (by its GGUF name); 0: none do. */
export function headsToPermute(name: string, arch: HfArchitecture, heads: number, kvHeads: number): number {
  if (!arch.pairs) return 0;
  return /\.attn_q\.(weight|bias)$/.test(name) ? heads : /\.attn_k\.(weight|bias)$/.test(name) ? kvHeads : 0;
}

/** Rows r and r + half of every head become neighbours. */
export function permuteRows(bytes: Uint8Array, rows: number, heads: number): Uint8Array {
  const rowBytes = bytes.length / rows;
  const half = rows / heads / 2;
  if (!Number.isInteger(rowBytes) || !Number.isInteger(half)) throw new RealizarError('SHAPE', `${rows} rows cannot be split into ${heads} heads`);
  const out = new Uint8Array(bytes.length);
  for (let r = 0; r < rows; r++) {
    const head = Math.floor(r / (2 * half));
    const inHead = r % (2 * half);
    const to = head * 2 * half + (inHead < half ? 2 * inHead : 2 * (inHead - half) + 1);
    out.set(bytes.subarray(r * rowBytes, (r + 1) * rowBytes), to * rowBytes);
  }
  return out;
}

type Config = Record<string, unknown>;

/** The number at the first of these keys that has one. */
export function numberAt(config: Config, ...keys: string[]): number | undefined {
  for (const key of keys) if (typeof config[key] === 'number') return config[key];
  return undefined;
}

function required(config: Config, ...keys: string[]): number {
  const value = numberAt(config, ...keys);
  if (value === undefined) throw new RealizarError('FORMAT', `the model's settings have no number '${keys[0]}'`);
  return value;
}

function textAt(config: Config, ...keys: string[]): string {
  return String(keys.map((key) => config[key]).find((v) => typeof v === 'string') ?? 'default');
}

/** RoPE's settings; newer files have its base there as well. */
function ropeOf(config: Config): Config {
  const rope = config.rope_parameters ?? config.rope_scaling;
  if (!isObject(rope)) return {};
  return isObject(rope.full_attention) ? rope.full_attention : rope;
}

function ropeBase(config: Config): number {
  return numberAt(ropeOf(config), 'rope_theta') ?? numberAt(config, 'rope_theta') ?? 10000;
}

function headWidth(config: Config): number {
  return numberAt(config, 'head_dim') ?? required(config, 'hidden_size', 'hidden_dim', 'd_model', 'n_embd') / required(config, 'num_attention_heads', 'num_heads', 'n_heads', 'n_head');
}

/** RoPE scaling, of which GGUF metadata can say linear and YaRN; Llama 3's is a tensor. */
function scalingEntries(arch: string, config: Config): [string, MetaEntry][] {
  const scaling = ropeOf(config);
  const kind = textAt(scaling, 'rope_type', 'type');
  if (kind === 'default' || kind === 'llama3') return [];
  if (kind !== 'linear' && kind !== 'yarn') throw new RealizarError('UNSUPPORTED', `RoPE scaling '${kind}' cannot be translated to GGUF here; linear, yarn and llama3 can`);
  const original = numberAt(scaling, 'original_max_position_embeddings');
  return [
    [`${arch}.rope.scaling.type`, entry('string', kind)],
    [`${arch}.rope.scaling.factor`, entry('f32', required(scaling, 'factor'))],
    ...(original ? [[`${arch}.rope.scaling.original_context_length`, entry('u32', original)] as [string, MetaEntry]] : []),
  ];
}

/** What GGUF keeps as a tensor: by how much Llama 3's RoPE scaling slows every pair of a head. */
export function ropeTensors(config: Config): PlannedTensor[] {
  const scaling = ropeOf(config);
  if (textAt(scaling, 'rope_type', 'type') !== 'llama3') return [];
  const [factor, low, high, original] = ['factor', 'low_freq_factor', 'high_freq_factor', 'original_max_position_embeddings'].map((key) => required(scaling, key)) as [number, number, number, number];
  const width = headWidth(config);
  const factors = Float32Array.from({ length: width / 2 }, (_, i) => {
    const turns = original / (2 * Math.PI * ropeBase(config) ** ((2 * i) / width));
    const keep = Math.min(1, Math.max(0, (turns - low) / (high - low)));
    return 1 / ((1 - keep) / factor + keep);
  });
  const name = 'rope_freqs.weight';
  const data = new Uint8Array(factors.buffer);
  return [{ name, type: 'F32', data, source: { name, type: 'F32', dims: [factors.length], offset: 0, bytes: data.length } }];
}

/** Metadata from config.json, or from the metadata of an .apr file, which has aliases for its keys. */
export function describeHf(arch: HfArchitecture, config: Config): Map<string, MetaEntry> {
  const a = arch.name;
  const heads = required(config, 'num_attention_heads', 'num_heads', 'n_heads', 'n_head');
  const embd = required(config, 'hidden_size', 'hidden_dim', 'd_model', 'n_embd');
  const metadata = new Map<string, MetaEntry>([['general.architecture', entry('string', a)]]);
  const set = (key: string, type: keyof typeof metaType, value: number | undefined) => {
    if (value !== undefined) metadata.set(`${a}.${key}`, entry(type, value));
  };
  const name = config._name_or_path || config.name;
  if (typeof name === 'string') metadata.set('general.name', entry('string', name));
  set('block_count', 'u32', required(config, 'num_hidden_layers', 'num_layers', 'n_layers', 'n_layer'));
  const context = numberAt(config, 'max_position_embeddings', 'max_seq_len', 'context_length', 'n_ctx') ?? 2048;
  const window = (config.use_sliding_window === false ? undefined : numberAt(config, 'sliding_window')) ?? Infinity;
  /* GGUF files of other architectures cannot say a window: within it, the model is the same */
  set('context_length', 'u32', arch.windows ? context : Math.min(context, window));
  set('embedding_length', 'u32', embd);
  set('feed_forward_length', 'u32', required(config, 'intermediate_size', 'ffn_dim', 'd_ff', 'n_inner'));
  set('attention.head_count', 'u32', heads);
  set('attention.head_count_kv', 'u32', numberAt(config, 'num_key_value_heads', 'num_kv_heads', 'n_kv_heads') ?? heads);
  const headDim = headWidth(config);
  set('attention.key_length', 'u32', headDim);
  set('attention.value_length', 'u32', headDim);
  if (arch.encoder) {
    set('attention.layer_norm_epsilon', 'f32', numberAt(config, 'layer_norm_eps') ?? 1e-12);
    metadata.set(`${a}.attention.causal`, entry('bool', false));
    metadata.set('tokenizer.ggml.token_type_count', entry('u32', numberAt(config, 'type_vocab_size') ?? 2));
    for (const [key, only] of [['hidden_act', 'gelu'], ['position_embedding_type', 'absolute']] as const) {
      if ((config[key] ?? only) !== only) throw new RealizarError('UNSUPPORTED', `${key} '${String(config[key])}' cannot be translated to GGUF; ${only} can`);
    }
  } else {
    set('attention.layer_norm_rms_epsilon', 'f32', numberAt(config, 'rms_norm_eps', 'layer_norm_eps', 'norm_eps') ?? 1e-6);
    set('rope.dimension_count', 'u32', headDim);
    set('rope.freq_base', 'f32', ropeBase(config));
  }
  set('vocab_size', 'u32', required(config, 'vocab_size'));
  set('attn_logit_softcapping', 'f32', numberAt(config, 'attn_logit_softcapping'));
  set('final_logit_softcapping', 'f32', numberAt(config, 'final_logit_softcapping'));
  if (arch.windows && window < Infinity) set('attention.sliding_window', 'u32', window);
  const queryScale = numberAt(config, 'query_pre_attn_scalar');
  if (queryScale !== undefined && queryScale !== headDim) {
    throw new RealizarError('UNSUPPORTED', `query_pre_attn_scalar ${queryScale} with heads of ${headDim} cannot be translated to GGUF`);
  }
  set('embedding_scale', 'f32', numberAt(config, 'embedding_multiplier'));
  set('residual_scale', 'f32', numberAt(config, 'residual_multiplier'));
  set('attention.scale', 'f32', numberAt(config, 'attention_multiplier'));
  set('logit_scale', 'f32', numberAt(config, 'logits_scaling'));
  for (const [key, value] of scalingEntries(a, config)) metadata.set(key, value);
  return metadata;
}
