/** realizar convert and quantize: models in another format, or with other weight types. */
import type { Command } from 'commander';
import { RealizarError } from '../errors.js';
import { aprMetadata, aprTensor, aprV2Bytes } from '../formats/apr-write.js';
import { ggufBytes, type GgufPlan, newTensors, tensorPieces } from '../formats/gguf-stream.js';
import { mixtureNames, retype } from '../formats/mixture.js';
import { openTools } from '../load-local.js';
import { node, writeFileFrom } from '../platform/node.js';
import { addEngineOptions, type EngineFlags } from './options.js';
import { openModel, type OpenModel } from './models.js';

interface WriteFlags extends EngineFlags {
  type?: string;
  tokenizer?: string;
}

function piecesFor(out: string, plan: GgufPlan, { read }: OpenModel, flags: WriteFlags): AsyncIterable<Uint8Array> {
  const backend = flags.backend ?? (node.native?.() ? 'native' : 'wasm');
  const opened = openTools(node, backend, { variant: flags.variant });
  opened.catch(() => {}); // it is awaited where it is needed
  const tools = () => opened;
  if (/\.gguf$/i.test(out)) return ggufBytes(plan, read, tools);
  const tensors = newTensors(plan).map((t) => ({ ...t, offset: 0 }));
  const planned = new Map(tensors.map((t, i) => [t, plan.tensors[i]!]));
  const apr = tensors.map((t) => aprTensor(t, () => tensorPieces(planned.get(t)!, read, tools)));
  return aprV2Bytes(aprMetadata({ format: '', metadata: plan.metadata, tensors }), apr);
}

async function write(from: string, to: string, flags: WriteFlags): Promise<void> {
  if (!/\.(gguf|apr)$/i.test(to)) throw new RealizarError('ARGUMENT', `the name of the new file must end in .gguf or .apr, unlike ${to}`);
  const model = await openModel(from, flags.tokenizer);
  try {
    const plan = flags.type ? retype(model.plan, flags.type) : model.plan;
    for (const note of plan.notes ?? []) process.stderr.write(`note: ${note}\n`);
    const bytes = await writeFileFrom(to, piecesFor(to, plan, model, flags));
    process.stdout.write(`${to}: ${plan.tensors.length} tensors, ${(bytes / 1e6).toFixed(1)} MB\n`);
  } finally {
    await model.close();
  }
}

export function addConvert(program: Command): void {
  const command = program.command('convert')
    .description('write a model in another format')
    .argument('<IN>', 'a folder as Hugging Face ships them, or a GGUF, .apr or llama2.c file')
    .argument('<OUT>', 'the new file: .gguf or .apr')
    .option('--type <type>', `quantise as well: ${mixtureNames.join(', ')}`)
    .option('--tokenizer <file>', "the tokenizer's file of llama2.c")
    .action(write);
  addEngineOptions(command);
}

export function addQuantize(program: Command): void {
  const command = program.command('quantize')
    .description('write a model with smaller weights')
    .argument('<IN>', 'a model with float weights: a folder or a file')
    .argument('<OUT>', 'the new file: .gguf or .apr')
    .requiredOption('--type <type>', `${mixtureNames.join(', ')}; with _k_m llama.cpp's mixtures`)
    .action(write);
  addEngineOptions(command);
}
