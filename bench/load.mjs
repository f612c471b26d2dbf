// What loading costs: natively from open to the first token beside llama.cpp, in the page from the
// last byte to a model that is ready.
//   node bench/load.mjs [--rounds 5]
import { parseArgs } from 'node:util';
import { closeBrowser, engines } from './engines.mjs';
import { describeMachine } from './machine.mjs';
import { makeModel } from './make-model.mjs';
import { median, promptOf, spread } from './measure.mjs';

const { values: flags } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
const rounds = Number(flags.rounds);
const say = (line) => process.stdout.write(`${line}\n`);
const figure = (values) => `${median(values).toFixed(0)} ± ${(100 * spread(values)).toFixed(0)} %`;

/** Milliseconds from open to the first token after a prompt of 8, a process per round. */
async function firstToken(name, path) {
  const engine = await engines[name]({ path, threads: 2, contextSize: 512 });
  const started = performance.now();
  await engine.generate(promptOf(8), 1);
  const ms = engine.loadMs + performance.now() - started;
  await engine.close();
  return ms;
}

say(describeMachine());
say('\nms from open to the first token, natively, 2 threads, files in the page cache\n\n| file | realizar | llama.cpp | ratio |\n|---|---:|---:|---:|');
for (const [shape, mix] of [['smollm2-135m', 'Q4_0'], ['tinyllama-1.1b', 'Q4_0'], ['tinyllama-1.1b', 'Q4_K_M']]) {
  const path = makeModel(shape, mix), times = { 'realizar native': [], 'llama.cpp native': [] };
  for (let round = 0; round <= rounds; round++) {
    for (const name of Object.keys(times)) {
      const ms = await firstToken(name, path);
      if (round > 0) times[name].push(ms);
    }
  }
  const [ours, theirs] = Object.values(times);
  say(`| ${shape} ${mix} | ${figure(ours)} | ${figure(theirs)} | ${(median(ours) / median(theirs)).toFixed(2)} |`);
}

say('\nms from the last byte to a model that is ready, in Chromium, smollm2-135m Q4_0 (91 MB)\n\n| variant | threads | ms |\n|---|---:|---:|');
for (const variant of ['relaxed', 'simd']) {
  for (const threads of [1, 2]) {
    const times = [];
    for (let round = 0; round <= rounds; round++) {
      const engine = await engines[`realizar Chromium ${variant}`]({ path: makeModel('smollm2-135m', 'Q4_0'), threads, contextSize: 512 });
      if (round > 0) times.push(engine.afterLastByteMs);
      await engine.close();
    }
    say(`| ${variant} | ${threads} | ${figure(times)} |`);
  }
}
await closeBrowser();
process.exit(0);
