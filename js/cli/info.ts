/** realizar info: what a model file is. Reads its header alone. */
import type { Command } from 'commander';
import { RealizarError } from '../errors.js';
import { type FileSummary, inspect } from '../formats/inspect.js';
import { fileExists, readText } from '../platform/node.js';
import { openAnywhere } from './files.js';
import { addFormatOption, printJson, shippedModel, wholeNumber } from './options.js';

interface InfoFlags {
  format: 'text' | 'json';
  ctx?: number;
  tensors?: boolean;
}

function megabytes(bytes: number): string {
  return bytes < 1e5 ? `${bytes} bytes` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function count(n: number): string {
  return n < 1e5 ? String(n) : `${(n / 1e6).toFixed(2)} M`;
}

/** config.json beside a safetensors file on disk. */
async function configBeside(path: string): Promise<Record<string, unknown> | undefined> {
  const config = path.replace(/[^/\\]*$/, 'config.json');
  if (!/\.safetensors$/i.test(path) || !(await fileExists(config))) return undefined;
  try {
    return JSON.parse(await readText(config)) as Record<string, unknown>;
  } catch (error) {
    throw new RealizarError('FORMAT', `${config} is no JSON: ${(error as Error).message}`, { cause: error });
  }
}

function rowsOf(file: string, s: FileSummary): [string, string][] {
  const rows: [string, string][] = [['file', file], ['format', s.format], ['name', s.name], ['architecture', s.architecture]];
  if (s.parameters) rows.push(['parameters', count(s.parameters)]);
  rows.push(['size', s.fileBytes === null ? 'not known' : megabytes(s.fileBytes)]);
  for (const t of s.types) {
    const tensors = `${t.tensors} ${t.tensors === 1 ? 'tensor' : 'tensors'}`;
    rows.push([t === s.types[0] ? 'weights' : '', `${t.type.padEnd(8)}${tensors}, ${count(t.weights)}, ${megabytes(t.bytes)}`]);
  }
  if (s.shape) {
    const { layers, embeddingLength, heads, kvHeads, feedForwardLength, contextLength } = s.shape;
    rows.push(['tokenizer', s.tokenizer ? `${[s.tokenizer.model, s.tokenizer.pre].filter(Boolean).join(', ')}, ${s.tokenizer.tokens} tokens` : 'none']);
    rows.push(['chat template', s.chatTemplate ? 'yes' : 'no'], ['chat format', s.chatFormat ?? 'none: it continues texts']);
    rows.push(['shape', `${layers} layers, ${embeddingLength} wide, ${heads} heads over ${kvHeads}, feed-forward ${feedForwardLength}`]);
    rows.push(['context', `${contextLength} tokens`]);
  }
  if (s.memory) {
    const { context, weightBytes, sessionBytes, totalBytes } = s.memory;
    rows.push(['memory', `about ${megabytes(totalBytes)} at ${context} tokens: weights ${megabytes(weightBytes)}, session ${megabytes(sessionBytes)}`]);
  }
  if (!s.shape) for (const [key, value] of Object.entries(s.metadata)) rows.push([key, typeof value === 'object' ? JSON.stringify(value) : String(value)]);
  return rows;
}

function tensorTable({ tensors }: FileSummary): string {
  const rows = tensors.map((t) => [t.name, t.type, t.dims.join(' x '), String(t.bytes), String(t.offset)]);
  const all = [['tensor', 'type', 'shape', 'bytes', 'offset'], ...rows];
  const widths = all[0]!.map((_, i) => Math.max(...all.map((row) => row[i]!.length)));
  return all.map((row) => row.map((cell, i) => (i < 3 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ').trimEnd()).join('\n');
}

async function info(path: string | undefined, flags: InfoFlags): Promise<void> {
  const name = path ?? (await shippedModel());
  const file = await openAnywhere(name);
  try {
    const summary = await inspect(file, { context: flags.ctx, config: await configBeside(name) });
    if (flags.format === 'json') {
      const { tensors, ...rest } = summary;
      printJson({ model: name, ...rest, ...(flags.tensors ? { tensors } : {}) });
      return;
    }
    const rows = rowsOf(name, summary);
    const width = Math.max(14, ...rows.map(([key]) => key.length + 1));
    for (const [key, value] of rows) process.stdout.write(`${key.padEnd(width)}${value}`.trimEnd() + '\n');
    if (flags.tensors) process.stdout.write(`\n${tensorTable(summary)}\n`);
  } finally {
    await file.close();
  }
}

export function addInfo(program: Command): void {
  const command = program.command('info')
    .description('print what a model file is, from its header')
    .argument('[MODEL]', 'path or URL of a GGUF, safetensors, .apr or llama2.c file; default: the shipped model')
    .option('-c, --ctx <tokens>', 'tokens of context to reckon memory for; default: what the model was trained for', wholeNumber)
    .option('--tensors', 'list the tensors')
    .action(info);
  addFormatOption(command, ['text', 'json']);
}
