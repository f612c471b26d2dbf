/** realizar predict: what a model of an .apr file makes of rows of features. */
import type { Command } from 'commander';
import { RealizarError } from '../errors.js';
import { load } from '../index-node.js';
import { readStdin, readText } from '../platform/node.js';
import type { Model } from '../types.js';
import { addEngineOptions, addFormatOption, type EngineFlags, printJson } from './options.js';

interface PredictFlags extends EngineFlags {
  features?: string;
  format: 'text' | 'json';
}

function isRow(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((v) => typeof v === 'number');
}

/** [1, 2], [[1, 2], [3, 4]] or {"features": ...} of either kind. */
function rowsOf(text: string): number[][] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RealizarError('ARGUMENT', `the features are no JSON: ${(error as Error).message}`);
  }
  if (typeof value === 'object' && value !== null && 'features' in value) value = value.features;
  if (isRow(value)) return [value];
  if (Array.isArray(value) && value.length && value.every(isRow)) return value;
  throw new RealizarError('ARGUMENT', 'the features must be a list of numbers, a list of such lists, or an object with "features"');
}

/** `prediction`: a number, or all outputs of a network that has several. */
async function predictRow(model: Model, row: number[]): Promise<{ prediction: number | number[]; probability?: number }> {
  const out = Array.from(await model.predict(row));
  const isLogistic = /^logistic/i.test(model.info.predictor!.kind);
  if (isLogistic && out.length === 1) return { prediction: out[0]! >= 0.5 ? 1 : 0, probability: out[0]! };
  return { prediction: out.length === 1 ? out[0]! : out };
}

async function predict(path: string, flags: PredictFlags): Promise<void> {
  const model = await load(path, { backend: flags.backend, variant: flags.variant, threads: 1 });
  try {
    if (!model.info.predictor) throw new RealizarError('ARGUMENT', `${path} is a language model: use \`realizar run\``);
    const rows = rowsOf(flags.features ? await readText(flags.features) : await readStdin());
    const predictions = [];
    for (const row of rows) predictions.push(await predictRow(model, row));
    if (flags.format === 'json') {
      printJson({ model: path, kind: model.info.predictor.kind, predictions });
      return;
    }
    for (const { prediction, probability } of predictions) {
      process.stdout.write(`${[prediction].flat().join(' ')}${probability === undefined ? '' : ` (probability of class 1: ${probability})`}\n`);
    }
  } finally {
    await model.close();
  }
}

export function addPredict(program: Command): void {
  const command = program.command('predict')
    .description('predict from features in JSON on standard input')
    .argument('<MODEL>', 'path or URL of an .apr file')
    .option('--features <file>', 'read the features from a file instead')
    .action(predict);
  addFormatOption(addEngineOptions(command), ['text', 'json']);
}
