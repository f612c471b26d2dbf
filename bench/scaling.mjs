// How the cost of a token grows with the context, and of a prompt with its length; what a busy core
// costs. Ratios within one run, on the SmolLM2-135M shape.
//   node bench/scaling.mjs [--engine 'realizar native'] [--rounds 5] [--threads 1]
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { closeBrowser, engines } from './engines.mjs';
import { describeMachine } from './machine.mjs';
import { makeModel } from './make-model.mjs';
import { median, promptOf, spread } from './measure.mjs';

const { values: flags } = parseArgs({ options: {
  engine: { type: 'string', multiple: true, default: ['realizar native', 'realizar Chromium relaxed'] },
  rounds: { type: 'string', default: '5' },
} });
const rounds = Number(flags.rounds), path = makeModel('smollm2-135m', 'Q4_0');
const say = (line) => process.stdout.write(`${line}\n`);
const ratio = (a, b) => (median(a) / median(b)).toFixed(2);
const figure = (values) => `${median(values).toPrecision(3)} ± ${(100 * spread(values)).toFixed(0)} %`;

/** Milliseconds of a token after short and long contexts, by turns. */
async function tokenCosts(name, kv, threads) {
  const engine = await engines[name]({ path, threads, contextSize: 2100, kv });
  const costs = { 100: [], 2000: [] };
  for (let round = 0; round <= rounds; round++) {
    for (const context of [100, 2000]) {
      const { decode } = await engine.generate(promptOf(context), 25);
      if (round > 0) costs[context].push(1000 / decode);
    }
  }
  await engine.close();
  say(`| ${name} | ${kv} | ${threads} | ${figure(costs[100])} | ${figure(costs[2000])} | ${ratio(costs[2000], costs[100])} |`);
}

/** Milliseconds per token of prompts of some lengths, relative to the shortest. */
async function promptCosts(name, kv, threads) {
  const lengths = [64, 128, 256, 512];
  const engine = await engines[name]({ path, threads, contextSize: 600, kv });
  const costs = Object.fromEntries(lengths.map((n) => [n, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const n of lengths) {
      const { prefill } = await engine.generate(promptOf(n), 1);
      if (round > 0) costs[n].push(1000 / prefill);
    }
  }
  await engine.close();
  say(`| ${name} | ${kv} | ${threads} | ${lengths.map((n) => `${figure(costs[n])} (${ratio(costs[n], costs[64])})`).join(' | ')} |`);
}

/** Decode with 2 threads while another process keeps one core busy, against 1 thread on an idle machine. */
async function busyCosts(name) {
  const one = await engines[name]({ path, threads: 1, contextSize: 200 });
  const two = await engines[name]({ path, threads: 2, contextSize: 200 });
  const rates = { idle: [], busy: [] };
  for (let round = 0; round <= rounds; round++) {
    const idle = await one.generate(promptOf(8), 65);
    const hog = spawn(process.execPath, ['-e', 'for (;;);']);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const busy = await two.generate(promptOf(8), 65);
    hog.kill('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 100));
    if (round > 0) rates.idle.push(idle.decode), rates.busy.push(busy.decode);
  }
  await one.close();
  await two.close();
  say(`| ${name} | ${figure(rates.idle)} | ${figure(rates.busy)} | ${ratio(rates.busy, rates.idle)} |`);
}

say(describeMachine());
say('\nms a token after 100 and 2000 tokens\n\n| engine | cache | threads | 100 | 2000 | ratio |\n|---|---|---:|---:|---:|---:|');
for (const name of flags.engine) for (const kv of ['f32', 'f16', 'q8_0']) await tokenCosts(name, kv, 1);
say('\nms a token of a prompt of n tokens (ratio to 64)\n\n| engine | cache | threads | 64 | 128 | 256 | 512 |\n|---|---|---:|---:|---:|---:|---:|');
for (const name of flags.engine) for (const kv of ['f16', 'q8_0']) await promptCosts(name, kv, 1);
say('\ntok/s: 1 thread on an idle machine, 2 threads with one core kept busy\n\n| engine | 1, idle | 2, busy | ratio |\n|---|---:|---:|---:|');
for (const name of flags.engine) await busyCosts(name);
await closeBrowser();
process.exit(0);
