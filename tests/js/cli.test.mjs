// The command line, run as users run it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fixture, reference, root, shippedModel } from './support.mjs';
import { temporaryFolder } from '../temporary.mjs';

const main = join(root, 'dist', 'cli', 'main.js');
const temp = temporaryFolder('cli');

/** Runs the CLI; resolves with what it printed. */
function cli(args, { input = '', onOutput } = {}) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [main, ...args], { cwd: root });
    let out = '';
    let err = '';
    child.stdout.on('data', (d) => {
      out += d;
      onOutput?.(out, child);
    });
    child.stderr.on('data', (d) => (err += d));
    child.on('close', (status) => resolve({ status, out, err }));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

async function json(args, options) {
  const { status, out, err } = await cli([...args, '--format', 'json'], options);
  assert.equal(status, 0, err);
  return JSON.parse(out);
}

describe('realizar run', () => {
  test('continues a prompt with the shipped model', async () => {
    const { status, out, err } = await cli(['run', 'Once upon a time', '-n', '40', '--seed', '3']);
    assert.equal(status, 0, err);
    assert.equal(err, '');
    assert.ok(out.length > 40 && out.endsWith('\n'));
    const again = await json(['run', shippedModel, 'Once upon a time', '-n', '40', '--seed', '3']);
    assert.equal(`${again.text}\n`, out);
  });

  test('prints one JSON object with all the fields', async () => {
    for (const backend of ['wasm', 'native']) {
      const result = await json(['run', shippedModel, 'Once upon a time', '-n', '20', '-t', '0', '--threads', '1', '--backend', backend]);
      assert.deepEqual(Object.keys(result), ['model', 'backend', 'variant', 'threads', 'prompt_tokens', 'token_ids', 'text',
        'tokens_generated', 'load_ms', 'ttft_ms', 'prefill_tokens_per_second', 'decode_tokens_per_second',
        'peak_memory_bytes', 'finish_reason']);
      assert.equal(result.model, shippedModel);
      assert.equal(result.backend, backend);
      assert.equal(result.threads, 1);
      assert.equal(result.tokens_generated, 20);
      assert.equal(result.token_ids.length, 20);
      assert.equal(result.finish_reason, 'length');
      assert.ok(result.peak_memory_bytes > 1e6 && result.load_ms > 0 && result.ttft_ms > 0 && result.decode_tokens_per_second > 0);
    }
  });

  test('reads the prompt from standard input', async () => {
    const piped = await json(['run', '-n', '5', '-t', '0'], { input: 'Once upon a time\n' });
    const given = await json(['run', 'Once upon a time', '-n', '5', '-t', '0']);
    assert.deepEqual(piped.token_ids, given.token_ids);
  });

  test('starts on its own without a prompt', async () => {
    const result = await json(['run', '-n', '5']);
    assert.equal(result.prompt_tokens, 1);
  });

  test('streams: the first words come before the last are computed', async () => {
    const stamps = [];
    await cli(['run', 'Once upon a time', '-n', '200', '--backend', 'wasm'], { onOutput: (text) => stamps.push(text.length) });
    assert.ok(stamps.length > 3, `${stamps.length} writes`);
  });

  test('every sampling option is taken', async () => {
    const args = ['run', 'The', '-n', '8', '-t', '1.2', '--top-k', '5', '--top-p', '0.9', '--min-p', '0.1', '--repeat-penalty', '1.1', '--seed', '11'];
    assert.deepEqual((await json(args)).token_ids, (await json(args)).token_ids);
  });

  test('recorded greedy tokens', async () => {
    const recorded = reference('stories260K-BF16');
    if (!recorded) return;
    for (const backend of ['wasm', 'native']) {
      const result = await json(['run', recorded.model, recorded.prompt, '-n', '100', '-t', '0', '--backend', backend]);
      assert.deepEqual(result.token_ids, recorded.greedy_ids);
      assert.equal(result.text, recorded.greedy_text);
    }
  });

  test('says in one sentence what is wrong, with status 1', async () => {
    const broken = join(temp, 'broken.gguf');
    writeFileSync(broken, 'no model');
    const cut = join(temp, 'cut.gguf');
    writeFileSync(cut, readFileSync(shippedModel).subarray(0, 500_000));
    const cases = [
      [['run', 'nothing.gguf', 'hi'], 'error: cannot open nothing.gguf: there is no such file\n'],
      [['run', broken, 'hi'], 'error: not a GGUF file: it starts with bytes 6e 6f 20 6d\n'],
      [['run', shippedModel, ''], 'error: the prompt is empty: give it some text\n'],
    ];
    for (const [args, message] of cases) {
      assert.deepEqual(await cli(args), { status: 1, out: '', err: message }, args.join(' '));
    }
    assert.match((await cli(['run', cut, 'hi'])).err, /^error: tensor '.+' ends at byte \d+ of a file of 500000 bytes\n$/);
    const bad = await cli(['run', 'hi', '--top-k', 'many']);
    assert.equal(bad.status, 1);
    assert.match(bad.err, /^error: option '--top-k <n>' argument 'many' is invalid. It must be a whole number.\n/);
  });

  test('a closed pipe is no error', async () => {
    const result = await cli(['run', 'Once', '-n', '300'], { onOutput: (_, child) => child.stdout.destroy() });
    assert.equal(result.err, '');
  });
});

