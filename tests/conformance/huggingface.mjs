// The tiny models of architectures.mjs as Hugging Face ships them: the same weights under other names, in other
// orders, with a config.json.
import { parseGguf } from '../../dist/formats/gguf.js';
import { json, safetensors } from '../js/hf.mjs';
import { llama3 } from './architectures.mjs';

const llamaNames = {
  token_embd: 'model.embed_tokens', output_norm: 'model.norm', output: 'lm_head', attn_norm: 'input_layernorm', ffn_norm: 'post_attention_layernorm',
  attn_q: 'self_attn.q_proj', attn_k: 'self_attn.k_proj', attn_v: 'self_attn.v_proj', attn_output: 'self_attn.o_proj',
  attn_q_norm: 'self_attn.q_norm', attn_k_norm: 'self_attn.k_norm', ffn_gate: 'mlp.gate_proj', ffn_up: 'mlp.up_proj', ffn_down: 'mlp.down_proj',
  ffn_gate_inp: 'mlp.gate', ffn_gate_exps: 'mlp.experts.*.gate_proj', ffn_up_exps: 'mlp.experts.*.up_proj', ffn_down_exps: 'mlp.experts.*.down_proj',
  ffn_gate_shexp: 'mlp.shared_expert.gate_proj', ffn_up_shexp: 'mlp.shared_expert.up_proj', ffn_down_shexp: 'mlp.shared_expert.down_proj',
  ffn_gate_inp_shexp: 'mlp.shared_expert_gate', attn_sinks: 'self_attn.sinks',
};
const gemmaNames = {
  ...llamaNames, post_attention_norm: 'post_attention_layernorm', ffn_norm: 'pre_feedforward_layernorm', post_ffw_norm: 'post_feedforward_layernorm',
};
const mixtralNames = {
  ...llamaNames, ffn_gate_inp: 'block_sparse_moe.gate', ffn_gate_exps: 'block_sparse_moe.experts.*.w1', ffn_down_exps: 'block_sparse_moe.experts.*.w2',
  ffn_up_exps: 'block_sparse_moe.experts.*.w3',
};
const gpt2Names = {
  token_embd: 'wte', position_embd: 'wpe', output_norm: 'ln_f', output: 'lm_head', attn_norm: 'ln_1', ffn_norm: 'ln_2', attn_qkv: 'attn.c_attn',
  attn_output: 'attn.c_proj', ffn_up: 'mlp.c_fc', ffn_down: 'mlp.c_proj',
};
const neoxNames = {
  token_embd: 'gpt_neox.embed_in', output_norm: 'gpt_neox.final_layer_norm', output: 'embed_out', attn_norm: 'input_layernorm',
  ffn_norm: 'post_attention_layernorm', attn_qkv: 'attention.query_key_value', attn_output: 'attention.dense', ffn_up: 'mlp.dense_h_to_4h',
  ffn_down: 'mlp.dense_4h_to_h',
};
const falconNames = {
  token_embd: 'transformer.word_embeddings', output_norm: 'transformer.ln_f', output: 'lm_head', attn_norm: 'input_layernorm',
  attn_qkv: 'self_attention.query_key_value', attn_output: 'self_attention.dense', ffn_up: 'mlp.dense_h_to_4h', ffn_down: 'mlp.dense_4h_to_h',
};
const phi3Names = { ...llamaNames, attn_qkv: 'self_attn.qkv_proj', ffn_up: 'mlp.gate_up_proj' };

const base = {
  hidden_size: 64, intermediate_size: 96, num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2, head_dim: 16, vocab_size: 288,
  max_position_embeddings: 64, eos_token_id: 2, rms_norm_eps: 1e-5, layer_norm_eps: 1e-5, layer_norm_epsilon: 1e-5, norm_epsilon: 1e-5, tie_word_embeddings: false,
  hidden_act: 'silu', rope_theta: 10000,
};
const llama = (config = {}) => ({ config: { model_type: 'llama', ...config }, pairs: true });
const neox = (config) => ({
  config: { model_type: 'gpt_neox', num_key_value_heads: 4, hidden_act: 'gelu_new', rotary_pct: 0.25, ...config }, names: neoxNames, layers: 'gpt_neox.layers', grouped: true,
});

