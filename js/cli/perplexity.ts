/** realizar perplexity: how well a model predicts a text. */
import type { Command } from 'commander';
import cliProgress from 'cli-progress';
import { readText } from '../platform/node.js';
import { addEngineOptions, addFormatOption, type EngineFlags, loadWithProgress, printJson, wholeNumber } from './options.js';

interface PerplexityFlags extends EngineFlags {
  contextSize: number;
  chunks?: number;
  format: 'text' | 'json';
}

async function perplexity(path: string, file: string, flags: PerplexityFlags): Promise<void> {
  const text = await readText(file);
  const { threads, backend, variant, contextSize, chunks } = flags;
  const { model } = await loadWithProgress(path, { threads, backend, variant });
  const bar = process.stderr.isTTY
    ? new cliProgress.SingleBar({ format: 'windows [{bar}] {value}/{total}', stream: process.stderr, clearOnComplete: true }, cliProgress.Presets.legacy)
    : undefined;
  bar?.start(1, 0);
  const result = await model.perplexity(text, {
    contextSize, chunks,
    onProgress: (done, total) => {
      bar?.setTotal(total);
      bar?.update(done);
    },
  }).finally(() => bar?.stop());
  if (flags.format === 'json') printJson(result);
  else process.stdout.write(`perplexity ${result.perplexity.toFixed(4)} over ${result.tokens} tokens\n`);
  await model.close();
}

export function addPerplexity(program: Command): void {
  const command = program.command('perplexity')
    .description('perplexity of a text file, as llama.cpp computes it: the second half of each window counts')
    .argument('<MODEL>', 'path or URL of a GGUF file')
    .argument('<FILE>', 'text file')
    .option('-c, --context-size <n>', 'tokens per window', wholeNumber, 512)
    .option('--chunks <n>', 'score at most so many windows', wholeNumber)
    .option('--threads <n>', 'threads that compute', wholeNumber)
    .action(perplexity);
  addFormatOption(addEngineOptions(command), ['text', 'json']);
}
