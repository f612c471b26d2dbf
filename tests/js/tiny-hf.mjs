// The recorded small models of Hugging Face's kind: their files and configurations.
import { readFileSync } from 'node:fs';
import { fixture } from './support.mjs';

export const tiny = (file) => fixture(`safetensors-models/tiny-hf/${file}`, `tiny-hf/${file}`);
export const bytesOf = (path) => readFileSync(path);
export const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** Name of the recorded logits, and of the weights where they are another model's. */
export const recorded = [
  ['tiny_bloom'], ['tiny_falcon_mq'], ['tiny_gemma'], ['tiny_gemma2'], ['tiny_gptneox'], ['tiny_gptneox_seq', 'tiny_gptneox'],
  ['tiny_granite'], ['tiny_llama'], ['tiny_mistral'], ['tiny_mixtral'], ['tiny_olmoe'], ['tiny_phi'], ['tiny_phi3'],
  ['tiny_phi3_longrope'], ['tiny_phi3_longrope_full'], ['tiny_qwen2'], ['tiny_smollm2'],
];

/** Configurations of the two models whose folder has none: gpt2's stands beside its logits, gpt-oss's in
 *  the program that made it (neural-api, tools/gpt_oss_tiny_fixture.py). */
export const gpt2Config = (c) => ({ model_type: 'gpt2', n_layer: c.n_layer, n_head: c.n_head, n_embd: c.n_embd, n_ctx: c.n_ctx, vocab_size: c.vocab });
export const gptOssConfig = {
  model_type: 'gpt_oss', hidden_size: 32, intermediate_size: 32, num_hidden_layers: 2, num_attention_heads: 4,
  num_key_value_heads: 1, head_dim: 10, vocab_size: 13, max_position_embeddings: 16, rms_norm_eps: 1e-5, sliding_window: 4,
  num_local_experts: 4, num_experts_per_tok: 2, tie_word_embeddings: false, attention_bias: true,
  layer_types: ['sliding_attention', 'full_attention'],
  rope_parameters: { rope_type: 'yarn', factor: 4, beta_fast: 32, beta_slow: 1, truncate: false, original_max_position_embeddings: 4, rope_theta: 10000 },
};

/** The experts of gpt-oss as a file without MXFP4 has them: [expert][in][out] floats. */
export function denseExperts(tensors) {
  const values = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6];
  const out = {};
  for (const [name, t] of Object.entries(tensors)) {
    if (name.endsWith('_scales')) continue;
    if (!name.endsWith('_blocks')) {
      out[name] = t;
      continue;
    }
    const [experts, rows, blocks] = t.shape;
    const scales = tensors[name.replace('_blocks', '_scales')].data;
    const cols = blocks * 32;
    const data = new Float32Array(experts * rows * cols);
    for (let e = 0; e < experts; e++) {
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < cols; c++) {
          const block = (e * rows + r) * blocks + (c >> 5);
          const byte = t.data[block * 16 + ((c & 31) >> 1)];
          data[(e * cols + c) * rows + r] = values[c & 1 ? byte >> 4 : byte & 15] * 2 ** (scales[block] - 127);
        }
      }
    }
    out[name.replace('_blocks', '')] = { shape: [experts, cols, rows], data };
  }
  return out;
}
