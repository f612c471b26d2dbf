// bench/native.c: that it reads prompts and writes tokens as the package does. Never how fast.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startNative } from '../../bench/native.mjs';
import { load } from '../../dist/index-node.js';
import { shippedModel } from './support.mjs';

test('answers line by line with rates and the tokens of the prompt', async () => {
  const model = await load(shippedModel, { vocabOnly: true });
  const engine = await startNative({ path: shippedModel, threads: 2, contextSize: 64 });
  assert.ok(engine.loadMs > 0);
  for (const [prompt, tokens] of [['Once upon a time', 1], ['The sea', 8]]) {
    const { prefill, decode, promptTokens } = await engine.generate(prompt, tokens);
    assert.equal(promptTokens, (await model.tokenize(prompt)).length);
    assert.ok(prefill > 0);
    assert.equal(decode > 0, tokens > 1);
  }
  await engine.close();
  await model.close();
});
