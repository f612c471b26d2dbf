/** realizar info: what a model file is. */
import type { Command } from 'commander';
import { load } from '../index-node.js';
import { addEngineOptions, addFormatOption, type EngineFlags, printJson, shippedModel } from './options.js';

interface InfoFlags extends EngineFlags {
  format: 'text' | 'json';
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

async function info(path: string | undefined, flags: InfoFlags): Promise<void> {
  const file = path ?? (await shippedModel());
  const model = await load(file, { backend: flags.backend, variant: flags.variant });
  const i = model.info;
  if (flags.format === 'json') {
    printJson({ model: file, ...i });
  } else {
    const rows: [string, string | number][] = [
      ['file', file],
      ['name', i.name],
      ['architecture', i.architecture],
      ['weights', `${i.type}, ${(i.parameters / 1e6).toFixed(2)} M parameters`],
      ['size', `${megabytes(i.fileBytes)} in the file, ${megabytes(i.weightBytes)} packed`],
      ['vocabulary', `${i.vocabSize} tokens`],
      ['context', `${i.contextLength} tokens`],
      ['chat format', (await model.chatFormat()) ?? 'none: it continues texts'],
      ['shape', `${i.layers} layers, ${i.embeddingLength} wide, ${i.heads} heads over ${i.kvHeads}, feed-forward ${i.feedForwardLength}`],
      ['engine', `${i.backend}, ${i.variant}, ${i.threads} ${i.threads === 1 ? 'thread' : 'threads'}`],
      ['memory', megabytes(i.memoryBytes)],
    ];
    for (const [key, value] of rows) process.stdout.write(`${key.padEnd(14)}${value}\n`);
  }
  await model.close();
}

export function addInfo(program: Command): void {
  const command = program.command('info')
    .description('print what a model file is')
    .argument('[MODEL]', 'path or URL of a GGUF file; default: the shipped model')
    .action(info);
  addFormatOption(addEngineOptions(command), ['text', 'json']);
}