describe('realizar tokenize', () => {
  test('recorded ids, from an argument and from standard input', async () => {
    const recorded = reference('stories260K');
    if (!recorded) return;
    assert.deepEqual(await json(['tokenize', recorded.model, recorded.prompt]), { token_ids: recorded.prompt_ids });
    assert.deepEqual(await json(['tokenize', recorded.model], { input: recorded.prompt }), { token_ids: recorded.prompt_ids });
    assert.deepEqual(await json(['tokenize', recorded.model, recorded.prompt, '--no-bos']), { token_ids: recorded.prompt_ids.slice(1) });
    assert.deepEqual(await json(['tokenize', '-m', recorded.model, recorded.prompt]), { token_ids: recorded.prompt_ids });
  });

  test('vocabulary-only files', async () => {
    const path = fixture('tokenizers/gguf-vocab/ggml-vocab-gpt-2.gguf', 'tokenize with a vocabulary-only file');
    if (!path) return;
    assert.deepEqual(await json(['tokenize', path, 'Hello world']), { token_ids: [15496, 995] });
  });

  test('shows ids beside their text', async () => {
    const { out } = await cli(['tokenize', 'a fox']);
    assert.match(out, /^ {6}1 {2}"<s>"\n/);
  });
});

describe('realizar predict', () => {
  const sample = join(root, 'models', 'mnist_784x2.apr');
  const half = Array(784).fill(0.5);

  test('reads rows in every form from standard input or a file', async () => {
    const first = { prediction: 1, probability: 0.9001745581626892 };
    const second = { prediction: 1, probability: 0.5027927160263062 };
    for (const backend of ['native', 'wasm']) {
      const run = (input, ...more) => json(['predict', sample, '--backend', backend, ...more], { input: JSON.stringify(input) });
      assert.deepEqual(await run(half), { model: sample, kind: 'LogisticRegression', predictions: [first] });
      assert.deepEqual((await run([half, Array(784).fill(0)])).predictions, [first, second]);
      assert.deepEqual((await run({ features: [half] })).predictions, [first]);
    }
    const file = join(temp, 'features.json');
    writeFileSync(file, JSON.stringify(half));
    const { out } = await cli(['predict', sample, '--features', file]);
    assert.equal(out, '1 (probability of class 1: 0.9001745581626892)\n');
  });

  test('refuses what is no row of features', async () => {
    for (const [input, message] of [
      ['[1, 2]', 'this model takes 784 features, not 2'],
      ['[1, "x"]', 'the features must be a list of numbers, a list of such lists, or an object with "features"'],
      ['[]', 'this model takes 784 features, not 0'],
    ]) assert.equal((await cli(['predict', sample], { input })).err, `error: ${message}\n`);
    assert.match((await cli(['predict', sample], { input: '{' })).err, /^error: the features are no JSON: /);
    assert.equal((await cli(['predict', shippedModel], { input: '[1]' })).err, `error: ${shippedModel} is a language model: use \`realizar run\`\n`);
  });
});

