// The Model interface in Node.js: every backend and host mode against the recorded results.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { after, describe, test } from 'node:test';
import { load, RealizarError } from '../../dist/index-node.js';
import { fixture, largestDifference, reference, sameBits, shippedModel, shippedModels } from './support.mjs';
import { withModel } from './with-model.mjs';

const modes = [
  { name: 'wasm', options: { backend: 'wasm', threads: 1 } },
  { name: 'wasm, 2 threads', options: { backend: 'wasm', threads: 2 } },
  { name: 'wasm in a worker', options: { backend: 'wasm', threads: 1, worker: true } },
  { name: 'native', options: { backend: 'native', threads: 1 } },
  { name: 'native, 2 threads', options: { backend: 'native', threads: 2 } },
  { name: 'native in a worker', options: { backend: 'native', threads: 1, worker: true } },
];

async function collect(iterable) {
  const pieces = [];
  for await (const piece of iterable) pieces.push(piece);
  return pieces;
}

function rejectsWith(promise, code, message) {
  return assert.rejects(promise, (error) => {
    assert.ok(error instanceof RealizarError, `${error?.name}: ${error?.message}`);
    assert.equal(error.code, code);
    if (message instanceof RegExp) assert.match(error.message, message);
    else assert.equal(error.message, message);
    return true;
  });
}

