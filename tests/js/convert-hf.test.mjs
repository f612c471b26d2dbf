// realizar convert of Hugging Face's models: every architecture and recorded model, every step that tensors go through,
// and what is refused in which words.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { tensorPieces } from '../../dist/formats/gguf-stream.js';
import { describeHf, hfTypes } from '../../dist/formats/hf-config.js';
import { planHf } from '../../dist/formats/hf-names.js';
import { retype } from '../../dist/formats/mixture.js';
import { load } from '../../dist/index-node.js';
import { tinyModel } from '../conformance/architectures.mjs';
import { huggingFace, huggingFaceNames } from '../conformance/huggingface.mjs';
import { cli, fails, logits, out, read, works } from './converted.mjs';
import { filesOf, json, readSafetensors, safetensors, tinyLlama, withFolder } from './hf.mjs';
import { fixture, largestDifference, sameBits } from './support.mjs';
import { bytesOf, denseExperts, gpt2Config, gptOssConfig, readJson, recorded, tiny } from './tiny-hf.mjs';
import { withModel } from './with-model.mjs';

const embeds = (name) => name.endsWith('bert');
const results = (source, name, ids) => withModel(source, { threads: 1 }, (model) => (embeds(name) ? model.embed(ids) : model.logits(ids)));

/** Converts a map of files; what was said beside it. */
async function convert(files, name, ...args) {
  return withFolder(files, async (hf) => {
    const { status, err } = await cli('convert', hf, out(name), ...args);
    assert.equal(status, 0, err);
    return err;
  });
}

/** The same files with other settings. */
const withConfig = (files, change) => ({ ...files, 'config.json': json({ ...JSON.parse(Buffer.from(files['config.json'])), ...change }) });

describe('every architecture', () => {
  for (const name of huggingFaceNames) {
    test(`${name} with its tokenizer: tensors, tokens and results of the GGUF file`, async () => {
      const bytes = new Uint8Array(tinyModel(name));
      writeFileSync(out(`own-${name}.gguf`), bytes);
      await convert(huggingFace(name, bytes), `hf-${name}.gguf`);
      const lines = (file) => read(out(file)).tensors.map((t) => `${t.name} ${t.type} ${t.dims}`).sort();
      assert.deepEqual(lines(`hf-${name}.gguf`), lines(`own-${name}.gguf`));
      const [a, b] = await Promise.all([load(out(`hf-${name}.gguf`), { threads: 1 }), load(out(`own-${name}.gguf`), { threads: 1 })]);
      const ids = await a.tokenize('Where w270 is\n');
      assert.deepEqual(ids, await b.tokenize('Where w270 is\n'));
      const [ours, theirs] = await Promise.all([a, b].map((model) => (embeds(name) ? model.embed(ids) : model.logits(ids))));
      assert.ok(largestDifference(ours, theirs) <= (name.startsWith('gemma') ? 1e-5 : 0)); // norms as w - 1 are rounded
      await Promise.all([a.close(), b.close()]);
    });
  }

  test('every type of model has a tiny one, or is another name of one that has', () => {
    const types = new Set(huggingFaceNames.map((name) => JSON.parse(Buffer.from(huggingFace(name, new Uint8Array(tinyModel(name)))['config.json'])).model_type));
    assert.deepEqual(hfTypes.filter((type) => !types.has(type)), ['mistral', 'gemma3']);
  });

  test('Gemma 3 as a part of a model that sees', async () => {
    const files = huggingFace('gemma3', new Uint8Array(tinyModel('gemma3')));
    const text = JSON.parse(Buffer.from(files['config.json']));
    const tensors = Object.fromEntries(Object.entries(readSafetensors(files['model.safetensors'])).map(([name, t]) => [`language_model.${name}`, t]));
    const more = { 'vision_tower.x.weight': { shape: [2], data: new Float32Array(2) } };
    await convert(files, 'gemma3-text.gguf');
    await convert({ 'config.json': json({ model_type: 'gemma3', text_config: text }), 'model.safetensors': safetensors({ ...tensors, ...more }) }, 'gemma3-vision.gguf');
    assert.ok(sameBits(await logits(out('gemma3-vision.gguf'), [1, 7, 9]), await logits(out('gemma3-text.gguf'), [1, 7, 9])));
  });
});

