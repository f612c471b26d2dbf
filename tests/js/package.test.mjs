// The package as npm would publish it.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root, shippedModels } from './support.mjs';

const read = (path) => readFileSync(join(root, path), 'utf8');
const manifest = JSON.parse(read('package.json'));

test('installs without scripts', () => {
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish']) {
    assert.equal(manifest.scripts[name], undefined, name);
  }
});

test('js/version.ts and rz.h agree with package.json', async () => {
  const { version } = await import('../../dist/version.js');
  assert.equal(version, manifest.version);
});

test('holds what the exports name, the wasm modules, the page and the models', () => {
  const [{ files }] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  const packed = new Set(files.map((f) => f.path));
  const targetsOf = (e) => (typeof e === 'string' ? [e] : Object.values(e).flatMap(targetsOf));
  const targets = targetsOf(manifest.exports);
  for (const target of targets) {
    if (!target.includes('*')) assert.ok(packed.has(target.replace('./', '')), target);
  }
  for (const variant of ['simd', 'simd-threads', 'relaxed', 'relaxed-threads']) assert.ok(packed.has(`dist/wasm/realizar-${variant}.wasm`), variant);
  assert.ok(packed.has('dist/web/index.html'));
  assert.ok(packed.has(manifest.bin.realizar));
  for (const model of shippedModels) assert.ok(packed.has(`models/${model.file}`), model.file);
});

test('the models are those of their manifest, together at most 3 MB', () => {
  let bytes = 0;
  for (const model of shippedModels) {
    const data = readFileSync(model.path);
    assert.equal(data.length, model.bytes, model.file);
    assert.equal(createHash('sha256').update(data).digest('hex'), model.sha256, model.file);
    bytes += data.length;
  }
  assert.ok(bytes <= 3_000_000, `${bytes} bytes`);
});

test('no tracked file names a registry host or a path of a build machine', () => {
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean);
  const hosts = /https?:\/\/(deb|registry|files|static|index)\./;
  for (const file of tracked.filter((f) => !f.endsWith('.gguf') && f !== 'tests/js/package.test.mjs')) {
    const text = read(file);
    assert.doesNotMatch(text, hosts, file);
    assert.doesNotMatch(text, /\/work\/|\/home\/\w+\//, file);
  }
});
