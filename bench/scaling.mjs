// How the cost of a token grows with the context, and of a prompt with its length; what a busy core
// costs. Ratios within one run, on the SmolLM2-135M shape.
//   node bench/scaling.mjs [--engine 'realizar native'] [--rounds 5]
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { closeBrowser, engines } from './engines.mjs';
import { describeMachine } from './machine.mjs';
import { makeModel } from './make-model.mjs';
import { promptOf } from './measure.mjs';
import { figure, ratio, table } from './report.mjs';

const { values: flags } = parseArgs({ options: {
  engine: { type: 'string', multiple: true, default: ['realizar native', 'realizar Chromium relaxed'] },
  rounds: { type: 'string', default: '5' },
} });
const lengths = [64, 128, 256, 512];
const rounds = Number(flags.rounds), path = makeModel('smollm2-135m', 'Q4_0');
const say = (text) => process.stdout.write(`${text}\n\n`);

/** Milliseconds of a token after short and long contexts, by turns. */
async function tokenCosts(name, kv) {
  const engine = await engines[name]({ path, threads: 1, contextSize: 2100, kv });
  const costs = { 100: [], 2000: [] };
  for (let round = 0; round <= rounds; round++) {
    for (const context of [100, 2000]) {
      const { decode } = await engine.generate(promptOf(context), 25);
      if (round > 0) costs[context].push(1000 / decode);
    }
  }
  await engine.close();
  return [name, kv, figure(costs[100]), figure(costs[2000]), ratio(costs[2000], costs[100]), { f16: '1.8', q8_0: '1.5' }[kv] ?? ''];
}

/** Milliseconds per token of prompts of some lengths, relative to the shortest. */
async function promptCosts(name, kv) {
  const engine = await engines[name]({ path, threads: 1, contextSize: 600, kv });
  const costs = Object.fromEntries(lengths.map((n) => [n, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const n of lengths) {
      const { prefill } = await engine.generate(promptOf(n), 1);
      if (round > 0) costs[n].push(1000 / prefill);
    }
  }
  await engine.close();
  return [name, kv, ...lengths.map((n) => figure(costs[n])), ratio(costs[512], costs[64]), '1.15'];
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
  return [name, figure(rates.idle), figure(rates.busy), ratio(rates.busy, rates.idle), '0.6'];
}

const tokens = [], prompts = [], busy = [];
for (const name of flags.engine) for (const kv of ['f32', 'f16', 'q8_0']) tokens.push(await tokenCosts(name, kv));
for (const name of flags.engine) for (const kv of ['f16', 'q8_0']) prompts.push(await promptCosts(name, kv));
for (const name of flags.engine) busy.push(await busyCosts(name));
say(describeMachine());
say(table('Long context: ms a token after 100 and 2000 tokens, one thread', ['engine', 'cache', '100', '2000', 'ratio', 'asked for'], tokens));
say(table('Long prompts: ms a token of a prompt of n tokens, one thread',
  ['engine', 'cache', ...lengths, '512 / 64', 'asked for'], prompts));
say(table('Busy machine: tok/s of 1 thread while it is idle, of 2 with one core kept busy',
  ['engine', '1, idle', '2, busy', 'ratio', 'asked for'], busy));
await closeBrowser();
process.exit(0);
