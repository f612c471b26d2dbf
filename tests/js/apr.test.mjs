// .apr files of every layout: predictors, language models, look-alikes, damage.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseAprV1, writeKMeans, writeLinear, writeLogistic } from '../../dist/formats/apr-v1.js';
import { aprMetadata, aprTensor, aprV2Bytes } from '../../dist/formats/apr-write.js';
import { crc32 } from '../../dist/formats/bytes.js';
import { parseGguf } from '../../dist/formats/gguf.js';
import { hfTypes } from '../../dist/formats/hf-config.js';
import { neighbours } from '../../dist/formats/hf-names.js';
import { load, RealizarError } from '../../dist/index-node.js';
import { sampleSha256, trainSample } from '../../tools/train-sample.mjs';
import { apr1, collect, compressV1, f32, lz4Literals, resealV2, sealed, u32, zstdRaw } from './apr-files.mjs';
import { tinyModel } from '../conformance/architectures.mjs';
import { huggingFace } from '../conformance/huggingface.mjs';
import { readSafetensors } from './hf.mjs';
import { fixture, root, sameBits, shippedModel } from './support.mjs';
import { withModel as withLoaded } from './with-model.mjs';

const modes = [
  { name: 'native', options: { backend: 'native' } },
  { name: 'wasm', options: { backend: 'wasm' } },
  { name: 'wasm in a worker', options: { backend: 'wasm', worker: true } },
];

const withModel = (source, options, use) => withLoaded(source, { threads: 1, ...options }, use);

function predict(source, features, options) {
  return withModel(source, options, async (model) => Array.from(await model.predict(features)));
}

function refused(source, code, message) {
  return assert.rejects(load(source), (error) => {
    assert.ok(error instanceof RealizarError, `${error.name}: ${error.message}`);
    assert.equal(`${error.code}: ${error.message}`, `${code}: ${message}`);
    return true;
  });
}

function v2(metadata, tensors) {
  const list = tensors.map(({ name, shape, dtype = 0, bytes }) => ({
    name, shape, dtype, bytes: bytes.length, read: async function* () { yield bytes; },
  }));
  return collect(aprV2Bytes(metadata, list));
}

const linear = [
  { name: 'weight', shape: [2, 3], bytes: f32(1, 2, 3, -1, 0.5, 4) },
  { name: 'bias', shape: [2], bytes: f32(0.5, -0.5) },
];
const linearOut = [1 * 1 + 2 * 2 + 3 * 3 + 0.5, -1 + 1 + 12 - 0.5];

for (const { name, options } of modes) {
  describe(`a predictor (${name})`, () => {
    test('predicts with the sample, as often as it is asked', () => withModel(trainSample(), options, async (model) => {
      assert.deepEqual(model.info.predictor, { kind: 'LogisticRegression', inputs: 784, outputs: 1, exact: true });
      assert.equal(model.info.architecture, 'LogisticRegression');
      assert.equal(model.info.parameters, 785);
      assert.equal(model.info.fileBytes, 3248);
      assert.equal(model.info.metadata.aprender_version, '0.11.0');
      const cases = [[0, 0.502792716], [0.5, 0.900174558], [NaN, 0.897106]];
      for (const [value, expected] of cases) {
        const x = Float32Array.from({ length: 784 }, (_, j) => (Number.isNaN(value) ? (j % 256) / 255 : value));
        const [typed] = await model.predict(x);
        const [listed] = await model.predict(Array.from(x));
        assert.ok(Math.abs(typed - expected) < 1e-6, `${typed}`);
        assert.equal(typed, listed);
      }
    }));

    test('refuses what it cannot do in a sentence', () => withModel(trainSample(), options, async (model) => {
      const message = (m) => ({ name: 'RealizarError', message: m });
      await assert.rejects(model.predict([1]), message('this model takes 784 features, not 1'));
      await assert.rejects(model.generate('x'), message('this model is a LogisticRegression: it has no text, only predict()'));
      await assert.rejects(model.tokenize('x'), message('this model is a LogisticRegression: it has no text, only predict()'));
      await model.close();
      await assert.rejects(model.predict(new Float32Array(784)), message('the model was closed'));
    }));

    test('is also made of tensors', async () => {
      assert.deepEqual(await predict(await v2({}, linear), [1, 2, 3], options), linearOut);
      assert.deepEqual(await predict(apr1({}, linear), [1, 2, 3], options), linearOut);
      const mlp = [
        { name: 'fc10.weight', shape: [1, 3], bytes: f32(1, 2, -1) },
        { name: 'fc2.weight', shape: [3, 2], bytes: f32(1, -1, 2, 0.5, -1, 3) },
        { name: 'fc2.bias', shape: [3], bytes: f32(0, -1, 0.5) },
      ];
      assert.deepEqual(await predict(await v2({}, mlp), [1, 2], options), [4 - 5.5]);
      const [sigmoid] = await predict(await v2({ model_type: 'LogisticRegression' }, [{ name: 'weight', shape: [2], bytes: f32(1, 1) }]), [1, -1], options);
      assert.equal(sigmoid, 0.5);
    });

    test('a language model does not predict', () => withModel(shippedModel, options, async (model) => {
      await assert.rejects(model.predict([1]), { message: 'this model writes text: predict() is for models of .apr files that predict' });
    }));
  });
}

