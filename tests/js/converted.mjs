// What the tests of written files share: the command line, a folder for its files, reading them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseGguf } from '../../dist/formats/gguf.js';
import { load } from '../../dist/index-node.js';
import { root } from './support.mjs';
import { temporaryFolder } from '../temporary.mjs';

const main = join(root, 'dist', 'cli', 'main.js');
/** Where written files go. */
export const temp = temporaryFolder('convert');
export const out = (name) => join(temp, name);

/** Runs the command line. */
export function cli(...args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [main, ...args], { cwd: root });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (d) => (stdout += d));
    child.stderr.on('data', (d) => (stderr += d));
    child.on('close', (status) => resolve({ status, out: stdout, err: stderr }));
    child.stdin.end();
  });
}

/** What a command prints that succeeds. */
export async function works(...args) {
  const { status, out: text, err } = await cli(...args);
  assert.equal(status, 0, err);
  return text;
}

/** A command that fails with this sentence. */
export async function fails(message, ...args) {
  const { status, err } = await cli(...args);
  assert.equal(status, 1);
  assert.equal(err, `error: ${message}\n`);
}

/** Header and tensors of a GGUF file. */
export function read(path) {
  const bytes = readFileSync(path);
  const model = parseGguf(bytes);
  return { ...model, data: (t) => bytes.subarray(t.offset, t.offset + t.bytes), byName: new Map(model.tensors.map((t) => [t.name, t])) };
}

/** A file's logits of tokens, natively. */
export async function logits(path, ids) {
  const model = await load(path, { threads: 1 });
  try {
    return await model.logits(ids);
  } finally {
    await model.close();
  }
}
