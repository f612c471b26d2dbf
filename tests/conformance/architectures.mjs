// Tiny GGUF models of every architecture: real names and metadata, seeded random weights.
// The same recipe gives the same bytes.
import { GgufWriter } from '../js/gguf.mjs';

/** Numbers in [-1, 1), the same for the same seed (mulberry32). */
function generator(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

const defaults = {
  layers: 2, embd: 64, heads: 4, kvHeads: 2, headDim: 16, ff: 96, context: 64, vocab: 288,
  norm: 'rms', gated: true, preNorm: true, ffnNorm: true, normBias: false, qkvBias: false, outBias: false, ffnBias: false,
  fusedQkv: false, fusedGateUp: false, output: true, keys: {}, seed: 1,
};

class Recipe {
  constructor(arch, options) {
    Object.assign(this, defaults, options, { arch });
    this.random = generator(this.seed);
    this.writer = new GgufWriter();
  }

  key(suffix, type, value) {
    this.writer.meta(suffix.includes('.') && !suffix.startsWith('.') ? suffix : `${this.arch}${suffix}`, type, value);
  }

  /** Random floats around `center`, `spread` wide. */
  tensor(name, dims, spread, center = 0) {
    const data = new Float32Array(dims.reduce((a, b) => a * b, 1));
    for (let i = 0; i < data.length; i++) data[i] = center + spread * this.random();
    this.writer.tensor(name, 'F32', dims, Buffer.from(data.buffer));
  }

  matrix(name, cols, rows, ...rest) {
    this.tensor(`${name}.weight`, [cols, rows, ...rest], 2 / Math.sqrt(cols));
  }

  linear(name, cols, rows, bias) {
    this.matrix(name, cols, rows);
    if (bias) this.tensor(`${name}.bias`, [rows], 0.2);
  }

  normOf(name, width = this.embd) {
    this.tensor(`${name}.weight`, [width], 0.3, 1);
    if (this.normBias) this.tensor(`${name}.bias`, [width], 0.1);
  }

  metadata() {
    const { writer, layers, embd, heads, kvHeads, headDim, ff, context, vocab } = this;
    writer.meta('general.architecture', 'string', this.arch).meta('general.name', 'string', 'tiny');
    this.key('.block_count', 'u32', layers);
    this.key('.context_length', 'u32', context);
    this.key('.embedding_length', 'u32', embd);
    this.key('.feed_forward_length', 'u32', ff);
    this.key('.attention.head_count', 'u32', heads);
    this.key('.attention.head_count_kv', 'u32', kvHeads);
    this.key('.attention.key_length', 'u32', headDim);
    this.key('.attention.value_length', 'u32', headDim);
    this.key(this.norm === 'rms' ? '.attention.layer_norm_rms_epsilon' : '.attention.layer_norm_epsilon', 'f32', 1e-5);
    if (this.rope !== undefined) this.key('.rope.dimension_count', 'u32', this.rope);
    for (const [name, [type, value]] of Object.entries(this.keys)) this.key(name, type, value);
    const tokens = ['<unk>', '<s>', '</s>'];
    for (let b = 0; b < 256; b++) tokens.push(`<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`);
    while (tokens.length < vocab) tokens.push(`\u2581w${tokens.length}`);
    writer.meta('tokenizer.ggml.model', 'string', 'llama')
      .meta('tokenizer.ggml.tokens', 'string', tokens)
      .meta('tokenizer.ggml.scores', 'f32', tokens.map((_, i) => -i))
      .meta('tokenizer.ggml.token_type', 'i32', tokens.map((_, i) => (i === 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1)))
      .meta('tokenizer.ggml.bos_token_id', 'u32', 1)
      .meta('tokenizer.ggml.eos_token_id', 'u32', 2)
      .meta('tokenizer.ggml.unknown_token_id', 'u32', 0);
  }

  attention(blk) {
    const { embd, heads, kvHeads, headDim } = this;
    const q = heads * headDim;
    const kv = kvHeads * headDim;
    if (this.preNorm) this.normOf(`${blk}.attn_norm`);
    if (this.secondNorm) this.normOf(`${blk}.attn_norm_2`);
    if (this.fusedQkv) {
      this.linear(`${blk}.attn_qkv`, embd, q + 2 * kv, this.qkvBias);
    } else {
      this.linear(`${blk}.attn_q`, embd, q, this.qkvBias);
      this.linear(`${blk}.attn_k`, embd, kv, this.qkvBias);
      this.linear(`${blk}.attn_v`, embd, kv, this.qkvBias);
    }
    if (this.qkNorm) {
      const shapes = { head: [[headDim], [headDim]], all: [[q], [kv]], each: [[headDim, heads], [headDim, this.kvHeads]] }[this.qkNorm];
      this.tensor(`${blk}.attn_q_norm.weight`, shapes[0], 0.3, 1);
      this.tensor(`${blk}.attn_k_norm.weight`, shapes[1], 0.3, 1);
    }
    if (this.sinks) this.tensor(`${blk}.attn_sinks.weight`, [heads], 1);
    this.linear(`${blk}.attn_output`, q, embd, this.outBias);
    if (this.postNorm) this.normOf(`${blk}.post_attention_norm`);
    if (this.streamNorm) this.normOf(`${blk}.attn_output_norm`);
  }

  experts(blk) {
    const { embd, ff, nExperts, sharedFf } = this;
    this.linear(`${blk}.ffn_gate_inp`, embd, nExperts, this.ffnBias);
    for (const [name, cols, rows] of [['gate', embd, ff], ['up', embd, ff], ['down', ff, embd]]) {
      this.matrix(`${blk}.ffn_${name}_exps`, cols, rows, nExperts);
      if (this.ffnBias) this.tensor(`${blk}.ffn_${name}_exps.bias`, [rows, nExperts], 0.2);
    }
    if (sharedFf) {
      this.tensor(`${blk}.ffn_gate_inp_shexp.weight`, [embd], 0.3);
      this.matrix(`${blk}.ffn_gate_shexp`, embd, sharedFf);
      this.matrix(`${blk}.ffn_up_shexp`, embd, sharedFf);
      this.matrix(`${blk}.ffn_down_shexp`, sharedFf, embd);
    }
  }

  feedForward(blk) {
    const { embd, ff } = this;
    if (this.ffnNorm) this.normOf(`${blk}.${this.ffnNormName ?? 'ffn_norm'}`);
    if (this.nExperts) return this.experts(blk);
    if (this.fusedGateUp) {
      this.linear(`${blk}.ffn_up`, embd, 2 * ff, this.ffnBias);
    } else {
      if (this.gated) this.linear(`${blk}.ffn_gate`, embd, ff, this.ffnBias);
      this.linear(`${blk}.ffn_up`, embd, ff, this.ffnBias);
    }
    this.linear(`${blk}.ffn_down`, ff, embd, this.ffnBias);
    if (this.postNorm) this.normOf(`${blk}.post_ffw_norm`);
    if (this.streamNorm) this.normOf(`${blk}.layer_output_norm`);
    return undefined;
  }

  bytes() {
    this.metadata();
    this.matrix('token_embd', this.embd, this.vocab);
    if (this.positions) this.matrix('position_embd', this.embd, this.context);
    if (this.tokenTypes) this.matrix('token_types', this.embd, this.tokenTypes);
    if (this.embdNorm) this.normOf('token_embd_norm');
    for (let l = 0; l < this.layers; l++) {
      this.attention(`blk.${l}`);
      this.feedForward(`blk.${l}`);
    }
    if (this.finalNorm !== false) this.normOf('output_norm');
    if (this.output) this.linear('output', this.embd, this.vocab, this.outputBias);
    for (const [name, values] of Object.entries(this.vectors ?? {})) {
      this.writer.tensor(name, 'F32', [values.length], Buffer.from(Float32Array.from(values).buffer));
    }
    return this.writer.bytes();
  }
}

const layerNorm = { norm: 'layer', normBias: true };
const biases = { qkvBias: true, outBias: true, ffnBias: true };
const moe = (n, used, more = {}) => ({
  nExperts: n, ...more,
  keys: { '.expert_count': ['u32', n], '.expert_used_count': ['u32', used], ...more.keys },
});

/** RoPE scaled as in Llama 3: long waves are stretched, those between the limits a little. */
export const llama3 = { base: 500000, factor: 8, low: 1, high: 4, original: 128 };
function llama3Factors(dim) {
  const { base, factor, low, high, original } = llama3;
  return Array.from({ length: dim / 2 }, (_, i) => {
    const turns = original / (2 * Math.PI * base ** ((2 * i) / dim));
    const keep = Math.min(1, Math.max(0, (turns - low) / (high - low)));
    return 1 / ((1 - keep) / factor + keep);
  });
}

/** Models by name: architecture and what differs from the defaults. */
const recipes = {
  llama: ['llama', { rope: 16 }],
  'llama-tied': ['llama', { rope: 16, output: false }],
  'llama-mqa': ['llama', { rope: 16, kvHeads: 1 }],
  'llama-wide-heads': ['llama', { rope: 24, headDim: 24 }],
  'llama-biases': ['llama', { rope: 16, ...biases }],
  'llama-linear': ['llama', { rope: 16, keys: { '.rope.scaling.type': ['string', 'linear'], '.rope.scaling.factor': ['f32', 4] } }],
  'llama-yarn': ['llama', {
    rope: 16, context: 256,
    keys: { '.rope.scaling.type': ['string', 'yarn'], '.rope.scaling.factor': ['f32', 8], '.rope.scaling.original_context_length': ['u32', 32], '.rope.freq_base': ['f32', 500] },
  }],
  'llama-3': ['llama', { rope: 16, keys: { '.rope.freq_base': ['f32', llama3.base] }, vectors: { 'rope_freqs.weight': llama3Factors(16) } }],
  mixtral: ['llama', { rope: 16, ...moe(4, 2) }],
  smollm3: ['smollm3', { rope: 16, layers: 5 }],
  granite: ['granite', {
    rope: 16,
    keys: { '.attention.scale': ['f32', 0.3], '.embedding_scale': ['f32', 1.7], '.residual_scale': ['f32', 0.6], '.logit_scale': ['f32', 2.5] },
  }],
  qwen2: ['qwen2', { rope: 16, qkvBias: true }],
  qwen2moe: ['qwen2moe', { rope: 16, qkvBias: true, ...moe(4, 2, { ff: 32, sharedFf: 48, keys: { '.expert_feed_forward_length': ['u32', 32], '.expert_shared_feed_forward_length': ['u32', 48] } }) }],
  qwen3: ['qwen3', { rope: 16, qkNorm: 'head' }],
  qwen3moe: ['qwen3moe', { rope: 16, qkNorm: 'head', ...moe(4, 2, { ff: 32, keys: { '.expert_feed_forward_length': ['u32', 32] } }) }],
  gemma: ['gemma', { rope: 16, output: false }],
  gemma2: ['gemma2', {
    rope: 16, output: false, postNorm: true, layers: 4,
    keys: { '.attention.sliding_window': ['u32', 5], '.attn_logit_softcapping': ['f32', 5], '.final_logit_softcapping': ['f32', 3] },
  }],
  gemma3: ['gemma3', {
    rope: 16, output: false, postNorm: true, qkNorm: 'head', layers: 7,
    keys: { '.attention.sliding_window': ['u32', 5], '.rope.freq_base': ['f32', 1e6] },
  }],
  phi2: ['phi2', { ...layerNorm, ...biases, rope: 8, kvHeads: 4, gated: false, ffnNorm: false, outputBias: true }],
  'phi2-fused': ['phi2', { ...layerNorm, ...biases, rope: 8, kvHeads: 4, gated: false, ffnNorm: false, outputBias: true, fusedQkv: true }],
  phi3: ['phi3', { rope: 16, fusedQkv: true, fusedGateUp: true }],
  'phi3-long': ['phi3', {
    rope: 16, fusedQkv: true, fusedGateUp: true, context: 256,
    keys: { '.rope.scaling.original_context_length': ['u32', 32], '.rope.scaling.attn_factor': ['f32', 1.2] },
    vectors: { 'rope_factors_long.weight': [1, 1.2, 1.5, 2, 3, 4, 6, 8], 'rope_factors_short.weight': [1, 1, 1, 1.1, 1.2, 1.3, 1.4, 1.5] },
  }],
  gpt2: ['gpt2', { ...layerNorm, ...biases, kvHeads: 4, gated: false, fusedQkv: true, positions: true }],
  gptneox: ['gptneox', { ...layerNorm, ...biases, rope: 4, kvHeads: 4, gated: false, fusedQkv: true, keys: { '.use_parallel_residual': ['bool', true] } }],
  'gptneox-sequential': ['gptneox', { ...layerNorm, ...biases, rope: 4, kvHeads: 4, gated: false, fusedQkv: true, keys: { '.use_parallel_residual': ['bool', false] } }],
  falcon: ['falcon', { ...layerNorm, rope: 16, kvHeads: 1, gated: false, ffnNorm: false, fusedQkv: true }],
  'falcon-40b': ['falcon', { ...layerNorm, rope: 16, kvHeads: 2, gated: false, ffnNorm: false, secondNorm: true, fusedQkv: true }],
  mpt: ['mpt', { norm: 'layer', kvHeads: 4, gated: false, fusedQkv: true, output: false, keys: { '.attention.max_alibi_bias': ['f32', 8], '.attention.clamp_kqv': ['f32', 1.5] } }],
  bloom: ['bloom', { ...layerNorm, ...biases, heads: 6, kvHeads: 6, embd: 96, gated: false, fusedQkv: true, embdNorm: true }],
  stablelm: ['stablelm', { ...layerNorm, rope: 4, kvHeads: 4, keys: { '.use_parallel_residual': ['bool', false] } }],
  'stablelm-qk-norm': ['stablelm', { ...layerNorm, rope: 4, kvHeads: 2, ffnNorm: false, qkNorm: 'each', keys: { '.use_parallel_residual': ['bool', true] } }],
  'stablelm-parallel': ['stablelm', { ...layerNorm, rope: 4, kvHeads: 4, ffnNorm: false, keys: { '.use_parallel_residual': ['bool', true] } }],
  starcoder2: ['starcoder2', { ...layerNorm, ...biases, rope: 16, gated: false }],
  olmo2: ['olmo2', { rope: 16, preNorm: false, ffnNorm: false, postNorm: true, qkNorm: 'all' }],
  olmoe: ['olmoe', { rope: 16, kvHeads: 4, qkNorm: 'all', ...moe(4, 2, { ff: 32 }) }],
  'gpt-oss': ['gpt-oss', {
    rope: 16, qkvBias: true, outBias: true, ffnBias: true, sinks: true, ffnNormName: 'post_attention_norm', layers: 4,
    ...moe(4, 2, {
      ff: 32,
      keys: {
        '.expert_feed_forward_length': ['u32', 32], '.attention.sliding_window': ['u32', 5],
        '.rope.scaling.type': ['string', 'yarn'], '.rope.scaling.factor': ['f32', 32], '.rope.scaling.original_context_length': ['u32', 4096], '.rope.freq_base': ['f32', 150000],
      },
    }),
  }],
  bert: ['bert', {
    ...layerNorm, ...biases, kvHeads: 4, gated: false, preNorm: false, ffnNorm: false, streamNorm: true, positions: true, tokenTypes: 2, embdNorm: true,
    finalNorm: false, output: false, keys: { '.attention.causal': ['bool', false], '.pooling_type': ['u32', 2], 'tokenizer.ggml.token_type_count': ['u32', 2] },
  }],
  'nomic-bert': ['nomic-bert', {
    ...layerNorm, rope: 16, kvHeads: 4, preNorm: false, ffnNorm: false, streamNorm: true, tokenTypes: 2, embdNorm: true, fusedQkv: true,
    finalNorm: false, output: false, keys: { '.attention.causal': ['bool', false], '.pooling_type': ['u32', 1], 'tokenizer.ggml.token_type_count': ['u32', 2] },
  }],
};

export const modelNames = Object.keys(recipes);

/** The bytes of a tiny model. */
export function tinyModel(name) {
  const [arch, options] = recipes[name];
  return new Recipe(arch, { seed: modelNames.indexOf(name) + 1, ...options }).bytes();
}