/** By recipe: configuration, names where they are not Llama's, and what else differs. */
const models = {
  llama: llama(),
  'llama-tied': llama({ tie_word_embeddings: true }),
  'llama-mqa': llama({ num_key_value_heads: 1 }),
  'llama-wide-heads': llama({ head_dim: 24 }),
  'llama-biases': llama({ attention_bias: true }),
  'llama-linear': llama({ rope_scaling: { type: 'linear', factor: 4 } }),
  'llama-yarn': llama({ max_position_embeddings: 256, rope_theta: 500, rope_scaling: { rope_type: 'yarn', factor: 8, original_max_position_embeddings: 32 } }),
  'llama-3': llama({
    rope_theta: llama3.base,
    rope_scaling: { rope_type: 'llama3', factor: llama3.factor, low_freq_factor: llama3.low, high_freq_factor: llama3.high, original_max_position_embeddings: llama3.original },
  }),
  mixtral: { config: { model_type: 'mixtral', num_local_experts: 4, num_experts_per_tok: 2 }, names: mixtralNames, pairs: true },
  smollm3: llama({ model_type: 'smollm3', num_hidden_layers: 5 }),
  granite: llama({ model_type: 'granite', attention_multiplier: 0.3, embedding_multiplier: 1.7, residual_multiplier: 0.6, logits_scaling: 2.5 }),
  qwen2: { config: { model_type: 'qwen2' } },
  qwen2moe: { config: { model_type: 'qwen2_moe', num_experts: 4, num_experts_per_tok: 2, moe_intermediate_size: 32, shared_expert_intermediate_size: 48 } },
  qwen3: { config: { model_type: 'qwen3' } },
  qwen3moe: { config: { model_type: 'qwen3_moe', num_experts: 4, num_experts_per_tok: 2, moe_intermediate_size: 32, norm_topk_prob: true } },
  gemma: { config: { model_type: 'gemma', tie_word_embeddings: true, hidden_act: 'gelu_pytorch_tanh' }, minusOne: true },
  gemma2: {
    config: { model_type: 'gemma2', num_hidden_layers: 4, tie_word_embeddings: true, query_pre_attn_scalar: 16, sliding_window: 5, attn_logit_softcapping: 5,
      final_logit_softcapping: 3, hidden_act: undefined, hidden_activation: 'gelu_pytorch_tanh' },
    names: gemmaNames, minusOne: true,
  },
  gemma3: {
    config: { model_type: 'gemma3_text', num_hidden_layers: 7, tie_word_embeddings: true, query_pre_attn_scalar: 16, sliding_window: 5, rope_theta: 1e6,
      hidden_act: undefined, hidden_activation: 'gelu_pytorch_tanh' },
    names: gemmaNames, minusOne: true,
  },
  phi2: {
    config: { model_type: 'phi', num_key_value_heads: 4, hidden_act: 'gelu_new', partial_rotary_factor: 0.5 },
    names: { ...llamaNames, output_norm: 'model.final_layernorm', attn_output: 'self_attn.dense', ffn_up: 'mlp.fc1', ffn_down: 'mlp.fc2' },
  },
  phi3: { config: { model_type: 'phi3' }, names: phi3Names },
  'phi3-long': {
    config: { model_type: 'phi3', max_position_embeddings: 256, original_max_position_embeddings: 32,
      rope_scaling: { type: 'longrope', attention_factor: 1.2, long_factor: [1, 1.2, 1.5, 2, 3, 4, 6, 8], short_factor: [1, 1, 1, 1.1, 1.2, 1.3, 1.4, 1.5] } },
    names: phi3Names,
  },
  gpt2: { config: { model_type: 'gpt2', num_key_value_heads: 4, hidden_act: 'gelu_new' }, names: gpt2Names, layers: 'h', transposed: true },
  gptneox: neox({ use_parallel_residual: true }),
  'gptneox-sequential': neox({ use_parallel_residual: false }),
  falcon: {
    config: { model_type: 'falcon', multi_query: true, num_key_value_heads: undefined, hidden_act: undefined, activation: 'gelu_new' },
    names: falconNames, layers: 'transformer.h',
  },
  'falcon-40b': {
    config: { model_type: 'falcon', new_decoder_architecture: true, num_kv_heads: 2, num_key_value_heads: undefined, hidden_act: undefined, activation: 'gelu_new',
      ffn_hidden_size: 96, intermediate_size: undefined },
    names: { ...falconNames, attn_norm_2: 'ln_attn', attn_norm: 'ln_mlp' }, layers: 'transformer.h', grouped: true,
  },
  mpt: {
    config: { model_type: 'mpt', num_key_value_heads: 4, hidden_act: 'gelu_new', tie_word_embeddings: true, expansion_ratio: 1.5, intermediate_size: undefined,
      attn_config: { alibi: true, alibi_bias_max: 8, clip_qkv: 1.5 } },
    names: { token_embd: 'transformer.wte', output_norm: 'transformer.norm_f', attn_norm: 'norm_1', ffn_norm: 'norm_2', attn_qkv: 'attn.Wqkv', attn_output: 'attn.out_proj',
      ffn_up: 'ffn.up_proj', ffn_down: 'ffn.down_proj' },
    layers: 'transformer.blocks',
  },
  bloom: {
    config: { model_type: 'bloom', hidden_size: 96, num_attention_heads: 6, num_key_value_heads: 6, hidden_act: undefined },
    names: { ...falconNames, token_embd_norm: 'transformer.word_embeddings_layernorm', ffn_norm: 'post_attention_layernorm' }, layers: 'transformer.h', grouped: true,
  },
  stablelm: { config: { model_type: 'stablelm', num_key_value_heads: 4, partial_rotary_factor: 0.25 } },
  'stablelm-parallel': { config: { model_type: 'stablelm', num_key_value_heads: 4, partial_rotary_factor: 0.25, use_parallel_residual: true } },
  starcoder2: {
    config: { model_type: 'starcoder2', hidden_act: 'gelu_pytorch_tanh' },
    names: { ...llamaNames, ffn_up: 'mlp.c_fc', ffn_down: 'mlp.c_proj' },
  },
  olmo2: {
    config: { model_type: 'olmo2' },
    names: { ...llamaNames, post_attention_norm: 'post_attention_layernorm', post_ffw_norm: 'post_feedforward_layernorm' },
  },
  olmoe: { config: { model_type: 'olmoe', num_key_value_heads: 4, intermediate_size: 32, num_experts: 4, num_experts_per_tok: 2, norm_topk_prob: false } },
  'gpt-oss': {
    config: { model_type: 'gpt_oss', num_hidden_layers: 4, num_local_experts: 4, num_experts_per_tok: 2, intermediate_size: 32, sliding_window: 5, rope_theta: 150000,
      rope_scaling: { rope_type: 'yarn', factor: 32, original_max_position_embeddings: 4096 } },
    names: { ...llamaNames, post_attention_norm: 'post_attention_layernorm', ffn_gate_inp: 'mlp.router' }, joined: true,
  },
  bert: {
    config: { model_type: 'bert', hidden_act: 'gelu', num_key_value_heads: undefined },
    names: { token_embd: 'embeddings.word_embeddings', position_embd: 'embeddings.position_embeddings', token_types: 'embeddings.token_type_embeddings',
      token_embd_norm: 'embeddings.LayerNorm', attn_q: 'attention.self.query', attn_k: 'attention.self.key', attn_v: 'attention.self.value',
      attn_output: 'attention.output.dense', attn_output_norm: 'attention.output.LayerNorm', ffn_up: 'intermediate.dense', ffn_down: 'output.dense',
      layer_output_norm: 'output.LayerNorm' },
    layers: 'encoder.layer', firstOnly: true,
  },
  'nomic-bert': {
    config: { model_type: 'nomic_bert', activation_function: 'swiglu', hidden_act: undefined, num_key_value_heads: undefined, rotary_emb_fraction: 1 },
    names: { token_embd: 'embeddings.word_embeddings', token_types: 'embeddings.token_type_embeddings', token_embd_norm: 'emb_ln', attn_qkv: 'attn.Wqkv',
      attn_output: 'attn.out_proj', attn_output_norm: 'norm1', ffn_up: 'mlp.fc11', ffn_gate: 'mlp.fc12', ffn_down: 'mlp.fc2', layer_output_norm: 'norm2' },
    layers: 'encoder.layers',
  },
};

