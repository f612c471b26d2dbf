// The same weights as a GGUF file and as a Hugging Face model compute the same: architectures that have no
// recorded logits. The GGUF side is compared with llama.cpp in the conformance tests.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from '../../dist/index-node.js';
import { tinyModel } from '../conformance/architectures.mjs';
import { json, safetensors } from './hf.mjs';
import { largestDifference } from './support.mjs';

/** The F32 tensors of a GGUF file: name to { dims, data }, dims[0] the row length. */
function readGguf(bytes) {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sizes = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
  let at = 8;
  const u32 = () => buffer.readUInt32LE((at += 4) - 4);
  const u64 = () => Number(buffer.readBigUInt64LE((at += 8) - 8));
  const string = () => { const n = u64(); at += n; return buffer.toString('utf8', at - n, at); };
  const skip = (type) => {
    if (type === 8) string();
    else if (type === 9) {
      const inner = u32();
      for (let n = u64(); n > 0; n--) skip(inner);
    } else at += sizes[type];
  };
  const tensors = u64();
  for (let n = u64(); n > 0; n--) {
    string();
    skip(u32());
  }
  const lines = Array.from({ length: tensors }, () => {
    const name = string();
    const dims = Array.from({ length: u32() }, u64);
    u32();
    return { name, dims, offset: u64() };
  });
  const start = Math.ceil(at / 32) * 32;
  return Object.fromEntries(lines.map(({ name, dims, offset }) => {
    const n = dims.reduce((a, b) => a * b, 1);
    const data = new Float32Array(n);
    for (let i = 0; i < n; i++) data[i] = buffer.readFloatLE(start + offset + 4 * i);
    return [name, { dims, data }];
  }));
}

/** Rows of rotated pairs (2 i, 2 i + 1) back to halves (i, i + dim / 2), head by head. */
function unpermute({ dims, data }, headDim) {
  const [cols, rows] = dims;
  const out = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) {
    const head = r - (r % headDim);
    const inHead = r % headDim;
    const to = head + (inHead % 2) * (headDim / 2) + (inHead >> 1);
    out.set(data.subarray(r * cols, (r + 1) * cols), to * cols);
  }
  return { dims, data: out };
}

const llamaNames = {
  token_embd: 'model.embed_tokens', output_norm: 'model.norm', output: 'lm_head', attn_norm: 'input_layernorm', ffn_norm: 'post_attention_layernorm',
  attn_q: 'self_attn.q_proj', attn_k: 'self_attn.k_proj', attn_v: 'self_attn.v_proj', attn_output: 'self_attn.o_proj',
  attn_q_norm: 'self_attn.q_norm', attn_k_norm: 'self_attn.k_norm', ffn_gate: 'mlp.gate_proj', ffn_up: 'mlp.up_proj', ffn_down: 'mlp.down_proj',
  ffn_gate_inp: 'mlp.gate', ffn_gate_exps: 'mlp.experts.*.gate_proj', ffn_up_exps: 'mlp.experts.*.up_proj', ffn_down_exps: 'mlp.experts.*.down_proj',
  ffn_gate_shexp: 'mlp.shared_expert.gate_proj', ffn_up_shexp: 'mlp.shared_expert.up_proj', ffn_down_shexp: 'mlp.shared_expert.down_proj',
  ffn_gate_inp_shexp: 'mlp.shared_expert_gate', attn_sinks: 'self_attn.sinks',
};
const base = {
  hidden_size: 64, intermediate_size: 96, num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2, head_dim: 16, vocab_size: 288,
  max_position_embeddings: 64, rms_norm_eps: 1e-5, layer_norm_eps: 1e-5, layer_norm_epsilon: 1e-5, norm_epsilon: 1e-5, tie_word_embeddings: false,
  hidden_act: 'silu', rope_theta: 10000,
};
const gemmaNames = {
  ...llamaNames, post_attention_norm: 'post_attention_layernorm', ffn_norm: 'pre_feedforward_layernorm', post_ffw_norm: 'post_feedforward_layernorm',
};