describe('the published sample', () => {
  test('comes out of its formula byte for byte', () => {
    const file = trainSample();
    assert.equal(createHash('sha256').update(file).digest('hex'), sampleSha256);
    assert.deepEqual(Buffer.from(file), readFileSync(join(root, 'models', 'mnist_784x2.apr')));
    const published = fixture('apr/mnist_784x2.apr', 'comparison with the published sample');
    if (published) assert.deepEqual(Buffer.from(file), readFileSync(published));
  });

  test('a model of another type is refused by name', async () => {
    const path = fixture('apr/aprender-shell-base.apr', 'an NgramLM in zstd');
    if (!path) return;
    await refused(path, 'UNSUPPORTED', '.apr: a model of type NgramLM (10) cannot predict here; linear and logistic regressions, decision trees, random forests and KMeans can');
    const header = parseAprV1(readFileSync(path));
    assert.equal(header.typeName, 'NgramLM');
    assert.equal(header.compression, 'zstd');
    assert.equal(header.metadata.model_name, 'aprender-shell');
  });
});

describe('version 1', () => {
  test('what the writer writes predicts', async () => {
    const meta = { created_at: '0', aprender_version: '0.11.0' };
    assert.deepEqual(await predict(writeLinear({ coefficients: [1.5, -2], intercept: 0.25 }, meta), [2, 3]), [-2.75]);
    const logistic = { coefficients: [1, 1], intercept: 0, learningRate: 0.1, maxIterations: 5, tolerance: 0 };
    assert.deepEqual(await predict(writeLogistic(logistic, meta), [3, -3]), [0.5]);
    const kmeans = writeKMeans({ centroids: [0, 0, 5, 5], clusters: 2, seed: 1 }, meta);
    assert.deepEqual(await predict(kmeans, [4, 3]), [1]);
    assert.deepEqual(await predict(kmeans, [1, 0]), [0]);
  });

  test('payloads compressed with zstd and lz4 are the same model', async () => {
    const sample = Buffer.from(trainSample());
    const x = new Float32Array(784).fill(0.5);
    for (const method of [1, 2, 3]) {
      const packed = compressV1(sample, method);
      assert.deepEqual(await predict(packed, x), await predict(sample, x));
      packed[500] ^= 1;
      await assert.rejects(load(packed), { code: 'FORMAT', message: /^\.apr: the checksum is [0-9a-f]+ but the bytes give [0-9a-f]+: the file is damaged$/ });
      const lying = compressV1(sample, method).subarray(0, -4);
      lying.writeUInt32LE(3000, 16);
      await assert.rejects(load(sealed(lying)), { code: 'FORMAT', message: /^\.apr: the (zstd|lz4) part is damaged: / });
    }
  });

  test('realizar 0.3 wrote other files under the same magic', async () => {
    const file = Buffer.alloc(60);
    file.write('APRN');
    file.writeUInt32LE(20, 10);
    file.writeUInt32LE(8, 14);
    await refused(file, 'UNSUPPORTED', '.apr: this file has the layout of realizar 0.3, which only that version read');
  });
});

