// What the Node tests share: fixtures, the shipped model, reading recorded results.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const folder = resolve(root, process.env.REALIZAR_FIXTURES ?? '../shared/fixtures');

/** Path of a fixture, or undefined after one line that says what is not run. */
export function fixture(path, what) {
  const full = join(folder, path);
  if (existsSync(full)) return full;
  console.log(`NOT RUN: ${what} (no ${path} in ${folder}; set REALIZAR_FIXTURES)`);
  return undefined;
}

const manifest = JSON.parse(readFileSync(join(root, 'models', 'manifest.json'), 'utf8'));
export const shippedModels = manifest.models.map((m) => ({ ...m, path: join(root, 'models', m.file) }));
export const shippedModel = join(root, 'models', manifest.default);

/** Recorded results of llama.cpp for a model of the fixtures. */
export function reference(name, prompt = 'p0') {
  const path = fixture(`gguf-models/reference/${name}.${prompt}.json`, `references of ${name}`);
  if (!path) return undefined;
  const logits = readFileSync(path.replace('.json', '.logits.f32'));
  return {
    ...JSON.parse(readFileSync(path, 'utf8')),
    logits: new Float32Array(logits.buffer, logits.byteOffset, logits.byteLength / 4),
    model: join(folder, 'gguf-models', `${name}.gguf`),
  };
}

export function largestDifference(a, b) {
  if (a.length !== b.length) throw new Error(`${a.length} and ${b.length} values`);
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i] - b[i]));
  return worst;
}

/** Whether two arrays of floats have the same bits. */
export function sameBits(a, b) {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));
}