for (const { name, options } of modes) {
  describe(`a model (${name})`, () => {
    test('says what it is', () => withModel(shippedModel, options, async ({ info }) => {
      assert.equal(info.architecture, 'llama');
      assert.equal(info.backend, options.backend);
      assert.equal(info.threads, options.threads);
      assert.equal(info.vocabOnly, false);
      assert.equal(info.vocabSize, info.metadata['tokenizer.ggml.tokens'].length);
      assert.equal(info.contextLength, info.metadata['llama.context_length']);
      assert.equal(info.contextSize, info.contextLength);
      assert.equal(info.bosToken, 1);
      assert.equal(info.eosToken, 2);
      assert.ok(info.parameters >= 1e6 && info.parameters <= 2e6, `${info.parameters} parameters`);
      assert.ok(info.memoryBytes >= info.weightBytes);
    }));

    test('tokenizes and detokenizes', () => withModel(shippedModel, options, async (model) => {
      for (const text of ['Once upon a time', ' two  spaces ', 'Zoë 🦊 日本', 'a\nb\t\0c', '']) {
        assert.equal(await model.detokenize(await model.tokenize(text)), text);
      }
      const plain = await model.tokenize('<s>', { addSpecial: false });
      assert.deepEqual(await model.tokenize('<s>', { addSpecial: false, parseSpecial: true }), [1]);
      assert.notDeepEqual(plain, [1]);
      assert.deepEqual((await model.tokenize('fox')).slice(1), await model.tokenize('fox', { addSpecial: false }));
      assert.equal(await model.detokenize([1, 2]), '');
      assert.equal(await model.detokenize([1, 2], { special: true }), '<s></s>');
    }));

    test('tells a story, streams the same one and repeats it for a seed', () => withModel(shippedModel, options, async (model) => {
      const settings = { maxTokens: 60, seed: 7, temperature: 0.8 };
      const result = await model.generate('Once upon a time', settings);
      assert.equal(result.tokens.length, result.timings.generatedTokens);
      assert.equal(result.timings.seed, 7);
      assert.equal(result.timings.promptTokens, (await model.tokenize('Once upon a time')).length);
      assert.equal((await collect(model.stream('Once upon a time', settings))).join(''), result.text);
      assert.deepEqual((await model.generate('Once upon a time', settings)).tokens, result.tokens);
      const other = await model.generate('Once upon a time', { ...settings, seed: 8 });
      assert.notDeepEqual(other.tokens, result.tokens);
      assert.equal((await collect(model.events('Once upon a time', settings))).map((e) => e.id).join(), result.tokens.join());
    }));

    test('ends at a stop text, at maxTokens and at the end token', () => withModel(shippedModel, options, async (model) => {
      const whole = await model.generate('Once upon a time', { temperature: 0, maxTokens: 40 });
      assert.equal(whole.finishReason, 'length');
      assert.equal(whole.tokens.length, 40);
      const stop = whole.text.slice(20, 26);
      const cut = await model.generate('Once upon a time', { temperature: 0, maxTokens: 40, stop });
      assert.equal(cut.text, whole.text.slice(0, whole.text.indexOf(stop)));
      assert.equal(cut.finishReason, 'stop');
      const story = await model.generate('Once upon a time', { temperature: 0, maxTokens: 400 });
      assert.equal(story.finishReason, 'stop');
      assert.ok(!story.tokens.includes(model.info.eosToken));
    }));

    test('computes generations that overlap', () => withModel(shippedModel, options, async (model) => {
      const settings = { temperature: 0, maxTokens: 30 };
      const prompts = ['Once upon a time', 'There was a robot', 'Mia had a red kite.'];
      const alone = [];
      for (const p of prompts) alone.push((await model.generate(p, settings)).text);
      const together = await Promise.all(prompts.map((p) => model.generate(p, settings)));
      assert.deepEqual(together.map((r) => r.text), alone);
    }));

    test('aborts inside the prompt, between tokens and before the start', () => withModel(shippedModel, options, async (model) => {
      const reason = new Error('enough');
      const controller = new AbortController();
      await assert.rejects(async () => {
        for await (const piece of model.stream('Once upon a time', { maxTokens: 400, ignoreEnd: true, signal: controller.signal })) {
          if (piece) controller.abort(reason);
        }
      }, reason);
      await assert.rejects(model.generate('Hi', { signal: AbortSignal.abort(reason) }), reason);
      const soon = new AbortController();
      const long = model.generate('Once upon a time there was a fox. '.repeat(40), { maxTokens: 1, signal: soon.signal });
      setImmediate(() => soon.abort(reason));
      await assert.rejects(long, reason);
      assert.equal((await model.generate('Once', { maxTokens: 3 })).tokens.length, 3);
    }));

    test('refuses what cannot be in words and goes on', () => withModel(shippedModel, { ...options, contextSize: 64 }, async (model) => {
      await rejectsWith(model.generate(''), 'ARGUMENT', 'the prompt is empty: give it some text');
      await rejectsWith(model.generate([]), 'ARGUMENT', 'the prompt is empty: it has no tokens');
      await rejectsWith(model.generate('word '.repeat(100)), 'CONTEXT', /^the prompt has \d+ tokens, the context holds 64: shorten it or raise contextSize$/);
      await rejectsWith(model.generate('a', { temperature: NaN }), 'ARGUMENT', 'temperature must be a finite number, not NaN');
      await rejectsWith(model.generate('a', { topK: -1 }), 'ARGUMENT', 'topK must be a whole number from 0 to 2147483648, not -1');
      await rejectsWith(model.generate('a', { maxTokens: 1.5 }), 'ARGUMENT', 'maxTokens must be a whole number from 0 to 2147483648, not 1.5');
      await rejectsWith(model.generate('a', { repeatPenalty: 0 }), 'ARGUMENT', 'the repetition penalty must be larger than 0');
      await rejectsWith(model.detokenize([1e9]), 'ARGUMENT', `token 1000000000 does not exist: the vocabulary has ${model.info.vocabSize}`);
      await rejectsWith(model.generate([5, -1]), 'ARGUMENT', 'token -1 at index 1 is no token id');
      const full = await model.generate('Once upon a time', { maxTokens: 400, ignoreEnd: true });
      assert.equal(full.finishReason, 'length');
      assert.equal(full.tokens.length + full.timings.promptTokens, 64);
    }));

    test('closes, twice too, and says so afterwards', async () => {
      const model = await load(shippedModel, options);
      await model.close();
      await model.close();
      await rejectsWith(model.tokenize('a'), 'CLOSED', 'the model was closed');
      await rejectsWith(model.generate('a'), 'CLOSED', 'the model was closed');
    });

    test('agrees with the recorded results', async () => {
      for (const [file, bound] of [['stories260K', 1e-4], ['stories260K-F16', 0.02], ['llama-2-tiny-random', 2e-3]]) {
        const recorded = reference(file);
        if (!recorded) return;
        await withModel(recorded.model, options, async (model) => {
          assert.deepEqual(await model.tokenize(recorded.prompt), recorded.prompt_ids);
          const difference = largestDifference(await model.logits(recorded.prompt_ids), recorded.logits);
          assert.ok(difference <= bound, `${file}: logits differ by ${difference}`);
        });
      }
      const recorded = reference('stories260K-F16');
      await withModel(recorded.model, options, async (model) => {
        const { tokens, text } = await model.generate(recorded.prompt, { temperature: 0, maxTokens: recorded.greedy_ids.length });
        assert.deepEqual(tokens, recorded.greedy_ids);
        assert.equal(text, recorded.greedy_text);
      });
    });

    test('computes llama.cpp\'s perplexity', async () => {
      const text = fixture('eval-text/wiki.test.raw', 'perplexity');
      if (!text) return;
      const wiki = readFileSync(text, 'utf8').slice(0, 40_000);
      const expected = { 'stories260K': 114.6385, 'stories260K-Q8_0': 114.5015, 'stories260K-Q4_0': 130.3978, 'stories260K-pad256-Q4_K_M': 116.8062 };
      for (const [file, recorded] of Object.entries(expected)) {
        await withModel(fixture(`gguf-models/${file}.gguf`, file), options, async (model) => {
          const { perplexity, tokens, nll } = await model.perplexity(wiki, { chunks: 8 });
          assert.equal(tokens, 8 * 255);
          assert.ok(Math.abs(perplexity / recorded - 1) < 0.005, `${file}: ${perplexity}, recorded ${recorded}`);
          assert.ok(Math.abs(Math.exp(nll / tokens) - perplexity) < 1e-9);
        });
      }
    });
  });
}