export const huggingFaceNames = Object.keys(models);

/** The float tensors of a GGUF file: name to { dtype, dims, data }, dims[0] the row length. */
export function ggufFloats(bytes) {
  return Object.fromEntries(parseGguf(bytes).tensors.map(({ name, type, dims, offset, bytes: n }) => {
    const raw = Uint8Array.from(bytes.subarray(offset, offset + n)).buffer;
    return [name, { dtype: type, dims, data: type === 'F32' ? new Float32Array(raw) : new Uint16Array(raw) }];
  }));
}

/** Row `order(r)` of the result is row r. */
function moveRows({ dtype, dims, data }, order) {
  const cols = dims.length === 1 ? 1 : dims[0];
  const out = new data.constructor(data.length);
  for (let r = 0; r < data.length / cols; r++) out.set(data.subarray(r * cols, (r + 1) * cols), order(r) * cols);
  return { dtype, dims, data: out };
}

/** Rows of rotated pairs (2 i, 2 i + 1) back to halves (i, i + dim / 2), head by head. */
function unpermute(tensor, headDim) {
  return moveRows(tensor, (r) => r - (r % headDim) + (r % 2) * (headDim / 2) + ((r % headDim) >> 1));
}

/** q, k, v one after the other become groups: the queries of a key head, its k, its v. */
function groupRows(tensor, heads, kvHeads, headDim) {
  const per = heads / kvHeads;
  return moveRows(tensor, (r) => {
    const head = Math.floor(r / headDim);
    const [group, place] = head < heads ? [Math.floor(head / per), head % per] : [(head - heads) % kvHeads, per + Math.floor((head - heads) / kvHeads)];
    return (group * (per + 2) + place) * headDim + (r % headDim);
  });
}

