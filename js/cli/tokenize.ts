/** realizar tokenize: text to token ids. */
import type { Command } from 'commander';
import { load } from '../index-node.js';
import { readStdin } from '../platform/node.js';
import { addFormatOption, namesModel, printJson, shippedModel } from './options.js';

interface TokenizeFlags {
  model?: string;
  bos: boolean;
  parseSpecial: boolean;
  format: 'text' | 'json';
}

/** `tokenize [MODEL] [TEXT]`: a single argument that is no model is the text. */
async function splitArguments(first: string | undefined, second: string | undefined, flags: TokenizeFlags) {
  if (flags.model) return { path: flags.model, text: first };
  if (second !== undefined) return { path: first!, text: second };
  if (first !== undefined && (await namesModel(first))) return { path: first, text: undefined };
  return { path: await shippedModel(), text: first };
}

async function tokenize(first: string | undefined, second: string | undefined, flags: TokenizeFlags): Promise<void> {
  const { path, text } = await splitArguments(first, second, flags);
  const model = await load(path, { vocabOnly: true });
  const token_ids = await model.tokenize(text ?? (await readStdin()), { addSpecial: flags.bos, parseSpecial: flags.parseSpecial });
  if (flags.format === 'json') {
    printJson({ token_ids });
  } else {
    for (const id of token_ids) {
      process.stdout.write(`${String(id).padStart(7)}  ${JSON.stringify(await model.detokenize([id], { special: true }))}\n`);
    }
  }
  await model.close();
}

export function addTokenize(program: Command): void {
  const command = program.command('tokenize')
    .description('print the token ids of a text')
    .argument('[MODEL]', 'path or URL of a GGUF file; default: the shipped model')
    .argument('[TEXT]', 'default: standard input')
    .option('-m, --model <path>', 'the model, as an option')
    .option('--no-bos', 'leave out the BOS token that the model asks for')
    .option('--parse-special', 'read "<s>" and the like as tokens', false)
    .action(tokenize);
  addFormatOption(command, ['text', 'json']);
}