/** Recipe of tests/conformance: configuration, names where they are not Llama's, and what else differs. */
const models = {
  'llama-linear': { config: { model_type: 'llama', rope_scaling: { type: 'linear', factor: 4 } }, pairs: true },
  'llama-yarn': { config: { model_type: 'llama', max_position_embeddings: 256, rope_theta: 500,
    rope_scaling: { rope_type: 'yarn', factor: 8, original_max_position_embeddings: 32 } }, pairs: true },
  'llama-biases': { config: { model_type: 'llama', attention_bias: true }, pairs: true },
  smollm3: { config: { model_type: 'smollm3', num_hidden_layers: 5 }, pairs: true },
  granite: { config: { model_type: 'granite', attention_multiplier: 0.3, embedding_multiplier: 1.7, residual_multiplier: 0.6, logits_scaling: 2.5 }, pairs: true },
  qwen2: { config: { model_type: 'qwen2' } },
  qwen2moe: { config: { model_type: 'qwen2_moe', num_experts: 4, num_experts_per_tok: 2, moe_intermediate_size: 32, shared_expert_intermediate_size: 48 } },
  qwen3: { config: { model_type: 'qwen3' } },
  qwen3moe: { config: { model_type: 'qwen3_moe', num_experts: 4, num_experts_per_tok: 2, moe_intermediate_size: 32, norm_topk_prob: true } },
  gemma3: {
    config: { model_type: 'gemma3_text', num_hidden_layers: 7, tie_word_embeddings: true, query_pre_attn_scalar: 16, sliding_window: 5, rope_theta: 1e6,
      hidden_act: undefined, hidden_activation: 'gelu_pytorch_tanh' },
    names: gemmaNames, minusOne: true,
  },
  phi2: {
    config: { model_type: 'phi', num_key_value_heads: 4, hidden_act: 'gelu_new', partial_rotary_factor: 0.5 },
    names: { ...llamaNames, output_norm: 'model.final_layernorm', attn_output: 'self_attn.dense', ffn_up: 'mlp.fc1', ffn_down: 'mlp.fc2' },
  },
  'falcon-40b': {
    config: { model_type: 'falcon', new_decoder_architecture: true, num_kv_heads: 2, num_key_value_heads: undefined, hidden_act: undefined, activation: 'gelu_new',
      ffn_hidden_size: 96, intermediate_size: undefined },
    names: { token_embd: 'transformer.word_embeddings', output_norm: 'transformer.ln_f', output: 'lm_head', attn_norm_2: 'ln_attn', attn_norm: 'ln_mlp',
      attn_qkv: 'self_attention.query_key_value', attn_output: 'self_attention.dense', ffn_up: 'mlp.dense_h_to_4h', ffn_down: 'mlp.dense_4h_to_h' },
    layers: 'transformer.h', groups: true,
  },
  mpt: {
    config: { model_type: 'mpt', num_key_value_heads: 4, hidden_act: 'gelu_new', tie_word_embeddings: true, expansion_ratio: 1.5, intermediate_size: undefined,
      attn_config: { alibi: true, alibi_bias_max: 8, clip_qkv: 1.5 } },
    names: { token_embd: 'transformer.wte', output_norm: 'transformer.norm_f', attn_norm: 'norm_1', ffn_norm: 'norm_2', attn_qkv: 'attn.Wqkv', attn_output: 'attn.out_proj',
      ffn_up: 'ffn.up_proj', ffn_down: 'ffn.down_proj' },
    layers: 'transformer.blocks',
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
    layers: 'encoder.layer', encoder: true,
  },
  'nomic-bert': {
    config: { model_type: 'nomic_bert', activation_function: 'swiglu', hidden_act: undefined, num_key_value_heads: undefined, rotary_emb_fraction: 1 },
    names: { token_embd: 'embeddings.word_embeddings', token_types: 'embeddings.token_type_embeddings', token_embd_norm: 'emb_ln', attn_qkv: 'attn.Wqkv',
      attn_output: 'attn.out_proj', attn_output_norm: 'norm1', ffn_up: 'mlp.fc11', ffn_gate: 'mlp.fc12', ffn_down: 'mlp.fc2', layer_output_norm: 'norm2' },
    layers: 'encoder.layers', encoder: true,
  },
};

