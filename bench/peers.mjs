// npm run bench:peers: realizar beside wllama and llama.cpp (natively and as wasm) on the same files, and what the other
// programs of this folder measure, into bench/RESULTS.md.
//   node bench/peers.mjs [--rounds 5] [--only smollm2-135m/Q4_0]
// Engines of one table run by turns; figures are medians over the rounds.
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { closeBrowser, engines } from './engines.mjs';
import { describeMachine } from './machine.mjs';
import { makeModel } from './make-model.mjs';
import { measure } from './measure.mjs';
import { buildLlamaWasm } from './peers/build-llama-wasm.mjs';
import { figure, ratio, table } from './report.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const { values: flags } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, only: { type: 'string' } } });

/** Floors of the issue that asked for speed: ours over the peer, decode and prefill. */
const files = [
  { shape: 'smollm2-135m', mix: 'Q4_0', floors: { relaxed: [8, 20], simd: [4, 8] }, native: true },
  { shape: 'smollm2-135m', mix: 'Q8_0', floors: { relaxed: [4, 12], simd: [3, 6] } },
  { shape: 'tinyllama-1.1b', mix: 'Q4_0', floors: { relaxed: [8, 20], simd: [4, 8] }, native: true },
  { shape: 'tinyllama-1.1b', mix: 'Q4_K_M', floors: { relaxed: [3.5, 10], simd: [2, 4] }, native: true },
];

const say = (text) => process.stderr.write(`${text}\n`);

function installPeers() {
  if (!existsSync(join(here, 'peers', 'node_modules', 'node-llama-cpp'))) {
    say('installing the peers');
    const options = ['--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund'];
    const { status, stderr } = spawnSync('npm', ['install', ...options], { cwd: join(here, 'peers'), encoding: 'utf8' });
    if (status !== 0) throw new Error(`npm install in bench/peers: ${stderr}`);
  }
  buildLlamaWasm();
}

async function compare(names, options, tokens) {
  const opened = {};
  for (const name of names) opened[name] = await engines[name](options);
  const results = await measure(opened, { ...tokens, rounds: Number(flags.rounds), say });
  for (const engine of Object.values(opened)) await engine.close();
  return results;
}

/** One line per engine; ratios are to `base`. */
function comparison(title, results, base, floorOf) {
  const rows = Object.entries(results).map(([name, { prefill, decode }]) => {
    const floor = floorOf(name);
    return [name, figure(decode), figure(prefill), ratio(decode, results[base].decode), ratio(prefill, results[base].prefill), floor ? `${floor[0]} / ${floor[1]}` : ''];
  });
  return table(title, ['engine', 'decode', 'prefill', 'decode ratio', 'prefill ratio', 'asked for'], rows);
}

const short = { pp: 128, tg: 32 };
const few = { pp: 32, tg: 8 };

/** In the page, one thread, against wllama and against llama.cpp with the kernels for SIMD128 that wllama ships without. */
async function inPage({ shape, mix, floors }) {
  const names = ['wllama Chromium', 'llama.cpp wasm Chromium', 'realizar Chromium relaxed', 'realizar Chromium simd'];
  const tokens = shape.startsWith('tiny') ? few : short;
  const results = await compare(names, { path: makeModel(shape, mix), threads: 1, contextSize: 512 }, tokens);
  const { 'wllama Chromium': _, ...withOwnKernels } = results;
  const where = `${shape}, ${mix}: in Chromium, one thread (prompt ${tokens.pp}, then ${tokens.tg} tokens; tok/s)`;
  return [
    comparison(where, results, 'wllama Chromium', (name) => floors[name.split(' ')[2]]),
    comparison('The same beside llama.cpp as wasm with its own kernels for SIMD128, which wllama ships without',
      withOwnKernels, 'llama.cpp wasm Chromium', (name) => ({ 'realizar Chromium relaxed': [1.8, 4] })[name]),
  ].join('\n\n');
}

/** Against llama.cpp: our native build, from Node.js and from C, and our wasm in Chromium. */
async function besideNative({ shape, mix }, threads) {
  const names = ['llama.cpp native', 'realizar native', 'realizar native C', 'realizar Chromium relaxed'];
  const results = await compare(names, { path: makeModel(shape, mix), threads, contextSize: 512 }, short);
  const floors = { 'realizar native': [1.5, 2], 'realizar Chromium relaxed': [0.9, 0.7] };
  const title = `${shape}, ${mix}: beside native llama.cpp, ${threads} thread${threads > 1 ? 's' : ''} (prompt ${short.pp}, then ${short.tg} tokens; tok/s)`;
  return comparison(title, results, 'llama.cpp native', (name) => floors[name]);
}

/** What another program of this folder measures, as it prints it. */
function measuredBy(program) {
  say(program);
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(here, program)], { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${program}: ${stderr}`);
  return `## \`node bench/${program}\`\n\n${stdout.trim()}`;
}

installPeers();
const parts = [
  '# Results',
  'Written by `npm run bench:peers`; figures are medians ± half the distance between the quartiles. Engines of a table ran by turns.',
  '## `node bench/peers.mjs`',
  describeMachine(),
];
for (const file of files) {
  if (flags.only && flags.only !== `${file.shape}/${file.mix}`) continue;
  parts.push(await inPage(file));
  if (file.native) for (const threads of [1, 2]) parts.push(await besideNative(file, threads));
}
await closeBrowser();
if (!flags.only) parts.push(...['memory.mjs', 'load.mjs', 'scaling.mjs', 'predict.mjs'].map(measuredBy));
const text = `${parts.join('\n\n')}\n`;
if (!flags.only) writeFileSync(join(here, 'RESULTS.md'), text);
process.stdout.write(text);
process.exit(0);
