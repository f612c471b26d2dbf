// Set-up: brings what is missing, does nothing twice.
//   node tools/setup.mjs         for building and serving
//   node tools/setup.mjs test    for the tests as well
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { emscriptenPrefix, fail, findEmscripten, root, run, say, which } from './lib.mjs';

/** Debian packages by the program that tells whether they are there. */
const buildPrograms = { cc: 'gcc', cmake: 'cmake', ninja: 'ninja-build', python3: 'python3' };
const testPrograms = { chromium: 'chromium', valgrind: 'valgrind', 'aarch64-linux-gnu-gcc': 'gcc-aarch64-linux-gnu libc6-dev-arm64-cross', 'qemu-aarch64': 'qemu-user' };

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 3)) fail(`Node.js ${process.versions.node} is too old: install Node.js 20.3 or newer`);
}

function installPrograms(programs) {
  const missing = Object.entries(programs).filter(([program]) => !which(program)).flatMap(([, names]) => names.split(' '));
  if (missing.length === 0) return;
  if (!which('apt-get')) fail(`these are missing: ${missing.join(', ')}; install them with your package manager`);
  if (process.getuid?.() !== 0) fail(`these are missing: ${missing.join(', ')}; run  apt-get install ${missing.join(' ')}  as root`);
  say(`installing ${missing.join(', ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['update', '-qq'], { env });
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], { env });
}

/** npm ci, unless the lock file is the one that was installed last. */
function installPackages() {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const stamp = join(root, 'node_modules', '.installed-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  say('installing npm packages');
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund']);
  writeFileSync(stamp, lock);
}

function installEmscripten() {
  if (findEmscripten()) return;
  say('bringing Emscripten into .tools (about 870 MB, once)');
  run(join(root, 'tools', 'emscripten.sh'), [emscriptenPrefix]);
  if (!findEmscripten()) fail('Emscripten does not run: put emcc 3.1.60 or newer on PATH');
}

export function setUp({ forTests = false } = {}) {
  checkNode();
  installPrograms(forTests ? { ...buildPrograms, ...testPrograms } : buildPrograms);
  installPackages();
  installEmscripten();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setUp({ forTests: process.argv[2] === 'test' });
