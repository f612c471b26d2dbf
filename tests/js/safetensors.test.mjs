// Hugging Face models: recorded logits and hidden states, natively and in wasm; files, folders and URLs;
// quantisation while loading; metadata; what is refused and in which words.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { load, RealizarError } from '../../dist/index-node.js';
import { sendBytes, startStatic } from './helpers.mjs';
import { filesOf, json, numbers, readSafetensors, safetensors, safetensorsOf, tinyLlama, withFolder } from './hf.mjs';
import { fixture, largestDifference, root } from './support.mjs';
import { denseExperts, gpt2Config, gptOssConfig, readJson, recorded, tiny } from './tiny-hf.mjs';
import { withModel as withLoaded } from './with-model.mjs';

const backends = ['native', 'wasm'];
const tolerance = 2e-4;

const withModel = (source, options, use) => withLoaded(source, { threads: 1, ...options }, use);

async function rejectsWith(promise, code, message) {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof RealizarError, String(error));
    assert.equal(error.message, message);
    assert.equal(error.code, code);
    return true;
  });
}

/** Largest difference between a model's logits and recorded ones. */
async function logitsError(model, { sequences, logits }) {
  let worst = 0;
  for (const [i, ids] of sequences.entries()) {
    worst = Math.max(worst, largestDifference(await model.logits(ids), Float64Array.from(logits[i].flat())));
  }
  return worst;
}

/* ---- recorded models -------------------------------------------------------------------------- */

for (const [name, weights = name] of recorded) {
  for (const backend of backends) {
    test(`${name} computes the recorded logits (${backend})`, async () => {
      const file = tiny(`${weights}.safetensors`);
      if (!file) return;
      const files = { 'config.json': tiny(`${name}_config.json`), 'model.safetensors': file };
      await withModel(files, { backend }, async (model) => {
        const error = await logitsError(model, readJson(tiny(`${name}_logits.json`)));
        assert.ok(error < tolerance, `off by ${error}`);
      });
    });
  }
}

for (const backend of backends) {
  test(`tiny_gpt2 computes the recorded logits (${backend})`, async () => {
    const file = tiny('tiny_gpt2.safetensors');
    if (!file) return;
    const expected = readJson(tiny('tiny_gpt2_logits.json'));
    await withModel({ 'config.json': json(gpt2Config(expected.config)), 'model.safetensors': file }, { backend }, async (model) => {
      const error = await logitsError(model, expected);
      assert.ok(error < tolerance, `off by ${error}`);
    });
  });

  test(`a model in two shards with an index is the same (${backend})`, async () => {
    const index = tiny('tiny_llama.safetensors.index.json');
    if (!index) return;
    const shards = ['tiny_llama-00001-of-00002.safetensors', 'tiny_llama-00002-of-00002.safetensors'];
    const files = { 'config.json': tiny('tiny_llama_config.json'), 'model.safetensors.index.json': index,
      ...Object.fromEntries(shards.map((s) => [s, tiny(s)])) };
    await withModel(files, { backend }, async (model) => {
      const error = await logitsError(model, readJson(tiny('tiny_llama_logits.json')));
      assert.ok(error < tolerance, `off by ${error}`);
    });
    delete files[shards[1]];
    await rejectsWith(load(files, { backend }), 'SOURCE',
      `the map of files has no ${shards[1]}, which model.safetensors.index.json names`);
  });

  test(`a BF16 Llama computes the recorded logits (${backend})`, async () => {
    const folder = fixture('safetensors-models/bf16-llama', 'BF16 Llama');
    if (!folder) return;
    const text = readFileSync(join(folder, 'tiny_llama_meta.txt'), 'utf8');
    const ids = text.match(/tokens=(.*)/)[1].split(',').map(Number);
    const golden = readFileSync(join(folder, 'tiny_llama_golden.bin'));
    const expected = new Float32Array(golden.buffer.slice(golden.byteOffset, golden.byteOffset + golden.length));
    /* the folder has one safetensors file under a name of its own */
    await withModel(folder, { backend }, async (model) => {
      const error = largestDifference(await model.logits(ids), expected);
      assert.ok(error < tolerance, `off by ${error}`);
      assert.equal(model.info.type, 'BF16');
    });
  });
}

