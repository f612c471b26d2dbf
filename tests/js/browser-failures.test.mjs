// The package in Chromium where things go wrong: sources that fail, aborts, close.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GgufWriter, randomLlama } from './gguf.mjs';
import { packageInChromium, sendBroken, sendBytes, sendSlowly, smallModel, workersEnd } from './helpers.mjs';

const small = smallModel('failing loads of stories260K in Chromium');
const medium = randomLlama({ type: 'Q8_0', layers: 4, embedding: 512, feedForward: 1376, heads: 8, kvHeads: 4, vocab: 2048, seed: 7 });
const half = Math.round(small.bytes.length / 2);
const mamba = new GgufWriter().meta('general.architecture', 'string', 'mamba').bytes();

const { inPage, withPage, evaluate, url } = packageInChromium({
  '/small.gguf': sendBytes(small.bytes),
  '/medium.gguf': sendBytes(medium),
  '/slow.gguf': sendSlowly(small.bytes, { pieces: 40, pauseMs: 50 }),
  '/broken.gguf': sendBroken(small.bytes, half),
  '/page.html': sendBytes('<!doctype html><title>no model</title>', 'text/html'),
  '/mamba.gguf': sendBytes(mamba),
  '/empty.gguf': sendBytes(''),
});

/** Asserts what outcome() gave for a load that must fail. */
function failed(outcome, code, message) {
  assert.equal(outcome.name, 'RealizarError', JSON.stringify(outcome));
  assert.equal(outcome.code, code);
  if (message instanceof RegExp) assert.match(outcome.message, message);
  else assert.equal(outcome.message, message);
}