describe('results', () => {
  const prompt = [1, 300, 400, 500, 600, 700, 301, 302, 303];

  test('plain SIMD in wasm and plain C natively have the same bits', async () => {
    for (const { path, file } of shippedModels) {
      const wasm = await withModel(path, { backend: 'wasm', variant: 'simd', threads: 1 }, (m) => m.logits(prompt));
      const scalar = await withModel(path, { backend: 'native', variant: 'scalar', threads: 1 }, (m) => m.logits(prompt));
      assert.ok(sameBits(wasm, scalar), `${file}: differ by ${largestDifference(wasm, scalar)}`);
    }
  });

  test('do not depend on threads', async () => {
    for (const backend of ['wasm', 'native']) {
      const one = await withModel(shippedModel, { backend, threads: 1 }, (m) => m.logits(prompt));
      const two = await withModel(shippedModel, { backend, threads: 2 }, (m) => m.logits(prompt));
      assert.ok(sameBits(one, two), backend);
    }
  });

  /* The caches of halves differ in more than the last bit, so a near tie may fall the other way: one whose
   * margin is below the 0.05 that recorded results are held to. */
  test('agree between native and wasm up to a near tie, with the cache by default', async () => {
    const prompt = 'Once upon a time', greedy = { temperature: 0, maxTokens: 200 };
    const tokensOf = (backend) => withModel(shippedModel, { backend }, async (m) => (await m.generate(prompt, greedy)).tokens);
    const [native, wasm] = [await tokensOf('native'), await tokensOf('wasm')];
    const at = native.findIndex((id, i) => id !== wasm[i]);
    if (at < 0) return assert.deepEqual(native, wasm);
    await withModel(shippedModel, { backend: 'native' }, async (m) => {
      const ids = [...(await m.tokenize(prompt)), ...native.slice(0, at)];
      const row = (await m.logits(ids)).slice(-m.info.vocabSize);
      const margin = Math.abs(row[native[at]] - row[wasm[at]]);
      assert.ok(margin < 0.05, `token ${at}: ${native[at]} and ${wasm[at]}, ${margin} apart`);
      assert.ok(row.filter((x) => x > row[native[at]] + 0.05).length === 0, 'neither is the most likely');
    });
  });

  test('agree between native and wasm, with a cache in f32', async () => {
    const greedy = { temperature: 0, maxTokens: 100 };
    const native = await withModel(shippedModel, { backend: 'native', kv: 'f32' }, (m) => m.generate('Once upon a time', greedy));
    const wasm = await withModel(shippedModel, { backend: 'wasm', kv: 'f32' }, (m) => m.generate('Once upon a time', greedy));
    assert.equal(native.text, wasm.text);
  });
});