describe('version 2 and APR1', () => {
  test('weights of every type, told apart by their size', async () => {
    const half = (...bits) => Buffer.from(Uint16Array.from(bits).buffer);
    const x = Array.from({ length: 32 }, (_, i) => (i === 5 ? 1 : i === 20 ? 10 : 0));
    const codes = Buffer.from(Array.from({ length: 16 }, (_, i) => ((2 * i) & 7) + 8 | (((2 * i + 1) & 7) + 8) << 4));
    const ggmlQ4 = Buffer.alloc(16, 0x88);
    ggmlQ4[5] = 0x8d; // element 5 is 5
    ggmlQ4[4] = 0xb8; // element 20 is 3
    const q8 = Buffer.alloc(32);
    q8[5] = 7;
    q8[20] = 256 - 2;
    const cases = [
      [1, half(...Array.from({ length: 32 }, (_, i) => (i === 5 ? 0x4000 : i === 20 ? 0x3800 : 0))), 2 + 5, 'F16'],
      [2, half(...Array.from({ length: 32 }, (_, i) => (i === 5 ? 0x4040 : 0))), 3, 'BF16 under 2'],
      [30, half(...Array.from({ length: 32 }, (_, i) => (i === 5 ? 0x4040 : 0))), 3, 'BF16'],
      [3, Buffer.from(Float64Array.from({ length: 32 }, (_, i) => (i === 5 ? 1.5 : 0)).buffer), 1.5, 'F64'],
      [2, Buffer.concat([half(0x3c00), ggmlQ4]), 5 + 30, 'Q4_0'],
      [8, Buffer.concat([half(0x3c00), codes]), 5 + 40, 'AprQ4 under 8'],
      [128, Buffer.concat([half(0x3c00), codes]), 5 + 40, 'AprQ4'],
      [8, Buffer.concat([half(0x3c00), q8]), 7 - 20, 'Q8_0'],
      [9, Buffer.concat([f32(0.5), q8]), 3.5 - 10, 'AprQ8 under 9'],
      [129, Buffer.concat([f32(0.5), q8]), 3.5 - 10, 'AprQ8'],
    ];
    for (const [dtype, bytes, expected, what] of cases) {
      const file = await v2({}, [{ name: 'weight', shape: [1, 32], dtype, bytes }]);
      assert.deepEqual(await predict(file, x), [expected], what);
    }
    await refused(await v2({}, [{ name: 'weight', shape: [1, 32], dtype: 4, bytes: Buffer.alloc(128) }]), 'UNSUPPORTED',
      "tensor 'weight' has weight type I32, which is not supported there");
    await refused(await v2({}, [{ name: 'weight', shape: [1, 32], dtype: 8, bytes: Buffer.alloc(40) }]), 'FORMAT',
      ".apr: tensor 'weight' has 40 bytes, but 32 x 1 weights of type Q8_0 or AprQ4 have 34");
  });

  test('wrappers around APR1 are told from version 2', async () => {
    const plain = apr1({}, linear);
    for (const magic of ['APR2', 'APR\0']) {
      for (const [kind, body] of [[0, plain], [1, lz4Literals(plain)], [2, zstdRaw(plain)]]) {
        const file = Buffer.concat([Buffer.from(magic), Buffer.from([kind]), u32(plain.length), body]);
        assert.deepEqual(await predict(file, [1, 2, 3]), linearOut, `${magic} ${kind}`);
      }
    }
    const second = await v2({}, linear);
    second.write('APR2');
    assert.deepEqual(await predict(resealV2(second), [1, 2, 3]), linearOut);
  });

  test('compressed bodies', async () => {
    const plain = await v2({ a: 1 }, linear);
    for (const [flag, pack] of [[1, lz4Literals], [2, zstdRaw]]) {
      const head = Buffer.from(plain.subarray(0, 64));
      head.writeUInt16LE(0x400 | flag, 6);
      head.writeUInt32LE(crc32(Buffer.concat([head.subarray(0, 40), head.subarray(44)])), 40);
      const whole = Buffer.concat([head, plain.subarray(64, -4)]);
      const body = Buffer.concat([whole.subarray(64), u32(crc32(whole))]);
      assert.deepEqual(await predict(Buffer.concat([head, pack(body)]), [1, 2, 3]), linearOut, `flag ${flag}`);
    }
  });

  test('tolerated: no checksum in the header or at the end, an index in JSON', async () => {
    const file = await v2({}, linear);
    assert.deepEqual(await predict(file.subarray(0, -4), [1, 2, 3]), linearOut);
    const unchecked = Buffer.from(file.subarray(0, -4));
    unchecked.writeUInt32LE(0, 40);
    assert.deepEqual(await predict(sealed(unchecked), [1, 2, 3]), linearOut);
    const index = Buffer.from(JSON.stringify([{ name: 'weight', dtype: 'F32', shape: [4], offset: 0, size: 16 }]));
    const head = Buffer.alloc(64);
    head.write('APR\0\x02\0');
    head.writeUInt32LE(1, 8);
    head.writeBigUInt64LE(64n, 12);
    head.writeUInt32LE(2, 20);
    head.writeBigUInt64LE(66n, 24);
    head.writeBigUInt64LE(BigInt(66 + index.length), 32);
    assert.deepEqual(await predict(Buffer.concat([head, Buffer.from('{}'), index, f32(1, 1, 1, 1)]), [1, 2, 3, 4]), [10]);
  });

  test('every changed bit is noticed', async () => {
    const file = await v2({ model_type: 'linear' }, linear);
    for (let i = 0; i < file.length * 8; i++) {
      const changed = Buffer.from(file);
      changed[i >> 3] ^= 1 << (i & 7);
      await assert.rejects(load(changed), RealizarError, `bit ${i}`);
    }
    for (let n = 0; n < file.length; n += 3) {
      if (n === file.length - 4) continue;
      await assert.rejects(load(file.subarray(0, n)), RealizarError, `${n} bytes`);
    }
  });

  test('refusals name what is wrong', async () => {
    const change = async (edit, code, message) => {
      const file = await v2({}, linear);
      edit(file);
      await refused(resealV2(file), code, message);
    };
    await change((f) => f.writeUInt16LE(0x404, 6), 'UNSUPPORTED', '.apr: the file is encrypted');
    await change((f) => f.writeUInt16LE(0x800, 6), 'UNSUPPORTED', '.apr: the tensors are stored by columns, which the format forbids');
    await change((f) => f.writeUInt16LE(0x410, 6), 'UNSUPPORTED', '.apr: this is one shard of a model; only whole files are read');
    await change((f) => (f[4] = 3), 'UNSUPPORTED', '.apr: version 3 of this layout is not supported, only 2');
    await change((f) => f.writeUInt32LE(17 << 20, 20), 'FORMAT', '.apr: the metadata claim 17825792 bytes, at most 16777216 are possible');
    await change((f) => f.writeBigUInt64LE(1n << 40n, 32), 'FORMAT', '.apr: the offsets in the header do not follow each other');
    await change((f) => f.write('zias', 130), 'FORMAT', '.apr: the tensor index is not sorted by name');
    const damaged = await v2({}, linear);
    damaged[20] ^= 1;
    await refused(damaged, 'FORMAT', '.apr: the checksum of the header is wrong: the file is damaged');
    await refused(Buffer.from('APRT'.padEnd(80)), 'UNSUPPORTED', '.apr: this file has the transformer layout of realizar 0.3 (APRT), which only that version read');
    await refused(Buffer.from('APRX'.padEnd(80)), 'UNSUPPORTED', '.apr: a file that starts with "APRX" is of no known layout');
    await refused(Buffer.from('APR2'.padEnd(80, '9')), 'UNSUPPORTED', '.apr: the file starts like a container of version 2, but its header is none');
    await refused(Buffer.from('APR'), 'UNSUPPORTED', '.apr: a file that starts with "APR " is of no known layout');
    await refused(await v2({}, [{ name: 'gamma', shape: [1], bytes: f32(1) }]), 'UNSUPPORTED',
      ".apr: tensor 'gamma' belongs to no known kind of model: language models and networks of weight and bias are");
    await refused(await v2({}, [linear[1]]), 'SHAPE', ".apr: tensor 'bias' has no weight beside it");
    await refused(await v2({ activation: 'swish' }, linear), 'UNSUPPORTED', ".apr: the activation 'swish' is not supported; linear, relu, sigmoid, tanh are");
    await refused(await v2({}, []), 'UNSUPPORTED', '.apr: the file holds no tensors');
    await refused(await v2({}, [{ name: 'weight', shape: [1, 2], bytes: f32(1, NaN) }]), 'VALUE', 'the weights of layer 0 hold NaN or infinity');
  });

  test('whatever bytes come, nothing but a typed refusal', async () => {
    const seeds = [await v2({ a: [1, 'x'] }, linear), apr1({ a: 1 }, linear), Buffer.from(trainSample()).subarray(0, 400),
      Buffer.concat([Buffer.from('APR2\x01'), u32(apr1({}, linear).length), lz4Literals(apr1({}, linear))])];
    await fc.assert(fc.asyncProperty(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(500), fc.nat(255)), { minLength: 1, maxLength: 6 }), fc.nat(400), fc.boolean(),
      async (seed, changes, cut, reseal) => {
        let file = Buffer.from(cut > 300 ? seed : seed.subarray(0, cut));
        for (const [at, value] of changes) if (at < file.length) file[at] = value;
        if (reseal && file.length > 68) file = resealV2(file);
        await load(file).then((m) => m.close(), (error) => assert.ok(error instanceof RealizarError, `${error.stack}`));
      }), { numRuns: 1500, seed: 7 });
  });
});

