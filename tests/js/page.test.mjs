// The built page in Chromium: served by the package's own server, which isolates it, and by a plain one.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { load } from '../../dist/index-node.js';
import { startServer } from '../../dist/server/node.js';
import { asApr } from './apr-files.mjs';
import { GgufWriter, randomLlama } from './gguf.mjs';
import { fixture, launchBrowser, root, sendBytes, sendSlowly, startStatic, workersEnd } from './helpers.mjs';
import { temporaryFolder } from '../temporary.mjs';

const page404 = 'Failed to load resource: the server responded with a status of 404 (Not Found)';
const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; connect-src 'self' https: http: blob:";

/** A folder with the shipped model or, before there is one, stories260K, and models to load by hand. */
function makeModels() {
  const folder = temporaryFolder('page');
  const shipped = join(root, 'models', 'manifest.json');
  const manifest = existsSync(shipped) ? JSON.parse(readFileSync(shipped, 'utf8'))
    : { models: [{ file: 'stories260K.gguf', bytes: 1185376 }], default: 'stories260K.gguf' };
  const source = existsSync(shipped) ? join(root, 'models', manifest.default) : fixture('gguf-models', 'stories260K.gguf');
  copyFileSync(source, join(folder, manifest.default));
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  /* slow enough to be watched */
  const big = { layers: 8, embedding: 1024, feedForward: 2752, heads: 16, kvHeads: 8, vocab: 2048, context: 2048 };
  writeFileSync(join(folder, 'big.gguf'), randomLlama({ ...big, name: 'big random' }));
  writeFileSync(join(folder, 'mamba.gguf'), new GgufWriter().meta('general.architecture', 'string', 'mamba').bytes());
  return { folder, manifest, path: join(folder, manifest.default), bytes: readFileSync(join(folder, manifest.default)) };
}

const models = makeModels();
writeFileSync(join(models.folder, 'shipped.apr'), await asApr(models.path));
let browser;
const servers = {};

before(async () => {
  browser = await launchBrowser();
  const model = await load(models.path, { backend: 'wasm', threads: 1 });
  const server = await startServer({ model, host: '127.0.0.1', port: 0, demo: { page: join(root, 'dist', 'web'), models: models.folder } });
  servers['own server'] = { url: server.url, path: '/', isolated: true, close: async () => { await server.close(); await model.close(); } };
  const plain = await startStatic({
    mounts: { '/a/b/': join(root, 'dist', 'web'), '/a/b/models/': models.folder },
    routes: { '/a/b/models/slow.gguf': sendSlowly(models.bytes, { pieces: 40, pauseMs: 50 }), '/page.html': sendBytes('<!doctype html>', 'text/html') },
  });
  servers['plain server'] = { ...plain, path: '/a/b/', isolated: false };
});
after(async () => {
  await browser?.close();
  for (const server of Object.values(servers)) await server.close();
});

/** Records what the page shows from its start on: states, figures, progress, lengths of the story,
 *  and how long after the last key a story began. */
function record() {
  const seen = { states: [], figures: [], progress: [], story: [], violations: [], pauses: [] };
  window.seen = seen;
  const note = (list, value) => { if (list.at(-1) !== value) list.push(value); };
  document.addEventListener('securitypolicyviolation', (event) => seen.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
  let typedAt = 0;
  document.addEventListener('input', () => { typedAt = performance.now(); }, true);
  new MutationObserver(() => {
    if (typedAt && document.documentElement.dataset.state === 'reading') {
      seen.pauses.push(performance.now() - typedAt);
      typedAt = 0;
    }
    note(seen.states, document.documentElement.dataset.state);
    note(seen.figures, document.getElementById('detail')?.textContent);
    note(seen.progress, document.getElementById('progress')?.getAttribute('value'));
    note(seen.story, document.getElementById('story-text')?.textContent.length);
  }).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
}

/** Opens the page, hands it to `use` and checks that no policy was violated, nothing fetched from
 *  elsewhere and nothing printed that is not `expected`. */
async function withPage({ url, path }, use, { size = { width: 1280, height: 800 }, expected = [] } = {}) {
  const page = await browser.newPage({ viewport: size });
  const printed = [];
  const foreign = [];
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) printed.push(message.text()); });
  page.on('pageerror', (error) => printed.push(String(error)));
  page.on('request', (request) => { if (!/^blob:/.test(request.url()) && new URL(request.url()).origin !== url) foreign.push(request.url()); });
  await page.addInitScript(record);
  try {
    await page.goto(url + path);
    await use(page);
    assert.deepEqual(await page.evaluate(() => window.seen.violations), []);
    assert.deepEqual(printed.filter((line) => !expected.includes(line)), []);
    assert.deepEqual(foreign, []);
  } finally {
    await page.close();
  }
}