for (const backend of backends) {
  test(`tiny_gpt_oss_mxfp4 computes the recorded logits (${backend})`, async () => {
    const file = tiny('tiny_gpt_oss_mxfp4.safetensors');
    if (!file) return;
    await withModel({ 'config.json': json(gptOssConfig), 'model.safetensors': file }, { backend }, async (model) => {
      const error = await logitsError(model, readJson(tiny('tiny_gpt_oss_mxfp4_logits.json')));
      assert.ok(error < tolerance, `off by ${error}`);
      assert.equal(model.info.type, 'MXFP4');
    });
  });
}

/* ---- embeddings ------------------------------------------------------------------------------- */

function unit(vector) {
  const length = Math.hypot(...vector);
  return Float64Array.from(vector, (x) => x / length);
}

for (const backend of backends) {
  test(`tiny_bert embeds as recorded, with every pooling (${backend})`, async () => {
    const file = tiny('tiny_bert.safetensors');
    if (!file) return;
    const { sequences, token_types: types, hidden } = readJson(tiny('tiny_bert_hidden.json'));
    await withModel({ 'config.json': tiny('tiny_bert_config.json'), 'model.safetensors': file }, { backend }, async (model) => {
      for (const [i, ids] of sequences.entries()) {
        const mean = hidden[i][0].map((_, d) => hidden[i].reduce((sum, row) => sum + row[d], 0) / ids.length);
        const expected = { mean, cls: hidden[i][0], last: hidden[i].at(-1) };
        for (const [pooling, vector] of Object.entries(expected)) {
          const error = largestDifference(await model.embed(ids, { pooling, tokenTypes: types[i] }), unit(vector));
          assert.ok(error < tolerance, `${pooling}: off by ${error}`);
        }
      }
      const byDefault = await model.embed(sequences[0]);
      assert.deepEqual(byDefault, await model.embed(sequences[0], { pooling: 'mean' }));
      await rejectsWith(model.embed(sequences[0], { tokenTypes: [0, 1] }), 'ARGUMENT', '2 token types for 16 tokens');
      await rejectsWith(model.embed([1], { tokenTypes: [2] }), 'ARGUMENT', 'token type 2 does not exist: the model has 2');
      await rejectsWith(model.embed([]), 'ARGUMENT', 'an embedding of no tokens');
      await rejectsWith(model.embed([1], { pooling: 'max' }), 'ARGUMENT', 'pooling must be mean, cls or last, not max');
      await rejectsWith(model.logits([1]), 'STATE', 'this model is an encoder: it embeds texts, it does not continue them');
    });
    const cls = { word_embedding_dimension: 8, pooling_mode_cls_token: true, pooling_mode_mean_tokens: false };
    const files = { 'config.json': tiny('tiny_bert_config.json'), 'model.safetensors': file, '1_Pooling/config.json': json(cls) };
    await withModel(files, { backend }, async (model) => {
      assert.deepEqual(await model.embed(sequences[0]), await model.embed(sequences[0], { pooling: 'cls' }));
    });
  });
}

test('a model in a worker embeds the same, and takes maps of files', async () => {
  const files = filesOf(tinyLlama());
  const here = await withModel(files, { backend: 'wasm' }, (m) => m.embed([1, 2, 3], { pooling: 'last' }));
  await withModel(files, { backend: 'wasm', worker: true }, async (model) => {
    assert.deepEqual(await model.embed([1, 2, 3], { pooling: 'last' }), here);
  });
});

/* ---- where the files come from ---------------------------------------------------------------- */

const idsOnly = 'this model has no tokenizer: it takes token ids only';

