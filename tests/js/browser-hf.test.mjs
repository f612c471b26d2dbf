// Hugging Face models in Chromium: from a base URL and from files, quantised while they load, in the worker and on the page.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from '../../dist/index-node.js';
import { packageInChromium, sendBytes } from './helpers.mjs';
import { filesOf, tinyLlama } from './hf.mjs';

const files = filesOf(tinyLlama({ width: 256, ff: 512, vocab: 64, layers: 2, heads: 4 }));
const routes = Object.fromEntries(Object.entries(files).map(([name, bytes]) => [`/hf/${name}`, sendBytes(bytes)]));
const { inPage } = packageInChromium(routes);
const ids = [3, 1, 4, 1, 5, 9, 2, 6];

for (const worker of [true, false]) {
  test(`a base URL and named files give the same model, quantised (${worker ? 'worker' : 'page'})`, async () => {
    const page = await inPage('plain', async (t, { names, ids, worker }) => {
      const options = { quantize: 'q8_0', worker, variant: 'simd' };
      const file = async (name) => new File([await t.fetchBytes(`/hf/${name}`)], name);
      const map = Object.fromEntries(names.map((name) => [name, `/hf/${name}`]));
      const results = [];
      for (const source of ['/hf/', map, await Promise.all(names.map(file))]) {
        results.push(await t.withModel(source, options, async (m) => ({
          logits: Array.from(await m.logits(ids)), embedding: Array.from(await m.embed(ids)), type: m.info.type, bytes: m.info.weightBytes,
        })));
      }
      return results;
    }, { names: Object.keys(files), ids, worker });
    const model = await load(files, { backend: 'wasm', variant: 'simd', quantize: 'q8_0' });
    const expected = { logits: Array.from(await model.logits(ids)), embedding: Array.from(await model.embed(ids)), type: 'Q8_0', bytes: model.info.weightBytes };
    await model.close();
    for (const result of page) assert.deepEqual(result, expected);
    assert.ok(expected.bytes < 0.3 * files['model.safetensors'].length, `${expected.bytes} bytes`);
  });
}
