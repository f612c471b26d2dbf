// llama.cpp as WebAssembly with its kernels for SIMD128, which wllama ships without: from the source that comes with
// node-llama-cpp, into build/llama-wasm.
//   node bench/peers/build-llama-wasm.mjs
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cmake, emscripten } from '../../tools/build.mjs';
import { fail, run, say } from '../../tools/lib.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const bundle = join(here, 'node_modules', 'node-llama-cpp', 'llama', 'gitRelease.bundle');
const source = join(here, '.llama.cpp');

export function buildLlamaWasm() {
  if (!existsSync(bundle)) fail('node-llama-cpp brings no source of llama.cpp: run `npm install --no-package-lock --ignore-scripts` in bench/peers');
  say('building llama.cpp as WebAssembly');
  run('git', ['init', '--quiet', source]);
  run('git', ['-C', source, 'fetch', '--quiet', bundle, 'HEAD']);
  run('git', ['-C', source, 'checkout', '--quiet', '--detach', 'FETCH_HEAD']);
  cmake('llama-wasm', [], { ...emscripten(), source: here });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildLlamaWasm();
