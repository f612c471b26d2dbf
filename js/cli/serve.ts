/** realizar serve: the HTTP API, and with --demo the page. */
import type { Command } from 'commander';
import { packagePath } from '../platform/node.js';
import { startServer } from '../server/node.js';
import { addEngineOptions, type EngineFlags, loadWithProgress, shippedModel, wholeNumber } from './options.js';

interface ServeFlags extends EngineFlags {
  host: string;
  port: number;
  model?: string;
  demo?: boolean;
  contextLength?: number;
}

async function serve(flags: ServeFlags, command: Command): Promise<void> {
  if (!flags.model && !flags.demo) {
    process.stderr.write(command.helpInformation());
    process.stderr.write('\nerror: give a model with --model, or --demo for the one that ships with the package\n');
    process.exitCode = 1;
    return;
  }
  const path = flags.model ?? (await shippedModel());
  const { threads, backend, variant, kv } = flags;
  /* wasm computes in a worker, so that the server answers while it generates */
  const { model } = await loadWithProgress(path, { threads, backend, variant, kv, contextSize: flags.contextLength, worker: backend === 'wasm' });
  const demo = flags.demo ? { page: packagePath('dist/web'), models: packagePath('models') } : undefined;
  const server = await startServer({ model, host: flags.host, port: flags.port, demo }).catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === 'EADDRINUSE' ? `port ${flags.port} is in use: stop the other server or choose another --port` : error.message;
    throw new Error(`cannot listen on ${flags.host}:${flags.port}: ${reason}`);
  });
  const { name, type, backend: where, variant: kernels, threads: n } = model.info;
  process.stderr.write([
    `${name || path} (${type}) on ${where}, ${kernels}, ${n} ${n === 1 ? 'thread' : 'threads'}`,
    `Server listening on ${server.url}`,
    ...(demo ? [`  page  ${server.url}/`] : []),
    '  GET   /health  /metrics',
    '  POST  /tokenize  /generate  /stream/generate',
    `  curl ${server.url}/generate -H 'Content-Type: application/json' -d '{"prompt": "Once upon a time", "max_tokens": 50}'`,
    '',
  ].join('\n'));
  const stop = async () => {
    process.removeAllListeners('SIGINT');
    await server.close();
    await model.close();
    process.exit(0);
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
}

export function addServe(program: Command): void {
  const command = program.command('serve')
    .description('serve the HTTP API of a model')
    .option('-H, --host <address>', 'address to listen on', '127.0.0.1')
    .option('-p, --port <n>', 'port to listen on', wholeNumber, 8080)
    .option('-m, --model <path>', 'path or URL of a GGUF file')
    .option('--demo', 'serve the demo page too, and the shipped model unless --model names another')
    .option('--context-length <n>', 'tokens the context holds; default: as trained', wholeNumber)
    .option('--threads <n>', 'threads that compute', wholeNumber)
    .action(serve);
  addEngineOptions(command);
}