describe('recorded models', () => {
  const windowed = { tiny_mistral: 4, tiny_phi3: 4 }; // their windows, which GGUF files cannot say

  for (const [name, weights = name] of [...recorded, ['tiny_gpt2']]) {
    test(`${name}: the recorded logits within the context of the file`, async () => {
      const file = tiny(`${weights}.safetensors`);
      if (!file) return;
      const expected = readJson(tiny(`${name}_logits.json`));
      const config = name === 'tiny_gpt2' ? gpt2Config(expected.config) : readJson(tiny(`${name}_config.json`));
      const files = { 'config.json': json(config), 'model.safetensors': bytesOf(file) };
      if (name === 'tiny_olmoe') {
        await withFolder(files, (hf) => fails("norm_topk_prob true of models of type 'olmoe' cannot be translated to GGUF; false can", 'convert', hf, out('no.gguf')));
        const other = withConfig(files, { norm_topk_prob: false });
        await convert(other, 'olmoe.gguf');
        const ids = expected.sequences[0];
        assert.ok(sameBits(await logits(out('olmoe.gguf'), ids), await logits(other, ids)));
        return;
      }
      const said = await convert(files, `${name}.gguf`);
      assert.equal(said.includes('mean the tanh form of GELU'), /falcon|gptneox/.test(name), said);
      const { metadata } = read(out(`${name}.gguf`));
      const context = metadata.get(`${metadata.get('general.architecture').value}.context_length`).value;
      assert.equal(context, windowed[name] ?? (name.includes('longrope') ? 32 : 16));
      assert.equal(said.includes('the file is for contexts of that length'), name in windowed, said);
      for (const [i, ids] of expected.sequences.entries()) {
        const got = await logits(out(`${name}.gguf`), ids);
        expected.logits[i].slice(0, context).flat().forEach((want, k) => assert.ok(Math.abs(want - got[k]) < 2e-4, `${want} and ${got[k]}`));
      }
    });
  }

  test('tiny_bert: the embeddings of the folder, with its pooling', async () => {
    const file = tiny('tiny_bert.safetensors');
    if (!file) return;
    const files = { 'config.json': bytesOf(tiny('tiny_bert_config.json')), 'model.safetensors': bytesOf(file), '1_Pooling/config.json': json({ word_embedding_dimension: 8, pooling_mode_lasttoken: true }) };
    await convert(files, 'tiny_bert.gguf');
    assert.ok(sameBits(await results(out('tiny_bert.gguf'), 'bert', [1, 2, 3]), await results(files, 'bert', [1, 2, 3])));
  });

  test("gpt-oss: MXFP4 in two tensors and experts as floats; its ramp of YaRN", async () => {
    const file = tiny('tiny_gpt_oss_mxfp4.safetensors');
    if (!file) return;
    const rope = { ...gptOssConfig.rope_parameters, truncate: true };
    const config = json({ ...gptOssConfig, rope_parameters: rope });
    const dense = safetensors(denseExperts(readSafetensors(new Uint8Array(bytesOf(file)))));
    for (const [weights, type, to] of [[bytesOf(file), 'MXFP4', 'mxfp4'], [dense, 'F32', 'dense']]) {
      const files = { 'config.json': config, 'model.safetensors': weights };
      assert.equal(await convert(files, `gpt-oss-${to}.gguf`), '');
      const types = read(out(`gpt-oss-${to}.gguf`)).tensors.filter((t) => t.name.endsWith('_exps.weight')).map((t) => `${t.type} ${t.dims}`);
      assert.deepEqual([...new Set(types)], [`${type} 32,32,4`]);
      assert.ok(sameBits(await logits(out(`gpt-oss-${to}.gguf`), [1, 2, 3, 4, 5]), await logits(files, [1, 2, 3, 4, 5])));
    }
    const said = await convert({ 'config.json': json(gptOssConfig), 'model.safetensors': dense }, 'gpt-oss-ramp.gguf', '--type', 'f16');
    assert.equal(said, "note: GGUF files mean whole numbers where YaRN's ramp begins and ends, this model does not: results differ slightly\n");
  });

  test('a model in several safetensors files; bias and norms become floats', async () => {
    const file = tiny('tiny_llama.safetensors');
    if (!file) return;
    const config = { 'config.json': bytesOf(tiny('tiny_llama_config.json')) };
    const shards = Object.fromEntries([1, 2].map((i) => `tiny_llama-0000${i}-of-00002.safetensors`).map((name) => [name, bytesOf(tiny(name))]));
    await convert({ ...config, ...shards, 'model.safetensors.index.json': bytesOf(tiny('tiny_llama.safetensors.index.json')) }, 'shards.gguf');
    await convert({ ...config, 'model.safetensors': bytesOf(file) }, 'whole.gguf');
    const [a, b] = [read(out('shards.gguf')), read(out('whole.gguf'))];
    for (const t of b.tensors) assert.ok(b.data(t).equals(a.data(a.byName.get(t.name))), t.name);
    const bf16 = fixture('safetensors-models/bf16-llama', 'a BF16 model');
    if (!bf16) return;
    await works('convert', bf16, out('bf16.gguf'));
    assert.deepEqual([...new Set(read(out('bf16.gguf')).tensors.map((t) => `${t.dims.length} ${t.type}`))].sort(), ['1 F32', '2 BF16']);
    await works('convert', bf16, out('bf16-q8.apr'), '--type', 'q8_0');
    const [exact, rounded] = [await logits(out('bf16.gguf'), [1, 2, 3]), await logits(out('bf16-q8.apr'), [1, 2, 3])];
    const largest = exact.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    exact.forEach((v, i) => assert.ok(Math.abs(v - rounded[i]) < 0.03 * largest, `${v} and ${rounded[i]} of ${largest}`));
  });
});