const state = (page, ...states) => page.waitForSelector(states.map((s) => `html[data-state=${s}]`).join(), { state: 'attached' });
const text = (page, selector) => page.locator(selector).innerText();
const fact = (page, name) => text(page, `[data-fact=${name}]`);
const storyLength = (page) => page.evaluate(() => document.getElementById('story-text').textContent.length);
const forget = (page) => page.evaluate(() => ['states', 'figures', 'progress', 'story'].forEach((name) => window.seen[name].splice(0)));
const seen = (page) => page.evaluate(() => window.seen);

/** Drops a file that the page fetches itself. */
async function drop(page, path, name) {
  await page.evaluate(async ([from, as]) => {
    const data = new DataTransfer();
    data.items.add(new File([await (await fetch(from)).blob()], as));
    const send = (type) => document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }));
    send('dragover');
    window.highlighted = getComputedStyle(document.getElementById('drop')).visibility;
    send('drop');
    window.afterDrop = getComputedStyle(document.getElementById('drop')).visibility;
  }, [path, name]);
  assert.deepEqual(await page.evaluate(() => [window.highlighted, window.afterDrop]), ['visible', 'hidden']);
}

async function loadUrl(page, url) {
  await page.fill('#url', url);
  await page.click('#load-url');
}

/** Waits for the alert and reads it. */
async function alertText(page) {
  await page.waitForSelector('#alert:not(:empty)');
  assert.equal(await page.getAttribute('#alert', 'role'), 'alert');
  return [await text(page, '#alert strong'), await text(page, '#alert p')];
}

