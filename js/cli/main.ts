#!/usr/bin/env node
/** The command line. */
import { Command } from 'commander';
import { version } from '../version.js';
import { addBench } from './bench.js';
import { addChat } from './chat.js';
import { addConvert, addQuantize } from './convert.js';
import { addInfo } from './info.js';
import { addPerplexity } from './perplexity.js';
import { addPredict } from './predict.js';
import { addRun } from './run.js';
import { addServe } from './serve.js';
import { addTokenize } from './tokenize.js';

const program = new Command('realizar')
  .description('LLM inference from scratch, in wasm and natively')
  .version(version)
  .enablePositionalOptions() // `bench` and `bench hypotheses` both have --format
  .showHelpAfterError('(add --help for the options)');

for (const add of [addRun, addChat, addTokenize, addInfo, addBench, addPerplexity, addPredict, addConvert, addQuantize, addServe]) add(program);

/* a closed pipe (`realizar run | head`) is no error */
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