describe('realizar info, bench and perplexity', () => {
  test('info describes the shipped model', async () => {
    const { status, out } = await cli(['info']);
    assert.equal(status, 0);
    for (const word of ['architecture  llama', 'Q8_0', 'parameters', 'layers', 'context', 'chat format   none']) assert.ok(out.includes(word), word);
    const object = await json(['info', shippedModel]);
    assert.equal(object.architecture, 'llama');
    assert.equal(object.metadata['tokenizer.ggml.model'], 'llama');
  });

  test('bench prints a row per test and number of threads', async () => {
    const { rows } = await json(['bench', '-m', shippedModel, '-p', '16', '-n', '4', '-t', '1,2', '-r', '2', '--backend', 'wasm', '--variant', 'simd']);
    assert.deepEqual(rows.map(({ test: name, backend, variant, threads }) => [name, backend, variant, threads]), [
      ['pp16', 'wasm', 'simd128', 1], ['tg4', 'wasm', 'simd128', 1], ['pp16', 'wasm', 'simd128', 2], ['tg4', 'wasm', 'simd128', 2],
    ]);
    for (const row of rows) assert.ok(row.mean > 0 && row.stddev >= 0);
    const { out } = await cli(['bench', '-p', '8', '-n', '0', '-r', '1', '--format', 'md']);
    assert.match(out, /^\| test \| backend \| variant \| threads \| tok\/s \|\n\|---\|---\|---\|---:\|---:\|\n\| pp8 \| native \| \w+ \| \d+ \| [\d.]+ ± 0.00 \|\n$/);
  });

  test('perplexity within 0.5 % of llama.cpp\'s', async () => {
    const model = fixture('gguf-models/stories260K.gguf', 'perplexity');
    if (!model) return;
    const text = fixture('eval-text/tinyshakespeare.txt', 'perplexity');
    const { perplexity, tokens, nll } = await json(['perplexity', model, text, '-c', '256', '--chunks', '20']);
    assert.equal(tokens, 20 * 127);
    assert.ok(Math.abs(perplexity / 70.9835 - 1) < 0.005, String(perplexity));
    assert.ok(Math.abs(perplexity - Math.exp(nll / tokens)) < 1e-9);
  });
});

describe('realizar serve', () => {
  test('refuses to start without a model', async () => {
    const { status, out, err } = await cli(['serve']);
    assert.equal(status, 1);
    assert.equal(out, '');
    assert.match(err, /^Usage: realizar serve/);
    assert.match(err, /error: give a model with --model, or --demo/);
  });

  test('serves, says where, and stops on SIGINT', async () => {
    const child = spawn(process.execPath, [main, 'serve', '--demo', '-p', '0'], { cwd: root });
    let err = '';
    const url = await new Promise((resolve) => child.stderr.on('data', (d) => {
      err += d;
      const found = err.match(/Server listening on (http:\/\/127\.0\.0\.1:\d+)/);
      if (found) resolve(found[1]);
    }));
    const health = await fetch(`${url}/health`);
    assert.equal(health.status, 200);
    assert.equal((await (await fetch(`${url}/`)).text()).startsWith('<!doctype html>'), true);
    const second = await cli(['serve', '--demo', '-p', new URL(url).port]);
    assert.equal(second.status, 1);
    assert.match(second.err, new RegExp(`error: cannot listen on 127.0.0.1:${new URL(url).port}: port \\d+ is in use`));
    child.kill('SIGINT');
    assert.equal(await new Promise((resolve) => child.on('exit', resolve)), 0);
  });
});

test('help and version', async () => {
  const { out } = await cli(['--help']);
  for (const command of ['run', 'chat', 'tokenize', 'info', 'bench', 'perplexity', 'predict', 'convert', 'quantize', 'serve']) assert.match(out, new RegExp(`^  ${command} `, 'm'));
  assert.equal((await cli(['--version'])).out, '0.1.0\n');
  const unknown = await cli(['frobnicate']);
  assert.equal(unknown.status, 1);
  assert.match(unknown.err, /^error: unknown command 'frobnicate'/);
});
