// What a page has to fetch: the package bundled as applications do it, and the wasm modules.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { root } from './helpers.mjs';

const gzipped = (data) => gzipSync(data, { level: 9 }).length;

/** Bundles and minifies a page that only loads; the files by name, without their hashes. */
async function bundle() {
  const entry = '\0entry';
  const { output } = await build({
    root,
    configFile: false,
    logLevel: 'error',
    build: { write: false, target: 'es2022', assetsInlineLimit: 0, modulePreload: false, rollupOptions: { input: 'entry' } },
    plugins: [{
      name: 'entry',
      resolveId: (id) => (id === 'entry' ? entry : undefined),
      load: (id) => (id === entry ? `import { load } from ${JSON.stringify(join(root, 'dist', 'index-browser.js'))}; globalThis.load = load;` : undefined),
    }],
  });
  return output.map((file) => ({
    name: file.fileName.replace(/^assets\//, '').replace(/-[\w-]{8}\./, '.'),
    data: Buffer.from(file.code ?? file.source),
  }));
}

test('what a page fetches to load a model is at most 25 KB of JavaScript, and all parts are emitted', async () => {
  const files = await bundle();
  const scripts = files.filter(({ name }) => name.endsWith('.js')).map(({ name, data }) => ({ name: name.replace(/^.*entry/, 'entry'), bytes: gzipped(data) }));
  const loaded = ['browser-pool.js', 'browser-worker.js', 'entry.js'];
  /* with the first conversation; with an .apr or llama2.c file, in a worker and on the page's thread; with a load on the page's thread */
  const later = ['render.js', 'browser-formats.js', 'adapt.js', 'load-local.js'];
  assert.deepEqual(scripts.map((s) => s.name).sort(), [...loaded, ...later].sort());
  const modules = files.filter(({ name }) => name.endsWith('.wasm')).map(({ name }) => name).sort();
  assert.deepEqual(modules, ['realizar-relaxed-threads.wasm', 'realizar-relaxed.wasm', 'realizar-simd-threads.wasm', 'realizar-simd.wasm']);
  for (const { name, data } of files) if (name !== 'render.js') assert.doesNotMatch(data.toString('latin1'), /raise_exception/, `${name} holds the chat templates`);
  console.log(`gzip -9: ${scripts.map(({ name, bytes }) => `${name} ${bytes}`).join(', ')}`);
  const bytes = Object.fromEntries(scripts.map((s) => [s.name, s.bytes]));
  const sum = loaded.reduce((n, name) => n + bytes[name], 0);
  assert.ok(sum <= 25_000, `${sum} bytes`);
  for (const name of later) assert.ok(bytes[name] <= 30_000, `${name}: ${bytes[name]} bytes`);
});

test('a wasm module is at most 120 KB', () => {
  const folder = join(root, 'dist', 'wasm');
  const sizes = readdirSync(folder).filter((f) => f.endsWith('.wasm')).map((file) => ({ file, bytes: gzipped(readFileSync(join(folder, file))) }));
  console.log(`gzip -9: ${sizes.map(({ file, bytes }) => `${file} ${bytes}`).join(', ')} bytes`);
  assert.equal(sizes.length, 4);
  for (const { file, bytes } of sizes) assert.ok(bytes <= 120_000, `${file}: ${bytes} bytes`);
});