describe('steps of tensors', () => {
  const floats = (...values) => new Uint8Array(Float32Array.from(values).buffer);
  const tensor = (name, dims, bytes, type = 'F32') => ({ name, dims, type, offset: 0, bytes: bytes.length, data: bytes });

  /** The new bytes of a planned tensor whose sources carry their data. */
  async function piecesOf(planned) {
    const pieces = [];
    for await (const piece of tensorPieces(planned, async function* (t) { yield t.data.subarray(t.offset, t.offset + t.bytes); })) pieces.push(Buffer.from(piece));
    return new Uint8Array(Buffer.concat(pieces));
  }
  const floatsOf = async (planned) => [...new Float32Array((await piecesOf(planned)).buffer)];

  test('a matrix on its side, rows in another order, several sources', async () => {
    const two = [tensor('a', [3, 2], floats(1, 2, 3, 4, 5, 6)), tensor('b', [3, 2], floats(7, 8, 9, 10, 11, 12))];
    const base = { name: 'x', type: 'F32', dims: [2, 3, 2], sources: two, transposed: true };
    assert.deepEqual(await floatsOf(base), [1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12]);
    assert.deepEqual(await floatsOf({ ...base, order: (row) => 2 - row }), [3, 6, 2, 5, 1, 4, 9, 12, 8, 11, 7, 10]);
    const vector = tensor('v', [6], floats(1, 2, 3, 4, 5, 6));
    assert.deepEqual(await floatsOf({ name: 'x', type: 'F32', dims: [3], sources: [vector], order: (i) => 2 * i + 1 }), [2, 4, 6]);
    const small = { ...base, sources: [tensor('q', [32, 2], new Uint8Array(68), 'Q8_0')], dims: [2, 32] };
    await assert.rejects(piecesOf(small), { code: 'UNSUPPORTED', message: "rows of tensor 'q' have to change places, which type Q8_0 does not allow" });
  });

  test('codes of MXFP4 and their scales', async () => {
    const codes = Uint8Array.from({ length: 32 }, (_, i) => i); // two rows of one block
    const planned = { name: 'x', type: 'MXFP4', dims: [32, 1], sources: [tensor('c', [16, 1, 2], codes, 'U8')], scales: [tensor('s', [1, 2], Uint8Array.of(120, 130), 'U8')], order: () => 1 };
    const block = await piecesOf(planned);
    assert.deepEqual(block.length, 17);
    assert.equal(block[0], 130);
    const weight = (i) => (codes[16 + (i >> 1)] >> (i % 2 ? 4 : 0)) & 15;
    for (let i = 0; i < 16; i++) assert.deepEqual([block[1 + i] & 15, block[1 + i] >> 4], [weight(i), weight(i + 16)]);
  });

  test('types of the new names in a mixture', () => {
    const metadata = new Map([['general.architecture', { value: 'gptneox' }], ['gptneox.block_count', { value: 1 }]]);
    const names = { 'token_embd.weight': [256, 512], 'position_embd.weight': [256, 16], 'token_types.weight': [256, 2], 'blk.0.attn_qkv.weight': [256, 768], 'blk.0.attn_sinks.weight': [4],
      'blk.0.ffn_gate_inp.weight': [256, 4], 'blk.0.ffn_up_exps.weight': [256, 512, 4], 'blk.0.ffn_up_exps.bias': [512, 4], 'blk.0.ffn_down_exps.weight': [96, 256, 4] };
    const tensors = Object.entries(names).map(([name, dims]) => ({ name, dims, type: 'F32', sources: [tensor(name, dims, new Uint8Array())] }));
    tensors.push({ name: 'blk.0.ffn_gate_exps.weight', dims: [32, 32, 4], type: 'MXFP4', sources: [], scales: [] });
    const types = Object.fromEntries(retype({ metadata, tensors }, 'q4_k_m').tensors.map((t) => [t.name.replace(/^blk\.0\.|\.weight$/g, ''), t.type]));
    assert.deepEqual(types, { token_embd: 'Q6_K', position_embd: 'F32', token_types: 'F32', attn_qkv: 'Q5_K', attn_sinks: 'F32', ffn_gate_inp: 'F32', ffn_up_exps: 'Q4_K',
      'ffn_up_exps.bias': 'F32', ffn_down_exps: 'Q8_0', ffn_gate_exps: 'MXFP4' });
  });

  for (const name of ['gemma2', 'gemma3']) {
    test(`${name} whose queries have a scale of their own`, async () => {
      const files = withConfig(huggingFace(name, new Uint8Array(tinyModel(name))), { query_pre_attn_scalar: 9 });
      await convert(files, `${name}-scaled.gguf`);
      const ids = Array.from({ length: 12 }, (_, i) => 3 + i);
      const [ours, theirs] = [await logits(out(`${name}-scaled.gguf`), ids), await logits(files, ids)];
      assert.ok(largestDifference(ours, theirs) < 2e-5, String(largestDifference(ours, theirs)));
      const t = { name: 'model.layers.0.self_attn.q_proj.weight', type: 'BF16', dims: [64, 64], offset: 0, bytes: 8192 };
      const [planned] = planHf([t], { ...describeHf(JSON.parse(Buffer.from(files['config.json']))) }, () => 'BF16');
      assert.deepEqual([planned.type, planned.factor], name === 'gemma2' ? ['F32', 4 / 3] : ['BF16', undefined]);
    });
  }

  test('files that readers want an output matrix in get that of the tokens', async () => {
    const files = huggingFace('gptneox', new Uint8Array(tinyModel('gptneox')));
    const { 'embed_out.weight': _, ...tensors } = readSafetensors(files['model.safetensors']);
    const tied = { ...withConfig(files, { tie_word_embeddings: true }), 'model.safetensors': safetensors(tensors) };
    await convert(tied, 'tied.gguf');
    const { byName, data } = read(out('tied.gguf'));
    assert.ok(data(byName.get('output.weight')).equals(data(byName.get('token_embd.weight'))));
    assert.ok(sameBits(await logits(out('tied.gguf'), [1, 2, 3]), await logits(tied, [1, 2, 3])));
  });
});

