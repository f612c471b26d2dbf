// The same weights as a GGUF file and as a Hugging Face model compute the same. The GGUF side is compared with
// llama.cpp in the conformance tests.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from '../../dist/index-node.js';
import { tinyModel } from '../conformance/architectures.mjs';
import { huggingFace, huggingFaceNames } from '../conformance/huggingface.mjs';
import { largestDifference } from './support.mjs';

const ids = [1, 5, 270, 33, 7, 260, 259, 64, 100, 2, 17, 281, 40, 41, 42, 43];

async function outputs(source, encoder) {
  const model = await load(source, { backend: 'wasm' });
  try {
    return encoder ? await model.embed(ids, { pooling: 'mean' }) : await model.logits(ids);
  } finally {
    await model.close();
  }
}

for (const name of huggingFaceNames) {
  test(`${name} is the same from safetensors as from GGUF`, async () => {
    const bytes = new Uint8Array(tinyModel(name));
    const encoder = name.endsWith('bert');
    const error = largestDifference(await outputs(huggingFace(name, bytes), encoder), await outputs(bytes, encoder));
    assert.ok(error < 2e-4, `off by ${error}`);
  });
}
