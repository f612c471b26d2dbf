/** realizar bench: prefill and decode rates, in rows like llama-bench's. */
import type { Command } from 'commander';
import { load } from '../index-node.js';
import type { Model, Variant } from '../types.js';
import { addHypotheses } from './hypotheses.js';
import { addEngineOptions, addFormatOption, type EngineFlags, printJson, shippedModel, wholeNumber, wholeNumbers } from './options.js';

interface BenchFlags extends Omit<EngineFlags, 'threads'> {
  model?: string;
  promptTokens: number;
  generate: number;
  threads?: number[];
  repetitions: number;
  format: 'json' | 'md';
}

interface Row {
  test: string;
  backend: string;
  variant: string;
  threads: number;
  mean: number;
  stddev: number;
}

/** Ids spread over the vocabulary, the same for every run. */
function promptIds(model: Model, n: number): number[] {
  return Array.from({ length: n }, (_, i) => (i * 7919 + 13) % model.info.vocabSize);
}

/** Prefill rate: a prompt of n tokens up to its first token. */
async function prefillRate(model: Model, n: number): Promise<number> {
  const { timings } = await model.generate(promptIds(model, n), { maxTokens: 1, temperature: 0, ignoreEnd: true });
  return timings.prefillTokensPerSecond;
}

/** Decode rate: n tokens after a prompt of one. */
async function decodeRate(model: Model, n: number): Promise<number> {
  const { timings } = await model.generate(promptIds(model, 1), { maxTokens: n + 1, temperature: 0, ignoreEnd: true });
  return timings.decodeTokensPerSecond;
}

async function measure(model: Model, test: string, repetitions: number, rate: () => Promise<number>): Promise<Row> {
  await rate(); /* warm-up */
  const rates: number[] = [];
  for (let i = 0; i < repetitions; i++) rates.push(await rate());
  const mean = rates.reduce((a, b) => a + b, 0) / rates.length;
  const variance = rates.reduce((sum, r) => sum + (r - mean) ** 2, 0) / Math.max(rates.length - 1, 1);
  const { backend, variant, threads } = model.info;
  return { test, backend, variant, threads, mean, stddev: Math.sqrt(variance) };
}

function printTable(rows: Row[]): void {
  process.stdout.write('| test | backend | variant | threads | tok/s |\n|---|---|---|---:|---:|\n');
  for (const r of rows) {
    process.stdout.write(`| ${r.test} | ${r.backend} | ${r.variant} | ${r.threads} | ${r.mean.toFixed(2)} ± ${r.stddev.toFixed(2)} |\n`);
  }
}

async function bench(flags: BenchFlags): Promise<void> {
  const path = flags.model ?? (await shippedModel());
  const rows: Row[] = [];
  for (const threads of flags.threads ?? [undefined]) {
    const model = await load(path, {
      threads, backend: flags.backend, variant: flags.variant as Variant | undefined, kv: flags.kv,
      contextSize: Math.max(flags.promptTokens + 1, flags.generate + 2),
    });
    const { promptTokens: p, generate: n, repetitions } = flags;
    if (p > 0) rows.push(await measure(model, `pp${p}`, repetitions, () => prefillRate(model, p)));
    if (n > 0) rows.push(await measure(model, `tg${n}`, repetitions, () => decodeRate(model, n)));
    await model.close();
  }
  if (flags.format === 'json') printJson({ rows });
  else printTable(rows);
}

export function addBench(program: Command): void {
  const command = program.command('bench')
    .description('measure prefill (pp) and decode (tg) rates in tokens per second')
    .option('-m, --model <path>', 'default: the shipped model')
    .option('-p, --prompt-tokens <n>', 'tokens of the prompt; 0: no such test', wholeNumber, 128)
    .option('-n, --generate <n>', 'tokens to generate; 0: no such test', wholeNumber, 32)
    .option('-t, --threads <list>', 'numbers of threads, separated by commas', wholeNumbers)
    .option('-r, --repetitions <n>', 'runs of each test, after a warm-up', wholeNumber, 3)
    .action(bench);
  addFormatOption(addEngineOptions(command), ['md', 'json']);
  addHypotheses(command);
}