test('a folder, a base URL, a map, files with names and parts without are the same model', async () => {
  const files = filesOf(tinyLlama());
  const ids = [1, 2, 3, 4];
  const expected = await withModel(files, { backend: 'wasm' }, (m) => m.logits(ids));
  const same = async (source, options = {}) => {
    assert.deepEqual(await withModel(source, { backend: 'wasm', ...options }, (m) => m.logits(ids)), expected);
  };
  await withFolder({ ...files, 'README.md': 'not read', 'pytorch_model.bin': 'not read' }, async (folder) => {
    await same(folder);
    await same(new URL(`file://${folder}/`));
  });
  const routes = Object.fromEntries(Object.entries(files).map(([name, bytes]) => [`/m/${name}`, sendBytes(bytes)]));
  const server = await startStatic({ routes });
  try {
    await same(`${server.url}/m/`);
    await same(`${server.url}/m`);
    await same(new URL(`${server.url}/m/`));
    await same(`${server.url}/m/`, { worker: true });
    await rejectsWith(load(`${server.url}/none/`), 'SOURCE', `${server.url}/none/ has no config.json: it is no Hugging Face model`);
  } finally {
    await server.close();
  }
  await same(Object.entries(files).map(([name, bytes]) => new File([bytes], name)));
  await same(Object.values(files)); // told apart by their content
  await same(Object.values(files).reverse());
});

test('the command line runs a folder and quantises it', async () => {
  const cli = join(root, 'dist', 'cli', 'main.js');
  await withFolder(filesOf(tinyLlama({ width: 64, ff: 64, heads: 4 }), { 'generation_config.json': json({ bos_token_id: 1, eos_token_id: 2 }) }), async (folder) => {
    const args = ['run', folder, '-n', '3', '-t', '0', '--format', 'json', '--quantize', 'q8_0'];
    const result = JSON.parse(execFileSync(process.execPath, [cli, ...args], { input: '', encoding: 'utf8' }));
    assert.equal(result.prompt_tokens, 1); // the BOS of generation_config.json
    assert.ok(result.tokens_generated > 0 && result.text === '');
    const failed = spawnSync(process.execPath, [cli, 'run', folder, 'a text'], { encoding: 'utf8' });
    assert.equal(failed.stderr, `error: ${idsOnly}\n`);
    assert.equal(failed.status, 1);
  });
});

/* ---- metadata and tokens ----------------------------------------------------------------------- */

test('metadata have the keys of GGUF files', async () => {
  const model = tinyLlama();
  const template = '{{ "a\u00e9" }}';
  const files = filesOf({ ...model, config: { ...model.config, eos_token_id: 7, _name_or_path: 'some/name' } }, {
    'generation_config.json': json({ bos_token_id: 1, eos_token_id: [2, 5] }),
    'tokenizer_config.json': json({ tokenizer_class: 'X', add_bos_token: false, chat_template: template }),
  });
  await withModel(files, {}, async ({ info }) => {
    const { metadata } = info;
    assert.equal(metadata['general.architecture'], 'llama');
    assert.equal(info.name, 'some/name');
    assert.equal(metadata['llama.block_count'], 1);
    assert.equal(metadata['llama.embedding_length'], 8);
    assert.equal(metadata['tokenizer.chat_template'], template);
    assert.equal(metadata['tokenizer.ggml.bos_token_id'], 1);
    assert.equal(metadata['tokenizer.ggml.eos_token_id'], 2);
    assert.equal(metadata['tokenizer.ggml.eot_token_id'], 5);
    assert.equal(metadata['tokenizer.ggml.add_bos_token'], false);
    assert.deepEqual([info.bosToken, info.eosToken, info.vocabSize, info.contextLength], [1, 2, 12, 32]);
  });
  const jinja = new TextEncoder().encode('{%- set x = "y" %}');
  await withModel({ ...files, 'chat_template.jinja': jinja }, {}, async ({ info }) => {
    assert.equal(info.metadata['tokenizer.chat_template'], '{%- set x = "y" %}');
  });
  const named = json({ tokenizer_class: 'X', chat_template: [{ name: 'tool', template: 'no' }, { name: 'default', template: 'yes' }] });
  await withModel({ ...files, 'tokenizer_config.json': named }, {}, async ({ info }) => {
    assert.equal(info.metadata['tokenizer.chat_template'], 'yes');
  });
});

