/** realizar run: continue a text. */
import type { Command } from 'commander';
import { readStdin } from '../platform/node.js';
import type { GenerateOptions, Model } from '../types.js';
import {
  addEngineOptions, addFormatOption, addQuantizeOption, type EngineFlags, loadWithProgress, namesModel, printJson, realNumber, shippedModel,
  wholeNumber,
} from './options.js';

interface RunFlags extends EngineFlags {
  maxTokens: number;
  temperature: number;
  topK: number;
  topP: number;
  minP: number;
  repeatPenalty: number;
  seed?: number;
  contextSize?: number;
  format: 'text' | 'json';
}

/** One positional argument may be either: a model is recognised by its look. */
async function splitArguments(first?: string, second?: string): Promise<{ path: string; prompt?: string }> {
  if (second !== undefined) return { path: first!, prompt: second };
  if (first === undefined) return { path: await shippedModel() };
  return (await namesModel(first)) ? { path: first } : { path: await shippedModel(), prompt: first };
}

/** Without a prompt: standard input if something is piped in, else the model's BOS alone. */
async function findPrompt(model: Model, prompt?: string): Promise<string | number[]> {
  if (prompt !== undefined) return prompt;
  const piped = process.stdin.isTTY ? '' : (await readStdin()).replace(/\n$/, '');
  if (piped) return piped;
  return model.info.bosToken === null ? '' : [model.info.bosToken];
}

async function run(first: string | undefined, second: string | undefined, flags: RunFlags): Promise<void> {
  const { path, prompt } = await splitArguments(first, second);
  const { threads, backend, variant, contextSize, quantize } = flags;
  const { model, loadMs } = await loadWithProgress(path, { threads, backend, variant, contextSize, quantize });
  const options: GenerateOptions = {
    maxTokens: flags.maxTokens, temperature: flags.temperature, topK: flags.topK, topP: flags.topP, minP: flags.minP,
    repeatPenalty: flags.repeatPenalty, seed: flags.seed,
  };
  const events = model.events(await findPrompt(model, prompt), options);
  let next = await events.next();
  for (; !next.done; next = await events.next()) {
    if (flags.format === 'text') process.stdout.write(next.value.text);
  }
  const { text, tokens, timings, finishReason } = next.value;
  if (flags.format === 'json') {
    printJson({
      model: path,
      backend: model.info.backend,
      variant: model.info.variant,
      threads: model.info.threads,
      prompt_tokens: timings.promptTokens,
      token_ids: tokens,
      text,
      tokens_generated: tokens.length,
      load_ms: loadMs,
      ttft_ms: timings.ttftMs,
      prefill_tokens_per_second: timings.prefillTokensPerSecond,
      decode_tokens_per_second: timings.decodeTokensPerSecond,
      peak_memory_bytes: timings.memoryBytes,
      finish_reason: finishReason,
    });
  } else {
    process.stdout.write('\n');
  }
  await model.close();
}

export function addRun(program: Command): void {
  const command = program.command('run')
    .description('continue a text; without MODEL with the model that ships with the package')
    .argument('[MODEL]', 'path or URL of a GGUF file or of a folder with safetensors')
    .argument('[PROMPT]', 'text to continue; default: standard input, or a fresh start')
    .option('-n, --max-tokens <n>', 'most tokens to generate', wholeNumber, 256)
    .option('-t, --temperature <x>', '0 always takes the most likely token', realNumber, 0.8)
    .option('--top-k <n>', 'sample from the k most likely tokens; 0: all', wholeNumber, 40)
    .option('--top-p <x>', 'sample from the smallest set with this probability', realNumber, 0.95)
    .option('--min-p <x>', 'leave out tokens less likely than this share of the best', realNumber, 0.05)
    .option('--repeat-penalty <x>', 'divide the logits of recent tokens; 1: off', realNumber, 1)
    .option('--seed <n>', 'same seed, same text; default: random', wholeNumber)
    .option('--context-size <n>', 'tokens the context holds; default: as trained', wholeNumber)
    .option('--threads <n>', 'threads that compute', wholeNumber)
    .action(run);
  addFormatOption(addQuantizeOption(addEngineOptions(command)), ['text', 'json']);
}