describe('language models in version 2', () => {
  /** The model of a GGUF file as an .apr file; `edit` may change metadata and tensors first. */
  function converted(path, edit = () => {}) {
    const bytes = readFileSync(path);
    const model = parseGguf(bytes);
    const metadata = aprMetadata(model);
    const tensors = model.tensors.map((t) => aprTensor(t, async function* () { yield bytes.subarray(t.offset, t.offset + t.bytes); }));
    edit(metadata, tensors);
    return collect(aprV2Bytes(metadata, tensors));
  }

  const ids = [1, 5, 9, 33, 2, 7];
  const logits = (source, options = {}) => withModel(source, options, (model) => model.logits(ids));

  test('compute the same bits as the GGUF file they were made of', async () => {
    const file = await converted(shippedModel);
    for (const { options } of modes) {
      assert.ok(sameBits(await logits(file, options), await logits(shippedModel, options)));
    }
    await withModel(file, {}, async (model) => {
      assert.equal(model.info.architecture, 'llama');
      assert.equal(await model.detokenize(await model.tokenize('Once upon a time')), 'Once upon a time');
    });
  });

  test('arrive in pieces of any size, and a wrong checksum at the end is noticed', async () => {
    const file = await converted(shippedModel);
    const stream = (bytes, step) => new ReadableStream({
      start(controller) {
        for (let at = 0; at < bytes.length; at += step) controller.enqueue(new Uint8Array(bytes.subarray(at, at + step)));
        controller.close();
      },
    });
    assert.ok(sameBits(await logits(stream(file, 1009)), await logits(shippedModel)));
    const sized = (bytes) => new Response(stream(bytes, 70001), { headers: { 'content-length': String(bytes.length) } });
    assert.ok(sameBits(await logits(sized(file)), await logits(shippedModel)));
    const damaged = Buffer.from(file);
    damaged[damaged.length - 5000] ^= 1;
    await assert.rejects(load(sized(damaged)), { code: 'FORMAT', message: /the file is damaged$/ });
    await assert.rejects(load(sized(file.subarray(0, -1000))), { code: 'TRUNCATED' });
  });

  test("names and row order of Hugging Face's files, aliases of keys", async () => {
    const path = fixture('gguf-models/stories260K.gguf', "Hugging Face's names in .apr files");
    if (!path) return;
    const names = { attn_norm: 'input_layernorm', attn_q: 'self_attn.q_proj', attn_k: 'self_attn.k_proj', attn_v: 'self_attn.v_proj',
      attn_output: 'self_attn.o_proj', ffn_norm: 'post_attention_layernorm', ffn_gate: 'mlp.gate_proj', ffn_up: 'mlp.up_proj', ffn_down: 'mlp.down_proj' };
    const plain = { 'token_embd.weight': 'model.embed_tokens.weight', 'output_norm.weight': 'model.norm.weight', 'output.weight': 'lm_head.weight' };
    const file = await converted(path, (metadata, tensors) => {
      delete metadata.gguf;
      metadata.n_embd = metadata.hidden_size;
      delete metadata.hidden_size;
      metadata.rope_type = 2;
      for (const t of tensors) {
        const [, layer, part] = /^blk\.(\d+)\.(\w+)\.weight$/.exec(t.name) ?? [];
        const rows = part === 'attn_q' ? 8 : part === 'attn_k' ? 4 : 0;
        t.name = layer ? `model.layers.${layer}.${names[part]}.weight` : plain[t.name];
        if (rows) {
          const { read } = t;
          t.read = async function* () { for await (const piece of read()) yield unpermute(piece, t.shape[0], rows); };
        }
      }
    });
    /* the inverse of what the reader does */
    function unpermute(piece, n, heads) {
      const from = neighbours(n, heads);
      const rowBytes = piece.length / n;
      const out = new Uint8Array(piece.length);
      for (let to = 0; to < n; to++) out.set(piece.subarray(to * rowBytes, (to + 1) * rowBytes), from(to) * rowBytes);
      return out;
    }
    assert.ok(sameBits(await logits(file), await logits(path)));
  });

  test("Llama 3's RoPE scaling under Hugging Face's names", async () => {
    const gguf = new Uint8Array(tinyModel('llama-3'));
    const files = huggingFace('llama-3', gguf);
    const tensors = Object.entries(readSafetensors(files['model.safetensors'])).map(([name, { shape, data }]) => ({ name, shape, bytes: Buffer.from(data.buffer) }));
    const file = apr1(JSON.parse(Buffer.from(files['config.json'])), tensors);
    assert.ok(sameBits(await logits(file), await logits(gguf)));
  });

  test('a tensor that is missing, or of no use, is named', async () => {
    await assert.rejects(load(await converted(shippedModel, (_, tensors) => tensors.splice(tensors.findIndex((t) => t.name === 'blk.0.attn_v.weight'), 1))),
      { code: 'SHAPE', message: "tensor 'blk.0.attn_v.weight' is missing" });
    await refused(await converted(shippedModel, (metadata) => {
      delete metadata.gguf;
      metadata.architecture = 'rwkv';
    }), 'UNSUPPORTED', `models of type 'rwkv' cannot be translated to GGUF; ${hfTypes.join(', ')} can`);
  });
});