describe('RoPE', () => {
  const { config, tensors } = tinyLlama();
  const converted = async (change, name) => {
    const files = filesOf({ config: { ...config, ...change }, tensors });
    const said = await convert(files, name);
    const { metadata } = read(out(name));
    return { files, said, value: (key) => metadata.get(`llama.rope.${key}`)?.value };
  };

  test('as newer configurations say it', async () => {
    const { value } = await converted({ rope_parameters: { rope_type: 'linear', factor: 2, rope_theta: 500 } }, 'rope.gguf');
    assert.deepEqual(['freq_base', 'scaling.type', 'scaling.factor'].map(value), [500, 'linear', 2]);
  });

  test('what begins beyond the context of the file is left out', async () => {
    const { files, said, value } = await converted({ rope_scaling: { type: 'dynamic', factor: 2 } }, 'dynamic.gguf');
    assert.equal(value('scaling.type'), undefined);
    assert.equal(said, 'note: GGUF cannot say that RoPE grows with the context beyond 32 tokens: the file is for contexts of that length\n');
    const ids = [1, 2, 3, 4, 5];
    assert.ok(largestDifference(await logits(out('dynamic.gguf'), ids), await logits(files, ids)) < 1e-5);
  });

  test('LongRoPE and YaRN grow as the configuration says', async () => {
    const long = { rope_type: 'longrope', long_factor: [2, 3], short_factor: [1, 1.5], original_max_position_embeddings: 8, attention_factor: 1.25 };
    const yarn = { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 8, attention_factor: 1.5 };
    for (const [name, rope_scaling] of Object.entries({ long, yarn })) {
      const { files, value } = await converted({ rope_scaling }, `${name}.gguf`);
      assert.ok(value('scaling.attn_factor') > 1.25 - 1e-6);
      const ids = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
      assert.ok(largestDifference(await logits(out(`${name}.gguf`), ids), await logits(files, ids)) < 1e-5, name);
    }
  });
});

