// Instructions of the hot kernels, counted by valgrind, against those on record: a change that makes a
// kernel longer shows, whatever else the machine does.
//   node tools/count.mjs            compare with tests/c/instructions.json
//   node tools/count.mjs --record   write it
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root, run } from './lib.mjs';

const record = join(root, 'tests', 'c', 'instructions.json');
const allowed = 1.05;

function compiler() {
  return run('cc', ['--version']).split('\n')[0];
}

/** Calls and instructions by kernel. */
function count() {
  const folder = mkdtempSync(join(tmpdir(), 'realizar-count-')), out = join(folder, 'out');
  try {
    run('valgrind', ['--tool=callgrind', `--callgrind-out-file=${out}`, join(root, 'build', 'native', 'tests', 'c', 'count_kern'), 'avx2']);
    const text = run('callgrind_annotate', ['--inclusive=yes', '--threshold=100', out]);
    const counts = {};
    for (const [, number, name] of text.matchAll(/^\s*([\d,]+) .*?:(matmul_\w+|attend_floats|attend_bytes) \[/gm)) {
      counts[name] = Number(number.replaceAll(',', ''));
    }
    return counts;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Resolves with {passed, failed, notRun}: one check per kernel. */
export function compareCounts() {
  if (process.arch !== 'x64' || !readFileSync('/proc/cpuinfo', 'utf8').includes('avx2')) return { passed: 0, failed: 0, notRun: 'instruction counts (no AVX2)' };
  const recorded = JSON.parse(readFileSync(record, 'utf8'));
  if (recorded.compiler !== compiler()) return { passed: 0, failed: 0, notRun: `instruction counts (recorded with ${recorded.compiler}, this is ${compiler()})` };
  const counts = count();
  let failed = 0;
  for (const [name, expected] of Object.entries(recorded.instructions)) {
    const ratio = (counts[name] ?? Infinity) / expected, good = ratio <= allowed;
    if (!good) failed++;
    process.stdout.write(`${good ? 'ok' : 'FAILED'} ${name}: ${counts[name]} instructions, ${ratio.toFixed(3)} of those on record\n`);
  }
  return { passed: Object.keys(recorded.instructions).length - failed, failed };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv[2] === '--record') {
    writeFileSync(record, `${JSON.stringify({ compiler: compiler(), instructions: count() }, null, 2)}\n`);
  } else {
    process.exitCode = compareCounts().failed ? 1 : 0;
  }
}