for (const name of ['own server', 'plain server']) {
  describe(`the page (${name})`, () => {
    test('loads the shipped model at once and says what it is', () => withPage(servers[name], async (page) => {
      await state(page, 'ready');
      const { figures, progress, states } = await seen(page);
      const size = models.bytes.length;
      const shown = figures.filter((f) => / of .* MB, \d+ %$/.test(f));
      assert.ok(shown.length > 0, figures.join(' | '));
      const percents = shown.map((f) => Number(f.match(/(\d+) %$/)[1]));
      assert.deepEqual(percents, [...percents].sort((a, b) => a - b));
      assert.equal(percents.at(-1), 100);
      const mb = (size / 1e6).toFixed(size < 1e6 ? 2 : 1);
      assert.equal(shown.at(-1), `${mb} of ${mb} MB, 100 %`);
      assert.ok(progress.includes('1'), progress.join());
      assert.deepEqual(states.slice(-2), ['loading', 'ready']);
      const { isolated, threads } = await page.evaluate(() => ({ isolated: crossOriginIsolated, threads: navigator.hardwareConcurrency }));
      assert.equal(isolated, servers[name].isolated);
      assert.equal(await fact(page, 'threads'), String(isolated ? Math.min(threads, 8) : 1));
      assert.equal(await fact(page, 'variant'), 'relaxed');
      assert.match(await fact(page, 'memory'), /^\d+(\.\d+)? MB$/);
      assert.match(await fact(page, 'context'), /^[\d,]+ tokens$/);
      assert.match(await fact(page, 'type'), /^llama \w+, [\d.]+ [KMB] parameters$/);
      assert.notEqual(await fact(page, 'name'), '–');
      assert.equal(await page.locator('meta[http-equiv=Content-Security-Policy]').getAttribute('content'), policy);
      assert.equal(await page.locator('#chips button').count(), 5);
    }));

    test('tells a story when one pauses, again with another seed, and the same for a seed', () => withPage(servers[name], async (page) => {
      await state(page, 'ready');
      await page.locator('#line').pressSequentially('Once upon a time', { delay: 15 });
      await state(page, 'told');
      const line = 'Once upon a time';
      const first = await text(page, '#story-text');
      assert.ok(first.startsWith(`${line} `) || first.startsWith(`${line},`), first);
      assert.ok(first.length > line.length + 100, first);
      assert.equal(await text(page, '.first-line'), line);
      const { story, states, pauses } = await seen(page);
      assert.ok(pauses.every((ms) => ms >= 450), `a story began ${pauses} ms after a key`);
      assert.deepEqual(states.slice(-3), ['reading', 'telling', 'told']);
      assert.ok(story.filter((n) => n > line.length).length >= 2, `the story came at once: ${story}`);
      assert.match(await fact(page, 'speed'), /^read [\d,.]+, told [\d,.]+ tok\/s$/);
      assert.match(await text(page, '#detail'), /^\d+ tokens in \d+\.\d s$/);
      assert.equal(await page.getAttribute('#story', 'aria-live'), 'polite');
      assert.equal(await page.getAttribute('#story', 'aria-busy'), 'false');

      const seed = await page.inputValue('#seed');
      await page.click('#tell');
      await state(page, 'told');
      assert.equal(await text(page, '#story-text'), first);
      await page.click('#another');
      await page.waitForFunction((old) => document.getElementById('seed').value !== old, seed);
      await state(page, 'told');
      assert.notEqual(await text(page, '#story-text'), first);

      await page.click('.options summary');
      await page.fill('#seed', seed);
      await page.press('#seed', 'Enter');
      await page.waitForFunction((old) => document.getElementById('story-text').innerText === old, first);
      await page.locator('#length').fill('16');
      await page.waitForFunction(() => document.getElementById('detail').textContent.startsWith('16 tokens in '));
      assert.equal(await text(page, '#status'), 'Length reached');
      await page.locator('#chips button').first().click();
      await page.waitForFunction(() => document.querySelector('.first-line').textContent === document.querySelector('#chips button').textContent);
      await page.fill('#line', '');
      await page.waitForSelector('#story-empty', { state: 'visible' });
      assert.equal(await storyLength(page), 0);
    }));

    test('takes an .apr file, which a worker of its own reads', () => withPage(servers[name], async (page) => {
      await state(page, 'ready');
      await page.fill('#line', 'Once upon a time');
      await state(page, 'told');
      const told = await text(page, '#story-text');
      const facts = ['name', 'type', 'context', 'variant', 'threads'];
      const shown = await Promise.all(facts.map((f) => fact(page, f)));
      await forget(page);
      await loadUrl(page, 'models/shipped.apr');
      await page.waitForFunction(() => window.seen.states.includes('loading') && window.seen.states.at(-1) === 'told');
      assert.equal(await text(page, '#story-text'), told);
      assert.deepEqual(await Promise.all(facts.map((f) => fact(page, f))), shown);
      await workersEnd(page, Number(await fact(page, 'threads')));
    }));

    test('takes a dropped file; typing again and Stop end a story, in the prompt too', () => withPage(servers[name], async (page) => {
      await state(page, 'ready');
      await drop(page, 'models/big.gguf', 'mine.gguf');
      await page.waitForFunction(() => document.querySelector('[data-fact=name]').textContent === 'big random');
      assert.equal(await page.locator('#progress').isVisible(), false);
      await page.locator('#length').evaluate((e) => { e.value = e.max; e.dispatchEvent(new Event('change')); });

      await page.fill('#line', 'ba be bi');
      await page.press('#line', 'Enter');
      await state(page, 'telling');
      await page.waitForFunction(() => / tok\/s$/.test(document.querySelector('[data-fact=speed]').textContent));
      assert.match(await fact(page, 'speed'), /^[\d.,]+ tok\/s$/);
      const before = await storyLength(page);
      await page.waitForFunction((n) => document.getElementById('story-text').textContent.length > n + 20, before);
      await forget(page);
      await page.locator('#line').pressSequentially(' bo', { delay: 5 });
      await page.waitForFunction(() => document.querySelector('.first-line').textContent === 'ba be bi bo');
      await state(page, 'telling');
      const { states } = await seen(page); // a key ended the story, the pause began the next
      assert.deepEqual(states.slice(-3), ['ready', 'reading', 'telling']);

      await page.click('#stop');
      await state(page, 'stopped');
      const stopped = await storyLength(page);
      await page.waitForTimeout(200);
      assert.equal(await storyLength(page), stopped);
      assert.equal(await text(page, '#status'), 'Stopped');
      assert.equal(await page.isDisabled('#stop'), true);
      assert.equal(await page.evaluate(() => document.activeElement.id), 'another');

      await forget(page);
      await page.fill('#line', 'ba be bi bo bu '.repeat(110));
      await page.press('#line', 'Enter');
      await state(page, 'reading');
      await page.click('#stop');
      await state(page, 'stopped');
      assert.deepEqual((await seen(page)).states.filter((s) => s === 'telling'), []);
      await page.fill('#line', 'ba');
      await page.press('#line', 'Enter');
      await state(page, 'telling');
      assert.deepEqual(await page.locator('#alert').innerText(), '');
      /* one model: a worker for it and its threads, none of the one before */
      await workersEnd(page, servers[name].isolated ? Math.min(await page.evaluate(() => navigator.hardwareConcurrency), 8) : 1);
    }));
  });
}