test('without a tokenizer ids go in and come out, and end tokens end', async () => {
  const files = filesOf(tinyLlama());
  for (const backend of backends) {
    await withModel(files, { backend }, async (model) => {
      const { tokens, text } = await model.generate([1, 2], { maxTokens: 4, temperature: 0 });
      assert.equal(tokens.length, 4);
      assert.equal(text, '');
      await rejectsWith(model.tokenize('a'), 'UNSUPPORTED', idsOnly);
      const ended = { ...files, 'generation_config.json': json({ eos_token_id: [tokens[2]] }) };
      await withModel(ended, { backend }, async (other) => {
        const result = await other.generate([1, 2], { maxTokens: 4, temperature: 0 });
        assert.deepEqual(result.tokens, tokens.slice(0, tokens.indexOf(tokens[2])));
        assert.equal(result.finishReason, 'stop');
      });
    });
  }
});

test('vocabOnly reads no weights', async () => {
  const { 'model.safetensors': _, ...files } = filesOf(tinyLlama());
  await withModel(files, { vocabOnly: true }, async ({ info }) => {
    assert.equal(info.vocabOnly, true);
    assert.equal(info.vocabSize, 12);
    assert.equal(info.architecture, 'llama');
  });
});

/* ---- quantised while loading ------------------------------------------------------------------- */

function cosine(a, b) {
  let ab = 0, aa = 0, bb = 0;
  for (let i = 0; i < a.length; i++) ab += a[i] * b[i], aa += a[i] * a[i], bb += b[i] * b[i];
  return ab / Math.sqrt(aa * bb);
}

for (const backend of backends) {
  test(`weights are quantised while they load (${backend})`, async () => {
    const files = filesOf(tinyLlama({ width: 256, ff: 512, vocab: 64, layers: 2, heads: 4 }));
    const ids = [3, 1, 4, 1, 5, 9, 2, 6];
    const full = await withModel(files, { backend }, async (m) => ({ logits: await m.logits(ids), bytes: m.info.weightBytes }));
    for (const [type, least, share] of [['q8_0', 0.999, 0.28], ['q6_k', 0.998, 0.23], ['q5_k', 0.994, 0.2], ['q4_k', 0.98, 0.17], ['q4_0', 0.97, 0.17]]) {
      await withModel(files, { backend, quantize: type }, async (model) => {
        const likeness = cosine(await model.logits(ids), full.logits);
        assert.ok(likeness > least, `${type}: ${likeness}`);
        assert.equal(model.info.type, type.toUpperCase());
        assert.ok(model.info.weightBytes < share * full.bytes, `${type}: ${model.info.weightBytes / full.bytes}`);
      });
    }
    await rejectsWith(load(files, { backend, quantize: 'q2_k' }), 'ARGUMENT',
      'quantize must be one of q4_0, q4_1, q5_0, q5_1, q8_0, q4_k, q5_k, q6_k, not q2_k');
  });

  test(`widths that have no blocks stay floats or take smaller blocks (${backend})`, async () => {
    const odd = filesOf(tinyLlama());
    const floats = await withModel(odd, { backend }, (m) => m.logits([1, 2, 3]));
    await withModel(odd, { backend, quantize: 'q4_k' }, async (m) => assert.deepEqual(await m.logits([1, 2, 3]), floats));
    const narrow = filesOf(tinyLlama({ width: 64, ff: 96, heads: 4 }));
    const bytes = async (quantize) => withModel(narrow, { backend, quantize }, (m) => m.info.weightBytes);
    const [q4k, q8, f32] = [await bytes('q4_k'), await bytes('q8_0'), await bytes()];
    assert.ok(q4k < q8 && q8 < 0.4 * f32, `${q4k} ${q8} ${f32}`);
  });

  test(`transposed matrices are quantised too (${backend})`, async () => {
    const width = 64;
    const names = { 'wte.weight': [32, width], 'wpe.weight': [16, width], 'ln_f.weight': [width], 'ln_f.bias': [width],
      'h.0.ln_1.weight': [width], 'h.0.ln_1.bias': [width], 'h.0.ln_2.weight': [width], 'h.0.ln_2.bias': [width],
      'h.0.attn.c_attn.weight': [width, 3 * width], 'h.0.attn.c_attn.bias': [3 * width], 'h.0.attn.c_proj.weight': [width, width],
      'h.0.attn.c_proj.bias': [width], 'h.0.mlp.c_fc.weight': [width, 4 * width], 'h.0.mlp.c_fc.bias': [4 * width],
      'h.0.mlp.c_proj.weight': [4 * width, width], 'h.0.mlp.c_proj.bias': [width] };
    const tensors = Object.fromEntries(Object.entries(names).map(([name, shape], i) => [name,
      { shape, data: numbers(shape.reduce((a, b) => a * b), i + 1, 0.2) }]));
    const config = { model_type: 'gpt2', n_layer: 1, n_head: 2, n_embd: width, n_ctx: 16, vocab_size: 32 };
    const files = filesOf({ config, tensors });
    const full = await withModel(files, { backend }, (m) => m.logits([1, 2, 3]));
    await withModel(files, { backend, quantize: 'q8_0' }, async (model) => {
      const likeness = cosine(await model.logits([1, 2, 3]), full);
      assert.ok(likeness > 0.999, `${likeness}`);
    });
  });
}