/** q, k, v one after the other become groups: the queries of a key head, its k, its v. */
function groupRows({ dims, data }, heads, kvHeads, headDim) {
  const [cols] = dims;
  const out = new Float32Array(data.length);
  const per = heads / kvHeads;
  let to = 0;
  const take = (row, rows) => {
    out.set(data.subarray(row * cols, (row + rows) * cols), to * cols);
    to += rows;
  };
  for (let g = 0; g < kvHeads; g++) {
    take(g * per * headDim, per * headDim);
    take((heads + g) * headDim, headDim);
    take((heads + kvHeads + g) * headDim, headDim);
  }
  return { dims, data: out };
}

/** gate and up of all experts as gpt-oss joins them: alternating, and matrices as [expert][in][out]. */
function joinExperts(gate, up) {
  const matrix = gate.dims.length === 3;
  const [cols, rows, experts] = matrix ? gate.dims : [1, ...gate.dims];
  const parts = up ? [gate, up] : [gate];
  const out = new Float32Array(parts.length * gate.data.length);
  const width = rows * parts.length;
  for (let e = 0; e < experts; e++) for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) {
    parts.forEach((p, i) => (out[(e * cols + c) * width + r * parts.length + i] = p.data[(e * rows + r) * cols + c]));
  }
  return { shape: matrix ? [experts, cols, width] : [experts, width], data: out };
}

function toHuggingFace(gguf, { config, names = llamaNames, layers = 'model.layers', pairs, minusOne, groups, joined }) {
  const tensors = {};
  for (const [name, tensor] of Object.entries(gguf)) {
    const [, layer, slot, kind] = name.match(/^(?:blk\.(\d+)\.)?(.*)\.(weight|bias)$/);
    const prefix = layer === undefined ? '' : `${layers}.${layer}.`;
    const other = gguf[name.replace('ffn_gate_exps', 'ffn_up_exps')];
    if (joined && slot.endsWith('_exps')) {
      if (slot === 'ffn_up_exps') continue;
      const hf = slot === 'ffn_down_exps' ? 'down_proj' : 'gate_up_proj';
      tensors[`${prefix}mlp.experts.${hf}${kind === 'bias' ? '_bias' : ''}`] = joinExperts(tensor, slot === 'ffn_gate_exps' ? other : undefined);
      continue;
    }
    assert.ok(names[slot], `no name for ${slot}`);
    let { dims, data } = tensor;
    if (pairs && /attn_[qk]$/.test(slot)) {
      ({ data } = unpermute(kind === 'bias' ? { dims: [1, dims[0]], data } : tensor, config.head_dim));
    }
    if (groups && slot === 'attn_qkv') ({ data } = groupRows(tensor, 4, 2, 16));
    if (minusOne && slot.endsWith('norm')) data = data.map((x) => x - 1);
    if (slot.endsWith('_exps')) {
      const [cols, rows, experts] = dims;
      for (let e = 0; e < experts; e++) {
        tensors[`${prefix}${names[slot].replace('*', e)}.weight`] = { shape: [rows, cols], data: data.slice(e * rows * cols, (e + 1) * rows * cols) };
      }
    } else {
      const suffix = slot === 'attn_sinks' ? '' : `.${kind}`;
      tensors[`${prefix}${names[slot]}${suffix}`] = { shape: dims.toReversed(), data };
    }
  }
  return { 'config.json': json(config), 'model.safetensors': safetensors(tensors) };
}

const ids = [1, 5, 270, 33, 7, 260, 259, 64, 100, 2, 17, 281, 40, 41, 42, 43];

async function outputs(source, encoder) {
  const model = await load(source, { backend: 'wasm' });
  try {
    return encoder ? await model.embed(ids, { pooling: 'mean' }) : await model.logits(ids);
  } finally {
    await model.close();
  }
}

for (const [name, model] of Object.entries(models)) {
  test(`${name} is the same from safetensors as from GGUF`, async () => {
    const bytes = new Uint8Array(tinyModel(name));
    const config = { ...base, ...model.config };
    const files = toHuggingFace(readGguf(bytes), { ...model, config });
    const error = largestDifference(await outputs(files, model.encoder), await outputs(bytes, model.encoder));
    assert.ok(error < 2e-4, `off by ${error}`);
  });
}