describe('sources', () => {
  const bytes = readFileSync(shippedModel);
  const server = createServer((request, response) => {
    if (request.url === '/model.gguf') return response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    if (request.url === '/chunked.gguf') return response.writeHead(200).end(bytes);
    if (request.url === '/cut.gguf') {
      response.writeHead(200, { 'content-length': bytes.length });
      return response.write(bytes.subarray(0, 300_000), () => response.destroy());
    }
    if (request.url === '/page') return response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Not a model</title>');
    return response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not found</h1>');
  });
  const listening = new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`)));
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  const streamOf = (data, step = 10_000) => new ReadableStream({
    start(controller) {
      for (let at = 0; at < data.length; at += step) controller.enqueue(new Uint8Array(data.subarray(at, at + step)));
      controller.close();
    },
  });

  for (const options of [{ backend: 'wasm' }, { backend: 'native' }, { backend: 'wasm', worker: true }]) {
    test(`of every kind give the same model (${JSON.stringify(options)})`, async () => {
      const base = await listening;
      const sources = [
        shippedModel, pathToFileURL(shippedModel), `${base}/model.gguf`, new URL(`${base}/chunked.gguf`),
        await fetch(`${base}/model.gguf`), new Request(`${base}/model.gguf`), streamOf(bytes), streamOf(bytes, 97),
        new Blob([bytes]), new File([bytes], 'm.gguf'), bytes, new Uint8Array(bytes),
        bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
        [new Blob([bytes.subarray(0, 500_001)]), new Blob([bytes.subarray(500_001)])],
        [streamOf(bytes.subarray(0, 77)), streamOf(bytes.subarray(77, 900_000)), new Uint8Array(bytes.subarray(900_000))],
      ];
      let expected;
      for (const source of sources) {
        const progress = [];
        const logits = await withModel(source, { ...options, onProgress: (p) => progress.push(p) }, (m) => m.logits([1, 300, 400]));
        expected ??= logits;
        assert.ok(sameBits(logits, expected));
        assert.equal(progress.at(-1).loaded, progress.at(-1).total);
        assert.ok(progress.every((p, i) => i === 0 || p.loaded >= progress[i - 1].loaded));
      }
    });

    test(`that fail say why, and the next load works (${JSON.stringify(options)})`, async () => {
      const base = await listening;
      await rejectsWith(load(`${base}/missing`, options), 'SOURCE', `${base}/missing answered 404 Not Found`);
      await rejectsWith(load(`${base}/page`, options), 'FORMAT', 'not a GGUF file: it starts with bytes 3c 21 64 6f, as a web page does');
      await rejectsWith(load('no/such/file.gguf', options), 'SOURCE', 'cannot open no/such/file.gguf: there is no such file');
      await rejectsWith(load('models', options), 'SOURCE', 'models has no config.json: it is no Hugging Face model');
      await rejectsWith(load('http://127.0.0.1:1/x', options), 'SOURCE', /^cannot fetch http:\/\/127\.0\.0\.1:1\/x: /);
      await rejectsWith(load([], options), 'ARGUMENT', 'the list of model parts is empty');
      await rejectsWith(load(new Uint8Array(0), options), 'TRUNCATED', 'the file is empty');
      await rejectsWith(load(streamOf(bytes.subarray(0, 1_000_000)), options), 'TRUNCATED', /^the file ends at byte 1000000, inside tensor '/);
      await rejectsWith(load(bytes.subarray(0, 1_000_000), options), 'TRUNCATED', /^tensor '.*' ends at byte \d+ of a file of 1000000 bytes$/);
      await assert.rejects(load(`${base}/cut.gguf`, options));
      const reason = new Error('changed my mind');
      await assert.rejects(load(shippedModel, { ...options, signal: AbortSignal.abort(reason) }), reason);
      const controller = new AbortController();
      const slow = new ReadableStream({
        async pull(c) {
          c.enqueue(new Uint8Array(bytes.subarray(0, 50_000)));
          controller.abort(reason);
          await new Promise(() => {});
        },
      });
      await assert.rejects(load(slow, { ...options, signal: controller.signal }), reason);
      await withModel(shippedModel, options, (m) => m.tokenize('still works'));
    });
  }

  test('of the vocabulary alone', async () => {
    for (const backend of ['wasm', 'native']) {
      await withModel(shippedModel, { backend, vocabOnly: true }, async (model) => {
        assert.equal(model.info.vocabOnly, true);
        assert.equal(await model.detokenize(await model.tokenize('a little fox')), 'a little fox');
        await rejectsWith(model.generate('a'), 'STATE', 'only the vocabulary of this model was loaded');
        await rejectsWith(model.logits([1]), 'STATE', 'only the vocabulary of this model was loaded');
      });
    }
  });

  test('with options that make no sense are refused', async () => {
    await rejectsWith(load(shippedModel, { threads: 0 }), 'ARGUMENT', 'threads must be a whole number from 1 to 64, not 0');
    await rejectsWith(load(shippedModel, { contextSize: -5 }), 'ARGUMENT', 'contextSize must be a whole number from 1 to 67108864, not -5');
    await rejectsWith(load(shippedModel, { kv: 'f8' }), 'ARGUMENT', 'kv must be f32, f16, q8_0, not f8');
    await rejectsWith(load(shippedModel, { backend: 'wasm', variant: 'avx2' }), 'UNSUPPORTED', "The variant 'avx2' does not run on this host");
    await rejectsWith(load(42), 'ARGUMENT', 'a model source is a URL, path, Response, ReadableStream, Blob, ArrayBuffer or a list of these');
  });
});
