// The package in Chromium, as unbundled modules: sources, variants, threads, tokens.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { randomLlama } from './gguf.mjs';
import { fixture, packageInChromium, sendBytes, smallModel, workersEnd } from './helpers.mjs';

const small = smallModel('recorded results in Chromium');
const medium = randomLlama({ type: 'Q8_0', layers: 4, embedding: 512, feedForward: 1376, heads: 8, kvHeads: 4, vocab: 2048, seed: 7 });
const prompt = small.recorded?.prompt ?? 'Once upon a time';
const maxTokens = small.recorded?.greedy_ids.length ?? 60;

const { inPage, withPage, evaluate } = packageInChromium({ '/small.gguf': sendBytes(small.bytes), '/medium.gguf': sendBytes(medium) });

for (const host of ['isolated', 'plain']) {
  for (const worker of [true, false]) {
    test(`every kind of source gives the same model (${host}, worker: ${worker})`, async () => {
      const results = await inPage(host, (t, [w, p, n]) => t.continueFromEverySource('/small.gguf', w, p, n), [worker, prompt, maxTokens]);
      assert.equal(Object.keys(results).length, 15);
      const tokens = small.recorded?.greedy_ids ?? results.URL.value.tokens;
      const text = small.recorded?.greedy_text ?? results.URL.value.text;
      for (const [name, { value, message }] of Object.entries(results)) {
        assert.equal(message, undefined, name);
        assert.deepEqual(value.tokens, tokens, name);
        assert.equal(value.text, text, name);
        const { progress } = value;
        assert.ok(progress.every((p, i) => i === 0 || p.loaded >= progress[i - 1].loaded), `${name}: progress goes back`);
        assert.deepEqual(progress.at(-1), { loaded: small.bytes.length, total: small.bytes.length }, name);
        const sizeKnown = !/stream|without|different/i.test(name);
        assert.ok(progress.slice(0, -1).every((p) => p.total === (sizeKnown ? small.bytes.length : undefined)), `${name}: total`);
      }
    });
  }
}

test('both variants load and give the recorded text', async () => {
  for (const [variant, name] of [['relaxed', 'relaxed'], ['simd', 'simd128']]) {
    for (const host of ['isolated', 'plain']) {
      const result = await inPage(host, (t, [v, p, n]) => t.withModel('/small.gguf', { variant: v }, async (model) => ({
        info: model.info, ...(await model.generate(p, { temperature: 0, maxTokens: n })),
      })), [variant, prompt, maxTokens]);
      assert.equal(result.info.variant, name);
      assert.equal(result.info.backend, 'wasm');
      if (small.recorded) {
        assert.deepEqual(result.tokens, small.recorded.greedy_ids);
        assert.equal(result.text, small.recorded.greedy_text);
      }
    }
  }
});

test('one and two threads give the same bits', async () => {
  const ids = [1, ...Array.from({ length: 70 }, (_, i) => 400 + ((i * 37) % 1500))];
  for (const variant of ['relaxed', 'simd']) {
    const [one, two] = await inPage('isolated', async (t, [v, list]) => {
      const run = (threads) => t.withModel('/medium.gguf', { variant: v, threads }, async (model) => ({
        threads: model.info.threads,
        bits: await t.digest(await model.logits(list)),
        tokens: (await model.generate(list, { maxTokens: 30, seed: 5 })).tokens,
      }));
      return [await run(1), await run(2)];
    }, [variant, ids]);
    assert.equal(one.threads, 1);
    assert.equal(two.threads, 2);
    assert.equal(two.bits, one.bits, variant);
    assert.equal(one.tokens.length, 30);
    assert.deepEqual(two.tokens, one.tokens, variant);
  }
});