for (const worker of [true, false]) {
  describe(`worker: ${worker}`, () => {
    test('a source that is no model says why, and the next load works', () => withPage('isolated', async (page) => {
      const load = (source) => evaluate(page, (t, [s, w]) => t.outcome(t.withModel(s, { worker: w }, ({ info }) => info.architecture)), [source, worker]);
      const base = url('isolated');
      failed(await load('/missing.gguf'), 'SOURCE', `${base}/missing.gguf answered 404 Not Found`);
      assert.deepEqual(await load('/small.gguf'), { value: 'llama' });
      failed(await load('/page.html'), 'FORMAT', 'not a GGUF file: it starts with bytes 3c 21 64 6f, as a web page does');
      assert.deepEqual(await load('/small.gguf'), { value: 'llama' });
      failed(await load('/mamba.gguf'), 'UNSUPPORTED', "architecture 'mamba' is not supported");
      failed(await load('/empty.gguf'), 'TRUNCATED', 'the file is empty');
      failed(await load('/broken.gguf'), 'SOURCE', /^the source failed at byte \d+: network error$/);
      failed(await load('http://127.0.0.1:1/'), 'SOURCE', 'cannot fetch http://127.0.0.1:1/: Failed to fetch');
      failed(await load('http://'), 'SOURCE', /^cannot fetch http:\/\/: .*Failed to parse URL from http:\/\/$/);
      failed(await load(42), 'ARGUMENT', 'a model source is a URL, path, Response, ReadableStream, Blob, ArrayBuffer or a list of these');
      failed(await load([]), 'ARGUMENT', 'the list of model parts is empty');
      assert.deepEqual(await load('/small.gguf'), { value: 'llama' });
      await workersEnd(page);
    }));

    test('a file cut anywhere is refused with the place', async () => {
      const { length } = small.bytes;
      const all = [3, 4, 20, 100, 5000, Math.round(length / 3), Math.round(length * 0.9), length - 1];
      const cuts = worker ? [20, Math.round(length / 2), length - 1] : all; // a worker takes its time to start
      const { outcomes, after } = await inPage('plain', async (t, [w, places]) => {
        const bytes = await t.fetchBytes('/small.gguf');
        const tryLoad = (source) => t.outcome(t.withModel(source, { worker: w }, ({ info }) => info.architecture));
        const outcomes = [];
        for (const cut of places) {
          outcomes.push([cut, await tryLoad(bytes.slice(0, cut)), await tryLoad(t.streamOf(bytes.slice(0, cut), 65536))]);
        }
        return { outcomes, after: await tryLoad(bytes) };
      }, [worker, cuts]);
      for (const [cut, known, unknown] of outcomes) {
        const header = `GGUF: the file ends at byte ${cut}, inside its header`;
        const inHeader = cut <= 5000;
        failed(known, 'TRUNCATED', inHeader ? header : new RegExp(`^tensor '[a-z0-9_.]+' ends at byte \\d+ of a file of ${cut} bytes$`));
        failed(unknown, 'TRUNCATED', inHeader ? header : new RegExp(`^the file ends at byte ${cut}, inside tensor '[a-z0-9_.]+', which ends at \\d+$`));
      }
      assert.deepEqual(after, { value: 'llama' });
    });

    test('a stream that breaks or was read already is refused', async () => {
      const results = await inPage('plain', async (t, [w, middle]) => {
        const bytes = await t.fetchBytes('/small.gguf');
        const tryLoad = (source) => t.outcome(t.withModel(source, { worker: w }, ({ info }) => info.architecture));
        const used = await fetch('/small.gguf');
        await used.arrayBuffer();
        return {
          start: await tryLoad(t.streamOf(bytes, 65536, 0)),
          header: await tryLoad(t.streamOf(bytes, 65536, 1000)),
          middle: await tryLoad(t.streamOf(bytes, 65536, middle)),
          second: await tryLoad([new Blob([bytes.slice(0, 1000)]), t.streamOf(bytes.slice(1000), 65536, 0)]),
          used: await tryLoad(used),
          after: await tryLoad(bytes),
        };
      }, [worker, half]);
      failed(results.start, 'SOURCE', 'the source failed at byte 0: the cable was cut');
      failed(results.header, 'SOURCE', 'the source failed at byte 1000: the cable was cut');
      failed(results.middle, 'SOURCE', `the source failed at byte ${half}: the cable was cut`);
      failed(results.second, 'SOURCE', 'the source failed at byte 0: the cable was cut');
      failed(results.used, 'ARGUMENT', 'the stream of the model was read already, or something else reads it');
      assert.deepEqual(results.after, { value: 'llama' });
    });

    test('an aborted load rejects with the reason and lets go of its source', () => withPage('isolated', async (page) => {
      const result = await evaluate(page, async (t, w) => {
        const bytes = await t.fetchBytes('/small.gguf');
        const abortAt = async (source, share) => {
          const reason = new Error('changed my mind');
          const controller = new AbortController();
          const onProgress = ({ loaded }) => { if (loaded >= share * bytes.length) controller.abort(reason); };
          if (share === 0) queueMicrotask(() => controller.abort(reason));
          return t.load(source, { worker: w, signal: controller.signal, onProgress }).then(() => 'loaded', (error) => error === reason);
        };
        let cancelled = false;
        let at = 0;
        const endless = new ReadableStream({
          pull: (c) => { c.enqueue(bytes.slice(at, at += 20_000)); return new Promise((done) => setTimeout(done, 10)); },
          cancel: () => { cancelled = true; },
        });
        const aborted = {
          before: await t.load('/small.gguf', { worker: w, signal: AbortSignal.abort(7) }).catch((error) => error),
          start: await abortAt('/slow.gguf', 0),
          middle: await abortAt('/slow.gguf', 0.3),
          response: await abortAt(await fetch('/slow.gguf'), 0.3),
          stream: await abortAt(endless, 0.3),
        };
        await new Promise((done) => setTimeout(done, 50));
        return { aborted, cancelled, after: await t.withModel('/small.gguf', { worker: w }, (m) => m.info.architecture) };
      }, worker);
      assert.deepEqual(result, {
        aborted: { before: 7, start: true, middle: true, response: true, stream: true }, cancelled: true, after: 'llama',
      });
      await workersEnd(page);
    }));

    test('a generation aborts before it starts, inside the prompt and between tokens', async () => {
      const result = await inPage('isolated', (t, w) => t.withModel('/medium.gguf', { worker: w, threads: 1 }, async (model) => {
        const reason = new Error('enough');
        const rejects = (promise) => promise.then(() => 'resolved', (error) => error === reason);
        const prompt = Array.from({ length: 1000 }, (_, i) => 400 + (i % 1500));
        const whole = await model.generate(prompt, { maxTokens: 1 });
        const results = { before: await rejects(model.generate('a', { signal: AbortSignal.abort(reason) })) };

        const inPrompt = new AbortController();
        const start = performance.now();
        setTimeout(() => inPrompt.abort(reason), whole.timings.ttftMs / 10);
        results.prompt = await rejects(model.generate(prompt, { maxTokens: 1, signal: inPrompt.signal }));
        results.share = (performance.now() - start) / whole.timings.ttftMs;

        const between = new AbortController();
        let pieces = 0;
        results.between = await rejects((async () => {
          for await (const piece of model.stream('a b c', { maxTokens: 900, ignoreEnd: true, signal: between.signal })) {
            if (piece && ++pieces === 5) between.abort(reason);
          }
        })());
        results.pieces = pieces;

        /* leaving the loop ends the generation, too */
        for await (const piece of model.stream('a b c', { maxTokens: 900, ignoreEnd: true })) if (piece) break;
        const next = performance.now();
        results.tokens = (await model.generate('a b c', { maxTokens: 3, temperature: 0 })).tokens.length;
        results.nextMs = performance.now() - next;
        return results;
      }), worker);
      const { share, pieces, nextMs, ...rest } = result;
      assert.deepEqual(rest, { before: true, prompt: true, between: true, tokens: 3 });
      assert.ok(share < 0.6, `the prompt went on for ${share} of its time`);
      assert.ok(pieces >= 5 && pieces < 100, `${pieces} pieces after an abort at 5`);
      assert.ok(nextMs < 1000, `the next generation waited: ${nextMs} ms`);
    });

    test('closing ends the worker; calls after it and during it reject with CLOSED', () => withPage('isolated', async (page) => {
      const result = await evaluate(page, async (t, w) => {
        const model = await t.load('/medium.gguf', { worker: w, threads: 2 });
        const running = t.outcome(model.generate('a b c', { maxTokens: 900, ignoreEnd: true }));
        await new Promise((done) => setTimeout(done, 100));
        await model.close();
        await model.close();
        return {
          running: await running,
          tokenize: await t.outcome(model.tokenize('a')),
          detokenize: await t.outcome(model.detokenize([1])),
          generate: await t.outcome(model.generate('a')),
          stream: await t.outcome(model.stream('a').next()),
          logits: await t.outcome(model.logits([1])),
        };
      }, worker);
      for (const outcome of Object.values(result)) failed(outcome, 'CLOSED', 'the model was closed');
      /* Chromium can leave workers behind that end at the same time: see browser-worker.ts */
      for (let i = 0; worker && i < 4; i++) {
        await evaluate(page, async (t) => {
          const model = await t.load('/medium.gguf', { threads: 2 });
          const running = t.outcome(model.generate('a b c', { maxTokens: 900, ignoreEnd: true }));
          await new Promise((done) => setTimeout(done, 50));
          await model.close();
          await running;
        });
      }
      await workersEnd(page);
    }));
  });
}

test('a generation that cannot be says so, and the next one works', async () => {
  const result = await inPage('plain', (t) => t.withModel('/small.gguf', { contextSize: 32 }, async (model) => ({
    empty: await t.outcome(model.generate('')),
    long: await t.outcome(model.generate('word '.repeat(100))),
    option: await t.outcome(model.generate('a', { temperature: NaN })),
    id: await t.outcome(model.generate([1, -5])),
    after: (await model.generate('Once', { maxTokens: 4, temperature: 0 })).tokens.length,
  })));
  failed(result.empty, 'ARGUMENT', 'the prompt is empty: give it some text');
  failed(result.long, 'CONTEXT', /^the prompt has \d+ tokens, the context holds 32: shorten it or raise contextSize$/);
  failed(result.option, 'ARGUMENT', 'temperature must be a finite number, not NaN');
  failed(result.id, 'ARGUMENT', 'token -5 at index 1 is no token id');
  assert.equal(result.after, 4);
});