describe('the page and what goes wrong', () => {
  test('shows the sentence and goes on with the model it has', () => withPage(servers['plain server'], async (page) => {
    const { url } = servers['plain server'];
    await state(page, 'ready');
    const name = await fact(page, 'name');
    await loadUrl(page, 'models/missing.gguf');
    assert.deepEqual(await alertText(page), ['Could not load missing.gguf', `${url}/a/b/models/missing.gguf answered 404 Not Found.`]);
    assert.equal(await fact(page, 'name'), name);
    await page.fill('#line', 'Once upon a time');
    await state(page, 'told');
    assert.equal(await text(page, '#alert'), '');

    await loadUrl(page, `${url}/page.html`);
    assert.deepEqual(await alertText(page), ['Could not load page.html', 'Not a GGUF file: it starts with bytes 3c 21 64 6f, as a web page does.']);
    await page.click('#alert .close');
    assert.equal(await text(page, '#alert'), '');
    await loadUrl(page, 'models/mamba.gguf');
    assert.deepEqual(await alertText(page), ['Could not load mamba.gguf', "Architecture 'mamba' is not supported."]);
    await page.setInputFiles('#file', { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('Dear diary') });
    await page.waitForFunction(() => /notes/.test(document.getElementById('alert').textContent));
    assert.deepEqual(await alertText(page), ['Could not load notes.txt', 'Not a GGUF file: it starts with bytes 44 65 61 72.']);

    await loadUrl(page, 'models/slow.gguf');
    await page.waitForFunction(() => / of .* MB, [1-9]\d? %$/.test(document.getElementById('detail').textContent));
    assert.equal(await page.locator('#progress').isVisible(), true);
    await page.click('#cancel');
    assert.deepEqual(await alertText(page), ['slow.gguf was not loaded', 'The load was cancelled.']);
    await page.waitForSelector('#cancel', { state: 'hidden' });
    assert.equal(await fact(page, 'name'), name);

    await page.fill('#url', 'not a url:');
    await loadUrl(page, 'models/big.gguf');
    await page.waitForFunction(() => document.querySelector('[data-fact=name]').textContent === 'big random');
    assert.equal(await text(page, '#alert'), '');
    await state(page, 'telling'); // the line in the field, with the new model
    await workersEnd(page, 1);
  }, { expected: [page404] }));

  test('tells what is missing where no model ships, and takes one', async () => {
    const bare = await startStatic({ mounts: { '/': join(root, 'dist', 'web'), '/other/': models.folder } });
    try {
      await withPage({ url: bare.url, path: '/' }, async (page) => {
        await state(page, 'empty');
        assert.deepEqual(await alertText(page), ['Could not load the model of this page', 'models/manifest.json answered 404: choose a model file or load one from a URL.']);
        assert.equal(await page.isDisabled('#tell'), true);
        await page.fill('#line', 'Once upon a time');
        await page.setInputFiles('#file', models.path);
        await state(page, 'told');
        assert.equal(await text(page, '#alert'), '');
      }, { expected: [page404] });
    } finally {
      await bare.close();
    }
  });
});

test('the page fits 360 pixels, with everything open and an alert', () => withPage(servers['own server'], async (page) => {
  const fits = async (when) => assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360, when);
  await state(page, 'ready');
  await fits('ready');
  await page.fill('#line', 'Once upon a time');
  await state(page, 'told');
  await page.click('.options summary');
  await fits('told');
  await loadUrl(page, `models/${'long-'.repeat(30)}name.gguf`);
  await alertText(page);
  await fits('alert');
  for (const id of ['line', 'tell', 'another', 'url', 'load-url', 'temperature', 'length', 'seed']) {
    const { x, width, height } = await page.locator(`#${id}`).boundingBox();
    assert.ok(x >= 0 && x + width <= 360 && height >= 40, `#${id} at ${x}, ${width} x ${height}`);
  }
}, { size: { width: 360, height: 740 }, expected: [page404] }));

test('the page can be used from the keyboard, and every control has a name', () => withPage(servers['own server'], async (page) => {
  await state(page, 'ready');
  const order = [];
  for (let i = 0; i < 13; i++) {
    await page.keyboard.press('Tab');
    order.push(await page.evaluate(() => document.activeElement.id || document.activeElement.tagName));
  }
  assert.deepEqual(order, ['A', 'line', 'tell', ...Array(5).fill('BUTTON'), 'SUMMARY', 'file', 'url', 'load-url', 'BODY']);
  const unnamed = await page.evaluate(() => [...document.querySelectorAll('button, input, progress, summary, article, aside')]
    .filter((e) => !(e.labels?.length || e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.textContent.trim()))
    .map((e) => e.outerHTML));
  assert.deepEqual(unnamed, []);
}));

test('the sources of the page pass the type checker', () => {
  execFileSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', join(root, 'web')], { stdio: 'inherit' });
});
