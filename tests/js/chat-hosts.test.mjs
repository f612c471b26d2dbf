// Conversations in Chromium and in workerd: the same answers as in Node.js.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { unstable_startWorker } from 'wrangler';
import { load } from '../../dist/index-node.js';
import { randomLlama } from './gguf.mjs';
import { packageInChromium, root, sendBytes } from './helpers.mjs';

process.env.WRANGLER_SEND_METRICS = 'false';
process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false';

const template = "{% for m in messages %}<|im_start|>{{ m.role ~ '\\n' ~ m.content }}<|im_end|>{% endfor %}<|im_start|>{{ mood }}";
const file = randomLlama({
  layers: 2, embedding: 64, feedForward: 96, heads: 4, kvHeads: 2, vocab: 800, context: 512,
  control: { 350: '<|im_start|>', 351: '<|im_end|>' }, metadata: { 'tokenizer.chat_template': ['string', template] },
});
const messages = [{ role: 'user', content: 'Hello you' }];
const options = { temperature: 0, maxTokens: 12, variables: { mood: 'glad' } };

/** wasm computes the same everywhere; which of its variants a host takes does not matter to this model's text. */
let expected;
before(async () => {
  const model = await load(file, { backend: 'wasm', threads: 1 });
  const { tokens, message, timings } = await model.chat(messages, options);
  expected = { prompt: '<|im_start|>user\nHello you<|im_end|><|im_start|>', tokens, message, promptTokens: timings.promptTokens, cachedTokens: timings.promptTokens - 1 };
  await model.close();
});

const { withPage, evaluate, url } = packageInChromium({ '/chat.gguf': sendBytes(file) });

for (const [host, worker] of [['isolated', true], ['plain', true], ['plain', false]]) {
  test(`in Chromium (${host}, worker: ${worker})`, () => withPage(host, async (page) => {
    const fetched = [];
    page.on('request', (request) => fetched.push(request.url().replace(url(host), '')));
    const before = await evaluate(page, (t, [w]) => t.withModel('/chat.gguf', { worker: w }, async (model) => (await model.generate('Hi', { maxTokens: 1 })).tokens.length), [worker]);
    assert.equal(before, 1);
    assert.deepEqual(fetched.filter((u) => u.startsWith('/dist/chat')), [], 'fetched before the first conversation');
    const { pieces, ...result } = await evaluate(page, (t, [w, m, o]) => t.withModel('/chat.gguf', { worker: w }, async (model) => {
      const texts = [];
      for await (const piece of model.chatStream(m, o)) texts.push(piece);
      const { tokens, message, timings } = await model.chat(m, o);
      return { prompt: await model.applyChatTemplate(m), pieces: texts, tokens, message, promptTokens: timings.promptTokens, cachedTokens: timings.cachedTokens };
    }), [worker, messages, options]);
    assert.deepEqual(result, expected);
    assert.equal(pieces.join(''), expected.message.content);
    assert.deepEqual(fetched.filter((u) => u.startsWith('/dist/chat')).sort(), ['formats', 'jinja', 'render', 'template'].map((f) => `/dist/chat/${f}.js`));
  }));
}

test('errors of a conversation reach the page', () => withPage('plain', async (page) => {
  const { code, message } = await evaluate(page, (t) => t.withModel('/chat.gguf', {}, (model) => t.outcome(model.chat([{ role: 'robot', content: 'x' }]))));
  assert.deepEqual([code, message], ['ARGUMENT', "message 1 has the role 'robot': it must be system, user, assistant or tool"]);
}));

test('in workerd', async () => {
  const worker = await unstable_startWorker({
    config: join(root, 'tests', 'js', 'worker', 'wrangler.toml'),
    dev: { server: { hostname: '127.0.0.1', port: 0 }, inspector: false, watch: false, logLevel: 'error' },
  });
  after(() => worker.dispose());
  await worker.ready;
  const body = new FormData();
  body.set('model', new Blob([file]));
  body.set('chat', JSON.stringify({ messages, options }));
  const response = await fetch(await worker.url, { method: 'POST', body });
  assert.equal(response.status, 200, await response.clone().text());
  const { pieces, ...result } = await response.json();
  assert.deepEqual(result, expected);
  assert.equal(pieces.join(''), expected.message.content);
});
