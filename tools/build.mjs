// Builds everything that is not up to date: the native add-on, the wasm modules, the package, the page.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findEmscripten, fail, root, run, say } from './lib.mjs';

/** Configures once and builds `targets` (none: all); returns the build folder. */
export function cmake(folder, options, { env = process.env, wrapper = [], targets = [], source = root } = {}) {
  const build = join(root, 'build', folder);
  const command = [...wrapper, 'cmake', '-S', source, '-B', build, '-G', 'Ninja', ...options];
  if (!existsSync(join(build, 'build.ninja'))) run(command[0], command.slice(1), { env });
  run('cmake', ['--build', build, ...(targets.length ? ['--target', ...targets] : [])], { env });
  return build;
}

function copy(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}

function buildNative() {
  say('building the native engine and the add-on');
  const build = cmake('native', ['-DRZ_ADDON=ON']);
  copy(join(build, 'addon', 'realizar.node'), join(root, 'dist', 'native', 'realizar.node'));
}

/** What `cmake` needs to build with Emscripten. */
export function emscripten() {
  const emcc = findEmscripten() ?? fail('no emcc 3.1.60 or newer: run `npm run setup`');
  return { env: { ...process.env, PATH: `${dirname(emcc)}:${process.env.PATH}` }, wrapper: ['emcmake'] };
}

/** Builds in the folder of the wasm modules: all of them, or other `targets`. */
function cmakeWasm(targets) {
  return cmake('wasm', [], { ...emscripten(), targets });
}

/** The kernel checks that tests/js/kernels.test.mjs runs. */
export function buildWasmChecks() {
  cmakeWasm(['check', 'check-kv', 'check-types'].flatMap((check) => [`${check}-simd`, `${check}-relaxed`]));
}

function buildWasm() {
  say('building the wasm modules');
  const build = cmakeWasm([]);
  for (const file of readdirSync(build).filter((f) => /^realizar-.*\.wasm$/.test(f))) {
    copy(join(build, file), join(root, 'dist', 'wasm', file));
  }
}

async function buildPackage() {
  say('compiling the package');
  run(join(root, 'node_modules', '.bin', 'tsc'), ['-p', root]);
  await bundlePackage('@huggingface/jinja', 'chat', 'jinja.js');
  await bundlePackage('fzstd', 'formats', 'zstd.js');
}

/** A package goes into the one file that imports it: browsers resolve no package names. */
async function bundlePackage(name, ...path) {
  const { build: bundle } = await import('vite'); // set-up brings it
  const file = join(root, 'dist', ...path);
  await bundle({
    root,
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    build: {
      target: 'es2022', minify: false, emptyOutDir: false, outDir: dirname(file),
      lib: { entry: file, formats: ['es'], fileName: () => path.at(-1) },
    },
  });
  const licence = readFileSync(join(root, 'node_modules', ...name.split('/'), 'LICENSE'), 'utf8');
  writeFileSync(file, `/*! ${name}:\n${licence}*/\n${readFileSync(file, 'utf8')}`);
}

function buildPage() {
  say('building the page');
  run(join(root, 'node_modules', '.bin', 'vite'), ['build', '--logLevel', 'warn', join(root, 'web')]);
}

export async function build() {
  buildNative();
  buildWasm();
  await buildPackage();
  buildPage();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
