// What loading costs: natively from open to the first token beside llama.cpp, in the page from the
// last byte to a model that is ready.
//   node bench/load.mjs [--rounds 5]
import { parseArgs } from 'node:util';
import { closeBrowser, engines } from './engines.mjs';
import { describeMachine } from './machine.mjs';
import { makeModel } from './make-model.mjs';
import { promptOf } from './measure.mjs';
import { figure, ratio, table } from './report.mjs';

const { values: flags } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
const rounds = Number(flags.rounds);
const say = (text) => process.stdout.write(`${text}\n\n`);

/** Milliseconds from open to the first token after a prompt of 8, a process per round. */
async function firstToken(name, path) {
  const engine = await engines[name]({ path, threads: 2, contextSize: 512 });
  const started = performance.now();
  await engine.generate(promptOf(8), 1);
  const ms = engine.loadMs + performance.now() - started;
  await engine.close();
  return ms;
}

/** Beside llama.cpp, by turns. */
async function nativeRow(shape, mix) {
  const path = makeModel(shape, mix), times = { 'realizar native': [], 'llama.cpp native': [] };
  for (let round = 0; round <= rounds; round++) {
    for (const name of Object.keys(times)) {
      const ms = await firstToken(name, path);
      if (round > 0) times[name].push(ms);
    }
  }
  const [ours, theirs] = Object.values(times);
  return [`${shape} ${mix}`, figure(ours), figure(theirs), ratio(ours, theirs), '1'];
}

async function pageRow(variant, threads) {
  const times = [];
  for (let round = 0; round <= rounds; round++) {
    const engine = await engines[`realizar Chromium ${variant}`]({ path: makeModel('smollm2-135m', 'Q4_0'), threads, contextSize: 512 });
    if (round > 0) times.push(engine.afterLastByteMs);
    await engine.close();
  }
  return [variant, threads, figure(times), '300'];
}

const native = [], page = [];
for (const [shape, mix] of [['smollm2-135m', 'Q4_0'], ['tinyllama-1.1b', 'Q4_0'], ['tinyllama-1.1b', 'Q4_K_M']]) native.push(await nativeRow(shape, mix));
for (const variant of ['relaxed', 'simd']) for (const threads of [1, 2]) page.push(await pageRow(variant, threads));
say(describeMachine());
say(table('Load: ms from open to the first token, natively, 2 threads, files in the page cache', ['file', 'realizar', 'llama.cpp', 'ratio', 'asked for'], native));
say(table('Load: ms from the last byte to a model that is ready, in Chromium, smollm2-135m Q4_0 (91 MB)', ['variant', 'threads', 'ms', 'asked for'], page));
await closeBrowser();
process.exit(0);