test('threads need a page that is cross-origin isolated', async () => {
  const count = async (t, threads) => ({
    isolated: crossOriginIsolated,
    processors: navigator.hardwareConcurrency,
    threads: await t.withModel('/small.gguf', threads ? { threads } : {}, ({ info }) => info.threads),
  });
  const isolated = await inPage('isolated', count);
  assert.deepEqual([isolated.isolated, isolated.threads], [true, Math.min(isolated.processors, 8)]);
  for (const threads of [undefined, 2]) {
    const plain = await inPage('plain', count, threads);
    assert.deepEqual([plain.isolated, plain.threads], [false, 1]);
  }
  /* a page's main thread may not wait, so there it computes alone */
  const here = await inPage('isolated', (t) => t.withModel('/small.gguf', { worker: false, threads: 2 }, ({ info }) => info.threads));
  assert.equal(here, 1);
});

test('loads inline in a worker of one\'s own, with threads', () => withPage('isolated', async (page) => {
  const result = await evaluate(page, (t, script) => new Promise((resolve, reject) => {
    const worker = new Worker(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })), { type: 'module' });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(location.origin);
  }), `
    onmessage = async ({ data: origin }) => {
      const { load } = await import(origin + '/dist/index-browser.js');
      const runs = [];
      for (const threads of [1, 2, 2]) {
        const model = await load(origin + '/medium.gguf', { threads });
        const { tokens } = await model.generate([1, 500, 600], { maxTokens: 40, seed: 3 });
        runs.push({ threads: model.info.threads, tokens });
        await model.close();
      }
      postMessage(runs);
    };`);
  assert.deepEqual(result.map((r) => r.threads), [1, 2, 2]);
  assert.equal(result[0].tokens.length, 40);
  for (const { tokens } of result) assert.deepEqual(tokens, result[0].tokens);
  await workersEnd(page, 1);
}));

test('the worker and the page sample the same tokens', async () => {
  const [there, here] = await inPage('plain', async (t) => {
    const run = (worker) => t.withModel('/small.gguf', { worker }, (model) => model.generate('Once upon a time', { seed: 11, maxTokens: 100 }));
    return [await run(true), await run(false)];
  });
  assert.deepEqual(there.tokens, here.tokens);
  assert.equal(there.text, here.text);
  assert.equal(there.timings.seed, 11);
});

describe('text and tokens', () => {
  test('tokenization equals the recorded ids', async () => {
    const input = fixture('gguf-models', 'stories260K.tok.inp');
    if (!input) return; // smallModel() has said so
    const texts = readFileSync(input, 'utf8').split('\n__ggml_vocab_test__\n').slice(0, -1); // each text ends with one
    const lines = readFileSync(input.replace(/inp$/, 'out'), 'utf8').split('\n');
    const expected = texts.map((_, i) => lines[i].trim().split(' ').filter(Boolean).map(Number));
    for (const worker of [true, false]) {
      const ids = await inPage('plain', (t, [w, list]) => t.withModel('/small.gguf', { worker: w, vocabOnly: true }, (model) =>
        Promise.all(list.map((text) => model.tokenize(text, { addSpecial: false })))), [worker, texts]);
      assert.equal(ids.length, 46);
      assert.deepEqual(ids, expected);
    }
    assert.deepEqual(await inPage('plain', (t, p) => t.withModel('/small.gguf', {}, (model) => model.tokenize(p)), prompt), small.recorded.prompt_ids);
  });

  test('streamed pieces are the text', async () => {
    const { pieces, events, whole } = await inPage('plain', (t, p) => t.withModel('/small.gguf', {}, async (model) => {
      const settings = { temperature: 0, maxTokens: 50 };
      const pieces = [];
      for await (const piece of model.stream(p, settings)) pieces.push(piece);
      const events = [];
      for await (const event of model.events(p, settings)) events.push(event);
      return { pieces, events, whole: await model.generate(p, settings) };
    }), prompt);
    assert.equal(pieces.join(''), whole.text);
    assert.equal(events.map((e) => e.text).join(''), whole.text);
    assert.deepEqual(events.map((e) => e.id), whole.tokens);
  });
});
