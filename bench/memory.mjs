// How much of what memory gives decoding reads: bytes of weights a second, of TinyLlama's shape, beside a plain sum.
//   node bench/memory.mjs [--rounds 5]
import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { weightTypes } from '../tests/js/gguf.mjs';
import { engines } from './engines.mjs';
import { describeMachine } from './machine.mjs';
import { makeModel } from './make-model.mjs';
import { promptOf } from './measure.mjs';
import { figure, ratio, table } from './report.mjs';
import { shapes, weightType } from './shapes.mjs';

const { values: flags } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
const program = fileURLToPath(new URL('../build/native/tests/c/check_kern', import.meta.url));

/** GB/s of one process that sums memory: the first line of `check_kern --bench`. */
async function readSweep() {
  const child = spawn(program, ['--bench'], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface(child.stdout)) {
    child.kill();
    return Number(line.match(/^memory read, 1 thread: ([\d.]+) GB\/s$/)[1]);
  }
  throw new Error('check_kern has ended');
}

/** Bytes a token reads: the file without its table of embeddings, of which it takes a row. */
function bytesPerToken(name, mix, path) {
  const shape = shapes[name], { block, bytes } = weightTypes[weightType(mix, 'token_embd.weight', 0, shape)];
  return statSync(path).size - (shape.vocabulary * shape.dim / block) * bytes;
}

async function row(mix, threads) {
  const path = makeModel('tinyllama-1.1b', mix), engine = await engines['realizar native C']({ path, threads, contextSize: 512 });
  const ours = [], plain = [];
  for (let round = 0; round <= Number(flags.rounds); round++) {
    const sweeps = await Promise.all(Array.from({ length: threads }, readSweep));
    const { decode } = await engine.generate(promptOf(8), 33);
    if (round === 0) continue;
    plain.push(sweeps.reduce((a, b) => a + b));
    ours.push((decode * bytesPerToken('tinyllama-1.1b', mix, path)) / 1e9);
  }
  await engine.close();
  return [mix, threads, figure(ours), figure(plain), ratio(ours, plain), '0.75'];
}

const rows = [];
for (const mix of ['Q4_0', 'Q4_K_M']) for (const threads of [1, 2]) rows.push(await row(mix, threads));
const title = 'TinyLlama\'s shape, native C: GB/s of weights while decoding, and of a plain sum (one process a thread)';
process.stdout.write(`${describeMachine()}\n\n${table(title, ['weights', 'threads', 'decode', 'sum', 'ratio', 'asked for'], rows)}\n`);
process.exit(0);
