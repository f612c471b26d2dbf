// The layers of DESIGN.md, read off the #include and import lines.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { root } from './support.mjs';

/** Files below a folder with one of the extensions. */
function files(folder, extensions) {
  return readdirSync(join(root, folder), { recursive: true })
    .map((f) => join(folder, f))
    .filter((f) => !f.includes('node_modules') && extensions.some((e) => f.endsWith(e)) && statSync(join(root, f)).isFile());
}

/** Names of the layer each C file belongs to, lowest layer first; a file may include its own and
 *  lower ones, but load and kern do not see each other. */
const cLayers = [
  { name: 'base', files: ['base', 'err', 'arena', 'read', 'dtype', 'dtype_parts', 'dtype_k', 'dtype_iq', 'dtype_levels', 'pack', 'quantize', 'pool', 'pool_posix', 'pool_wasm', 'math64', 'unicode', 'unicode_forms', 'unicode_forms_wasm', 'normalize', 'regex', 'regex_parse', 'regex_build', 'regex_class', 'regex_match', 'trie', 'json'] },
  { name: 'load', files: ['gguf', 'safetensors', 'load'] },
  { name: 'kern', files: [], not: ['load'] },
  { name: 'model', files: ['predict', 'apr', 'config', 'arch', 'bind', 'hf', 'hf_files', 'hf_config', 'hf_names', 'hf_meta', 'rope', 'model', 'norm', 'norm_spaces', 'pretok', 'pretok_kinds', 'vocab', 'vocab_gguf', 'vocab_json', 'vocab_spm', 'vocab_steps', 'tok', 'tok_merge', 'tok_spm', 'tok_bpe', 'tok_wpm', 'tok_ugm', 'tok_decode', 'kv', 'sample', 'forward', 'feed_forward', 'attend', 'product'] },
  { name: 'engine', files: ['engine'] },
];

function cLayerOf(file) {
  if (dirname(file).endsWith('kern')) return cLayers.findIndex((l) => l.name === 'kern');
  const stem = basename(file).replace(/\..*$/, '');
  const index = cLayers.findIndex((l) => l.files.includes(stem));
  assert.notEqual(index, -1, `${file} belongs to no layer: add it to tests/js/layers.test.mjs and DESIGN.md`);
  return index;
}

function includes(file) {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/^#include "([^"]+)"/gm)].map((m) => relative(root, join(root, dirname(file), m[1])));
}

test('C files include their own layer and lower ones only', () => {
  for (const file of files('src', ['.c', '.h'])) {
    if (basename(file) === 'rz.h') continue;
    const own = cLayers[cLayerOf(file)];
    for (const included of includes(file)) {
      if (basename(included) === 'rz.h' || included.endsWith('.inc') || included.endsWith('.inc.c')) continue;
      const other = cLayers[cLayerOf(included)];
      assert.ok(cLayerOf(included) <= cLayerOf(file), `${file} (${own.name}) includes ${included} (${other.name})`);
      assert.ok(!own.not?.includes(other.name), `${file} (${own.name}) includes ${included} (${other.name})`);
    }
  }
});

test('wasm/abi.c, the programs of bench and the add-on see rz.h alone', () => {
  for (const file of ['wasm/abi.c', 'bench/native.c', 'bench/predict.c']) assert.deepEqual(includes(file), ['src/rz.h']);
  const own = ['addon.c', 'predict.c', 'addon.h'].flatMap((f) => includes(`addon/${f}`)).map((f) => basename(f));
  assert.deepEqual(own, ['addon.h', 'addon.h', 'rz.h']);
});

test('the engine reads no files, prints nothing, never exits', () => {
  for (const file of files('src', ['.c', '.h', '.inc.c'])) {
    const text = readFileSync(join(root, file), 'utf8');
    assert.doesNotMatch(text, /#include <(stdio|math|locale|time|fcntl)\.h>/, file);
    assert.doesNotMatch(text, /\b(printf|fopen|exit|abort)\s*\(/, file);
  }
});

test('in js/ only abi.ts calls exports and only platform/ names its host', () => {
  for (const file of files('js', ['.ts'])) {
    const code = readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    if (file !== 'js/abi.ts') assert.doesNotMatch(code, /rz_abi_|instance\.exports/, `${file} calls an export`);
    if (dirname(file) === 'js/platform') continue;
    assert.doesNotMatch(code, /['"]node:/, `${file} imports from Node.js`);
    assert.doesNotMatch(code, /\bnew Worker\(|\bnavigator\b/, `${file} names a host's objects`);
  }
});

test('a hand-written file has at most 700 lines', () => {
  const all = [...files('src', ['.c', '.h']), ...files('js', ['.ts']), ...files('tests', ['.c', '.h', '.mjs']),
    ...files('wasm', ['.c']), ...files('addon', ['.c']), 'bench/native.c', 'bench/predict.c', ...files('tools', ['.mjs', '.py'])];
  for (const file of all) {
    const lines = readFileSync(join(root, file), 'utf8').split('\n').length - 1;
    assert.ok(lines <= 700, `${file} has ${lines} lines`);
  }
});
