// What the tools share: running commands, saying what happens, finding programs.
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const emscriptenPrefix = join(root, '.tools', 'emscripten');

/** Ends the program with one sentence. */
export function fail(sentence) {
  process.stderr.write(`\nerror: ${sentence}\n`);
  process.exit(1);
}

let step = '';
/** Announces a step; the time of the one before is printed with it. */
export function say(text) {
  step = text;
  process.stderr.write(`==> ${text}\n`);
}

/** The full path of a program on PATH, or undefined. */
export function which(program) {
  for (const folder of (process.env.PATH ?? '').split(':')) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch { /* not here */ }
  }
  return undefined;
}

/** Runs a command in the root; its output is shown only when it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28, ...options });
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
    fail(`${step}: \`${[command, ...args].join(' ')}\` ended with ${result.error?.message ?? `status ${result.status ?? result.signal}`}`);
  }
  return result.stdout;
}

/** Runs a command, shows its output as it comes and resolves with it and the status. */
export function runShown(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let output = '';
    for (const [stream, target] of [[child.stdout, process.stdout], [child.stderr, process.stderr]]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        output += text;
        target.write(text);
      });
    }
    child.on('error', (error) => resolve({ status: 1, output: `${output}${error.message}\n` }));
    child.on('close', (status) => resolve({ status: status ?? 1, output }));
  });
}

/** emcc 3.1.60 or newer: on PATH, else the private one. */
export function findEmscripten() {
  const candidates = [which('emcc'), join(emscriptenPrefix, 'bin', 'emcc')];
  for (const emcc of candidates) {
    if (!emcc || !existsSync(emcc)) continue;
    const version = spawnSync(emcc, ['--version'], { encoding: 'utf8' }).stdout?.match(/(\d+)\.(\d+)\.(\d+)/);
    if (!version) continue;
    const [major, minor, patch] = version.slice(1).map(Number);
    if (major > 3 || (major === 3 && (minor > 1 || patch >= 60))) return emcc;
  }
  return undefined;
}
