// The engines by name: each opens a model and generates from a prompt.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchBrowser, startStatic } from '../tests/js/helpers.mjs';
import { startChild } from './child.mjs';
import { startNative } from './native.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);

let server, browser;

/** A page of its own per engine, with the headers that shared memory needs. */
async function openPage(engine, options) {
  server ??= await startStatic({
    isolated: true,
    mounts: {
      '/dist/': join(root, 'dist'), '/peers/': join(here, 'peers'), '/llama-wasm/': join(root, 'build', 'llama-wasm'),
      '/models/': join(here, '.models'), '/': join(here, 'page'),
    },
  });
  browser ??= await launchBrowser();
  const page = await browser.newPage();
  page.setDefaultTimeout(0);
  await page.goto(`${server.url}/index.html`);
  await page.waitForFunction(() => window.ready);
  const url = options.path.replace(/^.*\.models\//, '/models/');
  const started = performance.now();
  const afterLastByteMs = await page.evaluate(([e, o]) => window.openEngine(e, o), [engine, { ...options, url }]);
  return {
    afterLastByteMs,
    loadMs: performance.now() - started,
    generate: (prompt, tokens) => page.evaluate(([p, n]) => window.generate(p, n), [prompt, tokens]),
    close: () => page.close(),
  };
}

const ours = join(here, 'ours.mjs');

export const engines = {
  'realizar native': (o) => startChild(ours, { ...o, backend: 'native' }),
  'realizar native C': startNative,
  'realizar Node simd': (o) => startChild(ours, { ...o, backend: 'wasm', variant: 'simd' }),
  'realizar Chromium relaxed': (o) => openPage('realizar', { ...o, variant: 'relaxed' }),
  'realizar Chromium simd': (o) => openPage('realizar', { ...o, variant: 'simd' }),
  'wllama Chromium': (o) => openPage('wllama', o),
  'llama.cpp wasm Chromium': (o) => openPage('llamaWasm', o),
  'llama.cpp native': (o) => startChild(join(here, 'peers', 'llama-cpp.mjs'), o),
};

export async function closeBrowser() {
  await browser?.close();
  await server?.close();
}
