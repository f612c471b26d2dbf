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
    worker: { format: 'es' },
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

test('a bundled page needs at most 25 KB of JavaScript, and all parts are emitted', async () => {
  const files = await bundle();
  const all = files.filter(({ name }) => name.endsWith('.js')).map(({ name, data }) => ({ name, bytes: gzipped(data) }));
  /* fetched only for .apr and llama2.c files: the page's and the worker's own copy */
  const late = ['adapt.js', 'esm.js'];
  const scripts = all.filter(({ name }) => !late.includes(name));
  assert.deepEqual(all.filter(({ name }) => late.includes(name)).map((s) => s.name).sort(), [late, late].flat().sort());
  assert.deepEqual(scripts.map((s) => s.name.replace(/^.*entry/, 'entry')).sort(), ['browser-pool.js', 'browser-worker.js', 'entry.js', 'render.js']);
  const modules = files.filter(({ name }) => name.endsWith('.wasm')).map(({ name }) => name).sort();
  assert.deepEqual(modules, ['realizar-relaxed-threads.wasm', 'realizar-relaxed.wasm', 'realizar-simd-threads.wasm', 'realizar-simd.wasm']);
  /* a page fetches what conversations need with its first one */
  const chat = scripts.splice(scripts.findIndex(({ name }) => name === 'render.js'), 1)[0];
  for (const { name, data } of files) if (name !== 'render.js') assert.doesNotMatch(data.toString('latin1'), /raise_exception/, `${name} holds the chat templates`);
  const total = scripts.reduce((sum, { bytes }) => sum + bytes, 0);
  console.log(`gzip -9: ${scripts.map(({ name, bytes }) => `${name} ${bytes}`).join(', ')}, together ${total} bytes; with the first conversation ${chat.bytes} more`);
  assert.ok(total <= 25_000, `${total} bytes`);
  assert.ok(chat.bytes <= 30_000, `${chat.bytes} bytes`);
});

// Of these the tokenizers take about 60 KB, a third of that tables of Unicode: categories and normal forms.
test('a wasm module is at most 140 KB', () => {
  const folder = join(root, 'dist', 'wasm');
  const sizes = readdirSync(folder).filter((f) => f.endsWith('.wasm')).map((file) => ({ file, bytes: gzipped(readFileSync(join(folder, file))) }));
  console.log(`gzip -9: ${sizes.map(({ file, bytes }) => `${file} ${bytes}`).join(', ')} bytes`);
  assert.equal(sizes.length, 4);
  for (const { file, bytes } of sizes) assert.ok(bytes <= 140_000, `${file}: ${bytes} bytes`);
});
