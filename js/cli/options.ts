/** What the commands share: options, the shipped model, loading with a progress bar. */
import { Command, InvalidArgumentError, Option } from 'commander';
import cliProgress from 'cli-progress';
import { load } from '../index-node.js';
import { fileExists, folderExists, packagePath, readText } from '../platform/node.js';
import { quantizeTypes } from '../engine.js';
import type { GenerateOptions, KvType, LoadOptions, Model, QuantizeType, Variant } from '../types.js';

export interface EngineFlags {
  threads?: number;
  backend?: 'wasm' | 'native';
  variant?: Variant;
  quantize?: QuantizeType;
  kv?: KvType;
}

export interface SamplingFlags {
  maxTokens: number;
  temperature: number;
  topK: number;
  topP: number;
  minP: number;
  repeatPenalty: number;
  seed?: number;
  contextSize?: number;
}

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError('It must be a whole number.');
  return value;
}

export function realNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

export function wholeNumbers(text: string): number[] {
  return text.split(',').map(wholeNumber);
}

/** --backend, --variant and --kv. */
export function addEngineOptions(command: Command): Command {
  return command
    .addOption(new Option('--backend <name>', 'where to compute; default: native if it is built').choices(['wasm', 'native']))
    .addOption(new Option('--variant <name>', 'kernels; default: the fastest that work').choices(['relaxed', 'simd', 'amx', 'avx512', 'avxvnni', 'avx2', 'neondot', 'neon', 'scalar']))
    .addOption(new Option('--kv <type>', 'element type of the KV cache').choices(['f32', 'f16', 'q8_0']));
}

/** The options of a generation, and of the session it needs. */
export function addSamplingOptions(command: Command, maxTokens: number): Command {
  return command
    .option('-n, --max-tokens <n>', 'most tokens to generate', wholeNumber, maxTokens)
    .option('-t, --temperature <x>', '0 always takes the most likely token', realNumber, 0.8)
    .option('--top-k <n>', 'sample from the k most likely tokens; 0: all', wholeNumber, 40)
    .option('--top-p <x>', 'sample from the smallest set with this probability', realNumber, 0.95)
    .option('--min-p <x>', 'leave out tokens less likely than this share of the best', realNumber, 0.05)
    .option('--repeat-penalty <x>', 'divide the logits of recent tokens; 1: off', realNumber, 1)
    .option('--seed <n>', 'same seed, same text; default: random', wholeNumber)
    .option('--context-size <n>', 'tokens the context holds; default: as trained', wholeNumber)
    .option('--threads <n>', 'threads that compute', wholeNumber);
}

export function generateOptions({ maxTokens, temperature, topK, topP, minP, repeatPenalty, seed }: SamplingFlags): GenerateOptions {
  return { maxTokens, temperature, topK, topP, minP, repeatPenalty, seed };
}

/** --quantize, for models whose weights are floats. */
export function addQuantizeOption(command: Command): Command {
  return command.addOption(new Option('--quantize <type>', 'quantise float weights while they load').choices(Object.keys(quantizeTypes)));
}

export function addFormatOption(command: Command, formats: string[]): Command {
  return command.addOption(new Option('--format <name>', 'output').choices(formats).default(formats[0]));
}

/** Path of the model that ships with the package. */
export async function shippedModel(): Promise<string> {
  const manifest = JSON.parse(await readText(packagePath('models/manifest.json'))) as { default: string };
  return packagePath(`models/${manifest.default}`);
}

/** Whether an argument names a model: a URL, a file, a folder with a path, or something that is spelled like one. */
export async function namesModel(argument: string): Promise<boolean> {
  return /^https?:\/\//.test(argument) || /\.(gguf|safetensors|apr|bin)$/i.test(argument) || (await fileExists(argument)) ||
    (/[/\\]/.test(argument) && folderExists(argument));
}

/** Loads with a progress bar on standard error, if that is a terminal. */
export async function loadWithProgress(model: string, options: LoadOptions): Promise<{ model: Model; loadMs: number }> {
  const start = performance.now();
  const bar = process.stderr.isTTY
    ? new cliProgress.SingleBar({ format: 'loading [{bar}] {percentage}% | {loaded}', stream: process.stderr, clearOnComplete: true, hideCursor: true },
      cliProgress.Presets.legacy)
    : undefined;
  bar?.start(1, 0, { loaded: '' });
  try {
    const loaded = await load(model, {
      ...options,
      onProgress: ({ loaded: bytes, total }) => {
        bar?.setTotal(total ?? bytes * 2);
        bar?.update(bytes, { loaded: `${(bytes / 1e6).toFixed(1)} MB` });
      },
    });
    return { model: loaded, loadMs: performance.now() - start };
  } finally {
    bar?.stop();
  }
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