/** Matrices as [expert][in][out]; several become one, their rows alternating. */
function transpose(...parts) {
  const [{ dtype, dims }] = parts;
  const [cols, rows, count = 1] = dims;
  const out = new parts[0].data.constructor(parts.length * parts[0].data.length);
  const width = rows * parts.length;
  for (let e = 0; e < count; e++) for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) {
    parts.forEach((p, i) => (out[(e * cols + c) * width + r * parts.length + i] = p.data[(e * rows + r) * cols + c]));
  }
  return { dtype, shape: dims.length === 3 ? [count, cols, width] : [cols, width], data: out };
}

/** Experts' tensors as gpt-oss has them. */
function joinExperts(...parts) {
  if (parts[0].dims.length === 3) return transpose(...parts);
  const { shape: [count, , width], ...joined } = transpose(...parts.map((p) => ({ ...p, dims: [1, ...p.dims] })));
  return { ...joined, shape: [count, width] };
}

/** The tokenizer of a GGUF file whose tokens are merged from nothing smaller, as Llama 2's was published. */
function tokenizer(gguf) {
  const tokens = parseGguf(gguf).metadata.get('tokenizer.ggml.tokens').value;
  return {
    added_tokens: [0, 1, 2].map((id) => ({ id, content: tokens[id], special: true, normalized: false })),
    normalizer: { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '\u2581' }, { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' }] },
    post_processor: { type: 'TemplateProcessing', single: [{ SpecialToken: { id: '<s>' } }, { Sequence: { id: 'A' } }], special_tokens: { '<s>': { ids: [1] } } },
    model: { type: 'BPE', byte_fallback: true, unk_token: '<unk>', vocab: Object.fromEntries(tokens.map((t, i) => [t, i])), merges: [] },
  };
}

/** Files of the model that `gguf` holds with float weights, for load(); undefined: Hugging Face has no such model. */
export function huggingFace(name, gguf) {
  if (!models[name]) return undefined;
  const { names = llamaNames, layers = 'model.layers', pairs, minusOne, grouped, joined, transposed, firstOnly } = models[name];
  const config = { ...base, ...models[name].config };
  const { num_attention_heads: heads, head_dim: headDim } = config;
  const tensors = {};
  const from = ggufFloats(gguf);
  for (const [ggufName, tensor] of Object.entries(from)) {
    if (ggufName.startsWith('rope_f')) continue;
    const [, layer, slot, kind] = ggufName.match(/^(?:blk\.(\d+)\.)?(.*)\.(weight|bias)$/);
    const prefix = layer === undefined ? '' : `${layers}.${layer}.`;
    if (joined && slot.endsWith('_exps')) {
      if (slot === 'ffn_up_exps') continue;
      const other = slot === 'ffn_gate_exps' ? [from[ggufName.replace('gate', 'up')]] : [];
      const hf = slot === 'ffn_down_exps' ? 'down_proj' : 'gate_up_proj';
      tensors[`${prefix}mlp.experts.${hf}${kind === 'bias' ? '_bias' : ''}`] = joinExperts(tensor, ...other);
      continue;
    }
    if (!names[slot]) throw new Error(`${name}: no name for ${slot}`);
    const hfName = `${prefix}${names[slot]}${slot === 'attn_sinks' ? '' : `.${kind}`}`;
    if (slot.endsWith('_exps')) {
      const [cols, rows, experts] = tensor.dims;
      for (let e = 0; e < experts; e++) {
        tensors[hfName.replace('*', e)] = { dtype: tensor.dtype, shape: [rows, cols], data: tensor.data.slice(e * rows * cols, (e + 1) * rows * cols) };
      }
      continue;
    }
    let moved = tensor;
    if (pairs && /attn_[qk]$/.test(slot)) moved = unpermute(tensor, headDim);
    if (grouped && slot === 'attn_qkv') moved = groupRows(tensor, heads, config.num_kv_heads ?? config.num_key_value_heads, headDim);
    if (minusOne && slot.endsWith('norm')) moved = { ...tensor, data: tensor.data.map((x) => x - 1) };
    tensors[hfName] = transposed && layer !== undefined && tensor.dims.length === 2 ? transpose(tensor) : { ...moved, shape: tensor.dims.toReversed() };
  }
  return {
    'config.json': json(config), 'model.safetensors': safetensors(tensors), 'tokenizer.json': json(tokenizer(gguf)),
    ...(firstOnly && { '1_Pooling/config.json': json({ word_embedding_dimension: 64, pooling_mode_cls_token: true }) }),
  };
}
