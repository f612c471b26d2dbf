// The page with a model that has a chat template: a conversation instead of a story.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { load } from '../../dist/index-node.js';
import { randomLlama } from './gguf.mjs';
import { launchBrowser, root, sendBytes, startStatic } from './helpers.mjs';
import { shippedModels } from './support.mjs';

const template = "{{ raise_exception('too many') if messages | length > 5 }}{% for m in messages %}<|im_start|>{{ m.role ~ '\\n' ~ m.content }}<|im_end|>{% endfor %}<|im_start|>assistant\n";
const chatting = { control: { 350: '<|im_start|>', 351: '<|im_end|>' }, metadata: { 'tokenizer.chat_template': ['string', template] } };
const small = randomLlama({ layers: 2, embedding: 64, feedForward: 96, heads: 4, kvHeads: 2, vocab: 800, context: 512, name: 'small talker', ...chatting });
const slow = randomLlama({ layers: 8, embedding: 768, feedForward: 2048, heads: 12, kvHeads: 4, vocab: 2048, context: 2048, name: 'slow talker', ...chatting });

let browser;
let server;
before(async () => {
  browser = await launchBrowser();
  const [shipped] = shippedModels;
  server = await startStatic({
    mounts: { '/': join(root, 'dist', 'web'), '/models/': join(root, 'models') },
    routes: { '/small.gguf': sendBytes(small), '/slow.gguf': sendBytes(slow), '/stories.gguf': (_, response) => response.writeHead(302, { location: `models/${shipped.file}` }).end() },
  });
});
after(async () => {
  await browser?.close();
  await server?.close();
});

async function withPage(use, { size = { width: 1280, height: 900 }, expected = [] } = {}) {
  const page = await browser.newPage({ viewport: size });
  const printed = [];
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) printed.push(message.text()); });
  page.on('pageerror', (error) => printed.push(String(error)));
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', (e) => window.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
  });
  try {
    await page.goto(`${server.url}/`);
    await state(page, 'ready');
    await use(page);
    assert.deepEqual(await page.evaluate(() => window.violations), []);
    assert.deepEqual(printed.filter((line) => !expected.includes(line)), []);
  } finally {
    await page.close();
  }
}

const state = (page, ...states) => page.waitForSelector(states.map((s) => `html[data-state=${s}]`).join(), { state: 'attached' });
const text = (page, selector) => page.locator(selector).innerText();
const turns = (page) => page.locator('.turn').evaluateAll((all) => all.map((t) => [t.querySelector('h3').textContent, [...t.querySelectorAll('p')].map((p) => p.textContent).join('\n')]));

async function loadModel(page, url, name) {
  await page.fill('#url', `${server.url}${url}`);
  await page.click('#load-url');
  await page.waitForFunction((n) => document.querySelector('[data-fact=name]').textContent === n, name);
}

async function send(page, message) {
  await page.fill('#line', message);
  await page.press('#line', 'Enter');
}