describe('what is refused', () => {
  const { config } = tinyLlama();
  const sizes = { num_experts: 4, num_experts_per_tok: 2, moe_intermediate_size: 4, shared_expert_intermediate_size: 4 };
  const other = (key, value, type, only) => `${key} ${value} of models of type '${type}' cannot be translated to GGUF; ${only} can`;
  const refused = [
    [{ model_type: 'rwkv' }, `models of type 'rwkv' cannot be translated to GGUF; ${hfTypes.join(', ')} can`],
    [{ quantization_config: { quant_method: 'gptq' } }, "weights quantised by 'gptq' cannot be translated to GGUF: take the original model"],
    [{ hidden_act: 'gelu' }, "hidden_act 'gelu' of models of type 'llama' cannot be translated to GGUF; silu, swish, swiglu can"],
    [{ model_type: 'bert', hidden_act: 'relu' }, "hidden_act 'relu' of models of type 'bert' cannot be translated to GGUF; gelu, gelu_python can"],
    [{ model_type: 'bert', is_decoder: true }, other('is_decoder', true, 'bert', false)],
    [{ model_type: 'bert', position_embedding_type: 'relative_key' }, other('position_embedding_type', '"relative_key"', 'bert', '"absolute"')],
    [{ model_type: 'falcon', alibi: true }, other('alibi', true, 'falcon', false)],
    [{ model_type: 'falcon', parallel_attn: false }, other('parallel_attn', false, 'falcon', true)],
    [{ model_type: 'stablelm', qk_layernorm: true }, other('qk_layernorm', true, 'stablelm', false)],
    [{ model_type: 'gpt2', scale_attn_weights: false }, other('scale_attn_weights', false, 'gpt2', true)],
    [{ model_type: 'mpt', attn_config: { alibi: false } }, other('attn_config.alibi', false, 'mpt', true)],
    [{ model_type: 'mpt', attn_config: { softmax_scale: 0.5 } }, other('attn_config.softmax_scale', 0.5, 'mpt', false)],
    [{ model_type: 'qwen3_moe', ...sizes }, other('norm_topk_prob', false, 'qwen3_moe', true)],
    [{ model_type: 'qwen2_moe', ...sizes, norm_topk_prob: true }, other('norm_topk_prob', true, 'qwen2_moe', false)],
    [{ model_type: 'qwen2_moe', ...sizes, mlp_only_layers: [1] }, other('mlp_only_layers', '[1]', 'qwen2_moe', false)],
    [{ model_type: 'olmoe', ...sizes, clip_qkv: 8 }, other('clip_qkv', 8, 'olmoe', false)],
    [{ model_type: 'gemma2', attn_logit_softcapping: null, hidden_activation: 'gelu_pytorch_tanh' }, other('attn_logit_softcapping', 'null', 'gemma2', 'a number')],
    [{ model_type: 'gemma3_text', attn_logit_softcapping: 50 }, other('attn_logit_softcapping', 50, 'gemma3_text', false)],
    [{ model_type: 'gemma3_text', rope_local_base_freq: 500 }, other('rope_local_base_freq', 500, 'gemma3_text', 10000)],
    [{ model_type: 'gemma3_text', hidden_act: undefined, sliding_window_pattern: 4, sliding_window: 8 },
      'windows in all but every 4th layer cannot be translated to GGUF files of gemma3; in all but every 6th can'],
    [{ model_type: 'qwen2', use_sliding_window: true, num_hidden_layers: 3, layer_types: ['full_attention', 'sliding_attention', 'sliding_attention'] },
      'windows of layer_types that follow no period cannot be translated to GGUF'],
    [{ model_type: 'qwen2', use_sliding_window: true, num_hidden_layers: 3, max_window_layers: 2 }, 'windows from layer 2 on cannot be translated to GGUF'],
    [{ rope_scaling: { type: 'xrope', factor: 2 } },
      "RoPE scaling 'xrope' of models of type 'llama' cannot be translated to GGUF; default, linear, yarn, llama3, longrope, su, dynamic can"],
    [{ rope_scaling: { type: 'yarn', factor: 2, beta_fast: 16 } }, 'YaRN with beta_fast 16 cannot be translated to GGUF; 32 can'],
  ];
  for (const [change, message] of refused) {
    test(message, () => assert.throws(() => describeHf({ ...config, ...change }), { code: 'UNSUPPORTED', message }));
  }

  test('factors of LongRoPE that are no use; sizes that are missing', () => {
    const rope_scaling = { type: 'longrope', long_factor: [1] };
    assert.throws(() => describeHf({ ...config, rope_scaling }), { code: 'FORMAT', message: 'LongRoPE needs 2 usable factors in long_factor' });
    assert.throws(() => describeHf({ model_type: 'llama' }), { code: 'FORMAT', message: "the model's settings have no number 'hidden_size'" });
  });

  test('tensors that are not known, missing or there twice', () => {
    const { tensors: all } = tinyLlama();
    const list = (change) => Object.entries({ ...all, ...change }).filter(([, t]) => t).map(([name, { shape }]) => {
      const dims = shape.toReversed();
      return { name, dims, type: 'F32', offset: 0, bytes: 4 * dims.reduce((a, b) => a * b) };
    });
    const planned = (change, settings) => planHf(list(change), describeHf({ ...config, ...settings }), (t) => t.type);
    const sentence = (change, settings, code, message) => assert.throws(() => planned(change, settings), { code, message });
    const matrix = (...shape) => ({ shape });
    sentence({ 'model.layers.0.mlp.odd.weight': matrix(2, 2) }, {}, 'SHAPE', "tensor 'model.layers.0.mlp.odd.weight' does not belong to a model of type 'llama'");
    sentence({ 'transformer.embed_tokens.weight': matrix(12, 8) }, {}, 'FORMAT', "tensor 'transformer.embed_tokens.weight' is there twice");
    sentence({ 'lm_head.weight': undefined }, {}, 'SHAPE', 'the matrix of the output is missing, which tie_word_embeddings says is not that of the tokens');
    const mixtral = { model_type: 'mixtral', num_local_experts: 2, num_experts_per_tok: 1 };
    const expert = (i) => `model.layers.0.block_sparse_moe.experts.${i}.w1.weight`;
    sentence({ [expert(0)]: matrix(12, 8) }, mixtral, 'SHAPE', "'blk.0.ffn_gate_exps.weight' has 1 of 2 experts");
    sentence({ [expert(2)]: matrix(12, 8) }, mixtral, 'SHAPE', `tensor '${expert(2)}' does not belong to a model of 2 experts`);
    sentence({ [expert(0)]: matrix(12, 8), [expert(1)]: matrix(10, 8) }, mixtral, 'SHAPE', `tensor '${expert(1)}' has another shape or type than the experts before it`);
    const oss = { model_type: 'gpt_oss', num_local_experts: 2, num_experts_per_tok: 1 };
    const down = 'model.layers.0.mlp.experts.down_proj';
    sentence({ [`${down}_blocks`]: matrix(2, 8, 1, 16) }, oss, 'SHAPE', `tensor '${down}_scales' is missing`);
    sentence({ [`${down}_blocks`]: matrix(2, 8, 1, 16), [`${down}_scales`]: matrix(2, 8, 1) }, oss, 'SHAPE',
      `tensor '${down}_blocks' holds no blocks of 16 bytes with a scale each in '${down}_scales'`); // they are floats
    const both = 'model.layers.0.mlp.experts.gate_up_proj';
    sentence({ [both]: matrix(2, 8, 7) }, oss, 'SHAPE', `tensor '${both}' of 7 x 8 x 2 weights cannot be split into 'ffn_gate_exps' and 'ffn_up_exps'`);
    sentence({ [down]: matrix(3, 32, 8) }, oss, 'SHAPE', `tensor '${down}' holds 3 experts, the model has 2`);
    sentence({ 'model.layers.0.self_attn.q_proj.weight': matrix(9, 8) }, {}, 'SHAPE', '9 rows cannot be split into 2 heads');
  });

  test('experts one by one in .apr files', async () => {
    const { planAprModel } = await import('../../dist/formats/apr-model.js');
    const t = (name, ...dims) => ({ name, dims, type: 'F32', offset: 0, bytes: 4 });
    const metadata = { ...config, tie_word_embeddings: true, architecture: 'mixtral', num_local_experts: 2, num_experts_per_tok: 1 };
    const name = (i) => `model.layers.0.block_sparse_moe.experts.${i}.w1.weight`;
    assert.throws(() => planAprModel({ metadata, tensors: [t('model.layers.0.self_attn.v_proj.weight', 8, 4), t(name(0), 8, 12), t(name(1), 8, 12)] }),
      { code: 'UNSUPPORTED', message: `.apr: tensor '${name(0)}' holds one of several experts, which is not supported there` });
  });
});