describe('llama2.c', () => {
  const tokenizer = fixture('llama2c/tok512.bin', 'files of llama2.c');
  const text = 'Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball. She wanted to play with it, but it was too high.';

  for (const name of tokenizer ? ['stories260K.bin', 'stories260K_ak42_v1.bin'] : []) {
    test(`${name} tells the recorded story`, async () => {
      const path = fixture(`llama2c/${name}`, name);
      for (const { options } of modes) {
        await withModel([path, tokenizer], options, async (model) => {
          const { text: rest } = await model.generate('Once upon a time', { temperature: 0, maxTokens: 100 });
          assert.ok(`Once upon a time${rest}`.startsWith(text), rest);
        });
      }
      await withModel(path, {}, async (model) => {
        assert.equal(model.info.vocabSize, 512);
        await assert.rejects(model.tokenize('x'), { message: 'this model has no tokenizer: it takes token ids only' });
        assert.equal((await model.logits([1, 2])).length, 1024);
      });
      const gguf = fixture('gguf-models/stories260K.gguf', 'the same weights as GGUF');
      const numbers = (source) => withModel(source, {}, (model) => model.logits([1, 40, 30, 77]));
      if (gguf) assert.ok(sameBits(await numbers(path), await numbers(gguf)));
    });
  }

  test('a file of another length, version or tokenizer is refused', async () => {
    if (!tokenizer) return;
    const legacy = readFileSync(fixture('llama2c/stories260K.bin', ''));
    await refused(legacy.subarray(0, -4), 'FORMAT', 'not a GGUF file: it starts with bytes 40 0 0 0');
    const v1 = readFileSync(fixture('llama2c/stories260K_ak42_v1.bin', ''));
    await refused(v1.subarray(0, -4), 'TRUNCATED', "the file ends at byte 1040380, inside tensor 'blk.4.ffn_up.weight'");
    const later = Buffer.from(v1);
    later.writeInt32LE(2, 4);
    await refused(later, 'UNSUPPORTED', 'llama2.c: files of version 2 are not supported, only legacy ones and version 1');
    await assert.rejects(load([v1, readFileSync(tokenizer).subarray(0, -1)]), { code: 'TRUNCATED' });
    await assert.rejects(load([v1, Buffer.concat([readFileSync(tokenizer), Buffer.alloc(9)])]), { code: 'FORMAT', message: "the tokenizer has more than the model's 512 tokens" });
  });
});