test('a model with a chat template turns the page into a conversation, another one back', () => withPage(async (page) => {
  const before = await page.evaluate(() => performance.getEntriesByType('resource').filter((r) => /render/.test(r.name)).length);
  assert.equal(before, 0, 'what conversations need was fetched for a story');
  assert.deepEqual([await text(page, '#line-label'), await text(page, '#tell'), await text(page, '#story-empty')], ['First line', 'Tell', 'Your story appears here.']);
  await loadModel(page, '/small.gguf', 'small talker');
  await state(page, 'ready');
  assert.deepEqual([await text(page, '#line-label'), await text(page, '#tell'), await text(page, '#another')], ['Message', 'Send', 'New conversation']);
  assert.equal(await page.locator('#chips').isVisible(), false);
  assert.equal(await page.isDisabled('#another'), true);

  await page.click('.options summary');
  await page.locator('#temperature').fill('0');
  await page.locator('#length').fill('16');
  await page.locator('#line').pressSequentially('Hello you', { delay: 5 });
  await page.waitForTimeout(700);
  assert.deepEqual(await turns(page), [], 'a message was sent by a pause');
  await page.press('#line', 'Enter');
  await state(page, 'told');
  await send(page, 'And then?');
  await page.waitForFunction(() => document.querySelectorAll('.turn').length === 4 && document.documentElement.dataset.state === 'told');
  const model = await load(small, { backend: 'wasm', threads: 1 });
  const messages = [];
  for (const content of ['Hello you', 'And then?']) {
    messages.push({ role: 'user', content });
    messages.push((await model.chat(messages, { temperature: 0, maxTokens: 16 })).message);
  }
  await model.close();
  assert.deepEqual(await turns(page), messages.map(({ role, content }) => [role === 'user' ? 'You' : 'Model', content.trimStart()]));
  assert.equal(await page.inputValue('#line'), '');
  assert.equal(await text(page, '#status'), 'Length reached');
  assert.equal(await page.getAttribute('#story', 'aria-label'), 'The conversation');

  /* the template refuses a third message: it comes back to the field */
  await send(page, 'Once more');
  await page.waitForFunction(() => document.querySelectorAll('.turn').length === 6 && document.documentElement.dataset.state !== 'reading' && document.documentElement.dataset.state !== 'telling');
  await send(page, 'And again');
  await page.waitForSelector('#alert:not(:empty)');
  assert.equal(await text(page, '#alert strong'), 'The message could not be answered');
  assert.equal(await text(page, '#alert p'), 'The chat template of the file refuses these messages in line 1: too many.');
  assert.equal((await turns(page)).length, 6);
  assert.equal(await page.inputValue('#line'), 'And again');

  await page.click('#another');
  assert.deepEqual(await turns(page), []);
  assert.equal(await text(page, '#story-empty'), 'Your conversation appears here.');
  await page.fill('#line', '');
  await page.fill('#url', `${server.url}/stories.gguf`);
  await page.click('#load-url');
  await page.waitForFunction(() => document.getElementById('tell').textContent === 'Tell');
  assert.equal(await page.locator('#chips').isVisible(), true);
  await send(page, 'Once upon a time');
  await state(page, 'told');
  assert.equal(await text(page, '.first-line'), 'Once upon a time');
}));

test('Stop ends an answer, and what it said stays in the conversation', () => withPage(async (page) => {
  await loadModel(page, '/slow.gguf', 'slow talker');
  await page.locator('#length').evaluate((e) => { e.value = e.max; e.dispatchEvent(new Event('input')); });
  await send(page, 'Hello you');
  await state(page, 'telling');
  assert.equal(await page.isDisabled('#tell'), true);
  await page.waitForFunction(() => document.querySelector('.turn:not(.asked)')?.textContent.length > 20);
  await page.click('#stop');
  await state(page, 'stopped');
  assert.equal(await page.isDisabled('#tell'), false);
  const said = await turns(page);
  assert.equal(said.length, 2);
  await send(page, 'Go on');
  await state(page, 'telling');
  await page.click('#another');
  await state(page, 'ready');
  assert.deepEqual(await turns(page), []);
}));

test('the conversation fits 360 pixels', () => withPage(async (page) => {
  await loadModel(page, '/small.gguf', 'small talker');
  await page.locator('#length').evaluate((e) => { e.value = '64'; });
  await send(page, `A long word: ${'m'.repeat(100)}`);
  await state(page, 'told');
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
  await send(page, 'And more');
  await page.waitForFunction(() => document.querySelectorAll('.turn').length === 4 && document.documentElement.dataset.state === 'told');
  assert.ok(await page.evaluate(() => { const s = document.getElementById('story'); return s.scrollHeight > s.clientHeight && s.scrollTop + s.clientHeight >= s.scrollHeight - 8; }), 'the last answer is out of sight');
}, { size: { width: 360, height: 740 } }));