/* ---- what is refused --------------------------------------------------------------------------- */

/** The same model with something changed. */
function changed(change) {
  const model = structuredClone(tinyLlama());
  change(model);
  return filesOf(model);
}

test('tensors that are missing, unknown or of another shape are named with both shapes', async () => {
  const q = 'model.layers.0.self_attn.q_proj.weight';
  const refused = (change, message, code = 'SHAPE') => rejectsWith(load(changed(change)), code, message);
  await refused(({ tensors }) => delete tensors[q], `tensor '${q}' is missing`);
  await refused(({ tensors }) => delete tensors['lm_head.weight'], "tensor 'lm_head.weight' is missing");
  await refused(({ tensors }) => (tensors[q] = { shape: [8, 4], data: new Float32Array(32) }), `tensor '${q}' is [8, 4], the model needs [8, 8]`);
  await refused(({ tensors }) => (tensors['model.norm.weight'] = { shape: [7], data: new Float32Array(7) }),
    "tensor 'model.norm.weight' is [7], the model needs [8]");
  await refused(({ tensors }) => (tensors['model.other.weight'] = { shape: [1], data: new Float32Array(1) }),
    "tensor 'model.other.weight' does not belong to this architecture");
  await refused(({ tensors }) => (tensors['model.layers.1.mlp.up_proj.weight'] = { shape: [1], data: new Float32Array(1) }),
    "tensor 'model.layers.1.mlp.up_proj.weight' does not belong to this architecture");
  await refused(({ tensors }) => (tensors[q].data[5] = NaN), `tensor '${q}' holds NaN or infinity in row 0`, 'VALUE');
  await refused(({ tensors }) => (tensors[q] = { dtype: 'I32', shape: [8, 8], data: new Int32Array(64) }),
    `tensor '${q}' has type I32, which is not supported`, 'UNSUPPORTED');
  await refused(({ tensors }) => (tensors[q] = { dtype: 'F64', shape: [8, 8], data: new Float64Array(64) }),
    `tensor '${q}' has type F64, which is not supported`, 'UNSUPPORTED');
  const model = tinyLlama();
  const twice = { 'config.json': json(model.config), 'a.safetensors': safetensors(model.tensors), 'b.safetensors': safetensors({ [q]: model.tensors[q] }) };
  await rejectsWith(load(twice), 'FORMAT', `tensor '${q}' is there twice`);
});

