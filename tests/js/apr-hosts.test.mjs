// .apr files in Chromium and workerd: a predictor, a compressed one and a language model.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { unstable_startWorker } from 'wrangler';
import { load } from '../../dist/index-node.js';
import { trainSample } from '../../tools/train-sample.mjs';
import { asApr, compressV1 } from './apr-files.mjs';
import { packageInChromium, sendBytes } from './helpers.mjs';
import { root, shippedModel } from './support.mjs';
import { temporaryFolder } from '../temporary.mjs';

const sample = Buffer.from(trainSample());
const half = 0.9001745581626892;

const language = await asApr(shippedModel);

describe('in Chromium', () => {
  const { inPage } = packageInChromium({
    '/sample.apr': sendBytes(sample), '/lz4.apr': sendBytes(compressV1(sample, 3)), '/zstd.apr': sendBytes(compressV1(sample, 1)), '/model.apr': sendBytes(language),
  });

  for (const worker of [true, false]) {
    test(`a predictor predicts ${worker ? 'in a worker' : 'on the page'}`, async () => {
      for (const file of ['/sample.apr', '/lz4.apr', '/zstd.apr']) {
        const { out, predictor } = await inPage('plain', (t, { file, worker }) => t.withModel(file, { worker }, async (model) => ({
          out: Array.from(await model.predict(new Float32Array(784).fill(0.5))), predictor: model.info.predictor,
        })), { file, worker });
        assert.deepEqual(out, [half]);
        assert.equal(predictor.kind, 'LogisticRegression');
      }
    });
  }

  test('a language model of version 2 says the same as its GGUF file', async () => {
    const expected = await load(shippedModel, { backend: 'wasm', threads: 1 });
    const settings = { temperature: 0, maxTokens: 24 };
    const { text } = await expected.generate('Once upon a time', settings);
    await expected.close();
    const got = await inPage('isolated', (t, settings) => t.withModel('/model.apr', {}, async (model) => (await model.generate('Once upon a time', settings)).text), settings);
    assert.equal(got, text);
  });
});

test('a predictor predicts in workerd', async (t) => {
  const folder = temporaryFolder('workerd');
  writeFileSync(join(folder, 'worker.mjs'), `
    import { load } from ${JSON.stringify(join(root, 'dist', 'index-workerd.js'))};
    import simd from ${JSON.stringify(join(root, 'dist', 'wasm', 'realizar-simd.wasm'))};
    export default {
      async fetch(request) {
        const model = await load(await request.arrayBuffer(), { modules: { simd } });
        return Response.json(Array.from(await model.predict(new Float32Array(784).fill(0.5))));
      },
    };`);
  const worker = await unstable_startWorker({
    entrypoint: join(folder, 'worker.mjs'), compatibilityDate: '2026-01-01', name: 'predict',
    dev: { server: { hostname: '127.0.0.1', port: 0 }, inspector: false, watch: false, logLevel: 'error' },
  });
  t.after(() => worker.dispose());
  await worker.ready;
  for (const body of [sample, compressV1(sample, 1), compressV1(sample, 3)]) {
    const response = await fetch(await worker.url, { method: 'POST', body });
    assert.deepEqual(await response.json(), [half]);
  }
});
