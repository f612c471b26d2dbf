// npm test: set-up, build, every test, and one line at the end: `N passed, N failed`.
//   node tools/test.mjs [c] [sanitize] [neon] [counts] [js] [conformance]    only these groups, on what is built
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { build, buildWasmChecks, cmake } from './build.mjs';
import { compareCounts } from './count.mjs';
import { root, runShown, say } from './lib.mjs';
import { setUp } from './setup.mjs';

const total = { passed: 0, failed: 0 };
const notRun = new Set();

function count(passed, failed) {
  total.passed += passed;
  total.failed += failed;
}

/** What tests say they could not run is repeated at the end. */
function collectNotRun(output) {
  for (const line of output.split('\n')) {
    const at = line.indexOf('NOT RUN:');
    if (at >= 0) notRun.add(line.slice(at));
  }
}

/** ctest: each program prints "name: N passed, M failed"; one that does not has crashed. */
async function runC(folder, { only = '.', env = {} } = {}) {
  const args = ['--test-dir', join('build', folder), '--verbose', '--no-tests=error', '--tests-regex', only,
    '--parallel', `${availableParallelism()}`];
  const { status, output } = await runShown('ctest', args, { env: { ...process.env, ...env } });
  collectNotRun(output);
  let failed = 0;
  for (const [, p, f] of output.matchAll(/^\d+: \w+: (\d+) passed, (\d+) failed$/gm)) {
    count(Number(p), Number(f));
    failed += Number(f);
  }
  if (status !== 0 && failed === 0) count(0, 1);
}

function testFiles(folder) {
  return readdirSync(join(root, folder)).filter((f) => f.endsWith('.test.mjs')).map((f) => join(folder, f));
}

/** node --test; a skipped or unfinished test counts as failed. */
async function runNode(folder) {
  const args = ['--test', '--test-reporter=spec', '--test-concurrency=1', ...testFiles(folder)];
  const { status, output } = await runShown(process.execPath, args);
  collectNotRun(output);
  const number = (name) => Number(output.match(new RegExp(`^ℹ ${name} (\\d+)$`, 'm'))?.[1] ?? 0);
  const failed = number('fail') + number('cancelled') + number('skipped') + number('todo');
  count(number('pass'), failed || (status === 0 ? 0 : 1));
}

/** A program that ends with "name: N passed, M failed", or says why it could not run. */
async function runProgram(...args) {
  const { status, output } = await runShown(process.execPath, args);
  collectNotRun(output);
  const [, passed = 0, failed = 0] = output.match(/(\d+) passed, (\d+) failed\s*$/) ?? [];
  count(Number(passed), Number(failed) || (status === 0 ? 0 : 1));
}

const groups = {
  async c() {
    say('C tests');
    await runC('native');
  },
  async sanitize() {
    say('C tests with AddressSanitizer and UBSan');
    cmake('sanitize', ['-DRZ_SANITIZE=ON']);
    await runC('sanitize');
  },
  async neon() {
    if (process.arch === 'arm64') return; /* the first group ran there */
    say('kernel tests for AArch64 under qemu');
    const targets = ['check_kern', 'test_kv', 'test_types_matmul'];
    cmake('neon', ['-DCMAKE_TOOLCHAIN_FILE=tools/aarch64.cmake'], { targets });
    await runC('neon', { only: `^(${targets.join('|')}|check_kern_without_dotprod)$`, env: { QEMU_CPU: 'max' } });
  },
  async counts() {
    say('instruction counts of the kernels');
    const { passed, failed, notRun: reason } = compareCounts();
    count(passed, failed);
    if (reason) collectNotRun(`NOT RUN: ${reason}`);
  },
  async js() {
    say('JavaScript tests: Node.js, Chromium, workerd');
    buildWasmChecks();
    await runNode('tests/js');
  },
  async conformance() {
    say('models and written files against llama.cpp');
    await runProgram('tests/conformance/models.mjs', '--check');
    await runProgram('tests/conformance/written.mjs');
  },
};

const chosen = process.argv.slice(2);
if (chosen.length === 0) {
  setUp({ forTests: true });
  await build();
}
for (const [name, group] of Object.entries(groups)) {
  if (chosen.length === 0 || chosen.includes(name)) await group();
}
for (const line of notRun) process.stdout.write(`${line}\n`);
process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
process.exit(total.failed || !total.passed ? 1 : 0);