test('configurations that are not computed are refused by name', async () => {
  const refused = (config, message, code = 'UNSUPPORTED') => rejectsWith(load(changed((m) => Object.assign(m.config, config))), code, message);
  await refused({ model_type: 'mamba' }, "config.json: model_type 'mamba' is not supported");
  await refused({ hidden_size: undefined }, "config.json: 'hidden_size' is missing", 'FORMAT');
  await refused({ hidden_size: -8 }, "config.json: 'hidden_size' has no usable value", 'FORMAT');
  await refused({ hidden_size: '8' }, "config.json: 'hidden_size' has no usable value", 'FORMAT');
  await refused({ num_key_value_heads: 3 }, "config.json: 'num_key_value_heads' has no usable value", 'FORMAT');
  await refused({ hidden_act: 'quick_gelu' }, "config.json: activation 'quick_gelu' is not supported");
  await refused({ rope_scaling: { rope_type: 'mrope', factor: 2 } }, "config.json: RoPE scaling 'mrope' is not supported");
  await refused({ quantization_config: { quant_method: 'gptq' } },
    "config.json: weights quantised by 'gptq' are not supported: take the original model or a GGUF file");
  await refused({ attention_bias: true }, "tensor 'model.layers.0.self_attn.q_proj.bias' is missing", 'SHAPE');
});

test('safetensors files with gaps, overlaps and wrong headers are refused', async () => {
  const { config } = tinyLlama();
  const refused = async (bytes, code, message) => rejectsWith(load({ 'config.json': json(config), 'model.safetensors': bytes }), code, message);
  const entry = (from, to, shape) => ({ dtype: 'F32', shape, data_offsets: [from, to] });
  await refused(safetensorsOf(JSON.stringify({ a: entry(0, 4, [1]), b: entry(8, 12, [1]) }), Buffer.alloc(12)), 'FORMAT',
    "safetensors: tensor 'b' starts at byte 8 of the data, the one before it ends at 4");
  await refused(safetensorsOf(JSON.stringify({ a: entry(0, 8, [2]), b: entry(4, 8, [1]) }), Buffer.alloc(8)), 'FORMAT',
    "safetensors: tensor 'b' starts at byte 4 of the data, the one before it ends at 8");
  await refused(safetensorsOf(JSON.stringify({ a: entry(0, 8, [3]) }), Buffer.alloc(8)), 'FORMAT',
    "safetensors: tensor 'a' needs 12 bytes, its offsets give 8");
  await refused(safetensorsOf('{"a": nonsense}'), 'FORMAT', 'safetensors: the header is not valid JSON at byte 14');
  const cut = safetensors(tinyLlama().tensors).subarray(0, 2000);
  await assert.rejects(load({ 'config.json': json(config), 'model.safetensors': cut }), { code: 'TRUNCATED' });
});

test('folders and maps that lack files are refused in words', async () => {
  const files = filesOf(tinyLlama());
  await rejectsWith(load({ 'model.safetensors': files['model.safetensors'] }), 'SOURCE', 'the map of files has no config.json: it is no Hugging Face model');
  await rejectsWith(load({ 'config.json': files['config.json'] }), 'SOURCE',
    'the map of files has a config.json but no model.safetensors or model.safetensors.index.json');
  await rejectsWith(load(files['model.safetensors']), 'FORMAT', 'there is no config.json: safetensors files do not say what model they are');
  await rejectsWith(load({ ...files, 'config.json': json({ model: 1 }) }), 'FORMAT',
    'file 1 is JSON, but none of the files that a model consists of (config.json, tokenizer.json ...)');
  await rejectsWith(load({ ...files, 'config.json': new TextEncoder().encode('{"a": 1,}') }), 'FORMAT', 'file 1 is not valid JSON at byte 8');
  await withFolder({ 'config.json': files['config.json'] }, (folder) => rejectsWith(load(folder), 'SOURCE',
    `${folder} has a config.json but no model.safetensors or model.safetensors.index.json`));
});
