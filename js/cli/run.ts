/** realizar run: continue a text. */
import type { Command } from 'commander';
import { readStdin } from '../platform/node.js';
import type { Model } from '../types.js';
import {
  addEngineOptions, addFormatOption, addSamplingOptions, type EngineFlags, generateOptions, loadWithProgress, namesModel,
  printJson, type SamplingFlags, shippedModel,
} from './options.js';

interface RunFlags extends EngineFlags, SamplingFlags {
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
  const { threads, backend, variant, kv, contextSize } = flags;
  const { model, loadMs } = await loadWithProgress(path, { threads, backend, variant, kv, contextSize });
  const events = model.events(await findPrompt(model, prompt), generateOptions(flags));
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
    .argument('[MODEL]', 'path or URL of a GGUF file')
    .argument('[PROMPT]', 'text to continue; default: standard input, or a fresh start')
    .action(run);
  addFormatOption(addEngineOptions(addSamplingOptions(command, 256)), ['text', 'json']);
}
