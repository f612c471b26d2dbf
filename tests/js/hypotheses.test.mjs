// realizar bench hypotheses: from samples to verdicts, and the report's parts. Never how fast anything is.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { figure, judge, summarize } from '../../dist/cli/hypotheses/verdict.js';
import { reportText, testHypotheses } from '../../dist/cli/hypotheses.js';
import { root } from './support.mjs';

const upTo = (n) => Array.from({ length: n }, (_, i) => n - i);

describe('a median and its interval', () => {
  test('of the ranks that the binomial distribution gives', () => {
    assert.deepEqual(summarize('a', upTo(31)), { of: 'a', median: 16, low: 10, high: 22, samples: 31 });
    assert.deepEqual(summarize('a', upTo(100)), { of: 'a', median: 50.5, low: 40, high: 61, samples: 100 });
    assert.deepEqual(summarize('a', upTo(6)), { of: 'a', median: 3.5, low: 1, high: 6, samples: 6 });
  });

  test('of all there is where that is little', () => {
    assert.deepEqual(summarize('a', upTo(3)), { of: 'a', median: 2, low: 1, high: 3, samples: 3 });
    assert.deepEqual(summarize('a', [7], { atMost: 8 }), { of: 'a', median: 7, low: 7, high: 7, samples: 1, atMost: 8 });
  });
});

describe('a verdict', () => {
  const row = (low, high, bound) => ({ of: 'x', median: (low + high) / 2, low, high, samples: 31, ...bound });

  test('holds when whole intervals lie within their bounds', () => {
    const holds = { verdict: 'holds', reason: 'every interval lies within its bound' };
    assert.deepEqual(judge([row(0.5, 0.6, { atLeast: 0.5 }), row(1.9, 2, { atMost: 2 }), row(0, 9, {})]), holds);
  });

  test('fails when one reaches over', () => {
    assert.deepEqual(judge([row(0.49, 0.6, { atLeast: 0.5 }), row(1, 2, { atMost: 2 }), row(1, 2.04159, { atMost: 2 })], 'something is missing'),
      { verdict: 'fails', reason: 'x: 0.49 to 0.6, asked for at least 0.5; x: 1 to 2.04, asked for at most 2' });
  });

  test('is not given when something is missing', () => {
    assert.deepEqual(judge([row(0.5, 0.6, { atLeast: 0.5 })], 'this machine has 2'), { verdict: 'cannot be tested here', reason: 'this machine has 2' });
  });
});

test('figures have three digits', () => {
  assert.deepEqual([1.23456, 0, 200, 6.2e-8].map(figure), ['1.23', '0', '200', '6.2e-8']);
});

test('the text of a report', () => {
  const finding = (backend, more) => ({ id: 'H9', statement: 'It is so', method: 'Looked.', backend, ...more });
  const findings = [
    finding('native', { rows: [], ...judge([], 'the native add-on is not built') }),
    finding('wasm', { variant: 'simd128', rows: [summarize('n = 1', [0.25], { atMost: 0.5 })], verdict: 'holds', reason: 'r' }),
  ];
  assert.equal(reportText({ machine: 'M', rule: 'R', findings }), `# Hypotheses

M

R

## H9: It is so

Looked.

### H9, native: cannot be tested here

Because the native add-on is not built.

### H9, wasm (simd128): holds

Because r.

| | median | 95 % interval | asked for | samples |
|---|---:|---:|---:|---:|
| n = 1 | 0.25 | 0.25 to 0.25 | at most 0.5 | 1 |
`);
});

test('all five are measured natively and in wasm', async () => {
  const asked = [];
  const { machine, rule, findings } = await testHypotheses(1, (what) => asked.push(what));
  const names = ['H1', 'H2', 'H3', 'H4', 'H5'].flatMap((id) => [`${id}, native`, `${id}, wasm`]);
  assert.deepEqual(asked, names);
  assert.deepEqual(findings.map(({ id, backend }) => `${id}, ${backend}`), names);
  assert.match(machine, /^realizar [\d.]+; .+, \d+ processors, \d+ GiB, governor .+, load [\d.]+; \w+ \w+, Node\.js [\d.]+$/);
  assert.match(rule, /, 1 rounds after one that is not counted;/);
  for (const { id, rows, verdict, reason, variant } of findings) {
    assert.ok(variant && reason && ['holds', 'fails', 'cannot be tested here'].includes(verdict), id);
    for (const row of rows) assert.ok(row.low <= row.median && row.median <= row.high && row.samples >= 1 && row.of, `${id}: ${row.of}`);
  }
  const rowsOf = (id) => findings.filter((f) => f.id === id).map(({ rows }) => rows);
  for (const rows of rowsOf('H1')) assert.deepEqual(rows.map((r) => r.of.split(':')[0]), [64, 128, 256, 512, 1024, 2048].map((n) => `n = ${n}`));
  for (const [counted] of rowsOf('H2')) assert.ok(counted.median >= 1 && counted.median <= 2, counted.of);
  for (const { verdict } of findings.filter(({ id }) => id === 'H4')) assert.equal(verdict, 'holds');
  for (const rows of rowsOf('H5')) assert.deepEqual(rows.map((r) => r.of.split(':')[0]), [16, 128, 512, 2048].map((n) => `${n} keys`));
});

test('the options of `bench` are not those of the command', () => {
  const args = [join(root, 'dist', 'cli', 'main.js'), 'bench', 'hypotheses', '--format', 'json', '-p', '8'];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(status, 1);
  assert.equal(stderr, "error: unknown option '-p'\n(add --help for the options)\n");
});
