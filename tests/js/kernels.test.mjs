// The kernel checks of tests/c, compiled to WebAssembly: under Node.js and in Chromium.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { launchBrowser, root, startStatic } from './helpers.mjs';

const folder = join(root, 'build', 'wasm');
const [major] = process.versions.node.split('.').map(Number);

/** Runs in Node.js and, as text, in the page: what the program printed. */
async function runChecks(url) {
  const { default: create } = await import(url);
  const lines = [];
  await create({ print: (line) => lines.push(line), printErr: (line) => lines.push(line) });
  return lines;
}

const tables = { simd: 'simd128', relaxed: 'relaxed' };

function passed(lines, program) {
  const summary = lines.at(-1)?.match(/^(\w+): (\d+) passed, (\d+) failed$/);
  assert.ok(summary, lines.slice(-5).join('\n'));
  assert.equal(summary[1], program);
  assert.equal(summary[3], '0', lines.join('\n'));
  return Number(summary[2]);
}

/** The kernels of all slots, attention over all types of cache, and products of all weight types; `run` gives the lines of a program. */
async function checkVariant(variant, run) {
  const lines = await run(`check-${variant}.mjs`);
  assert.ok(passed(lines, 'check_kern') > 50);
  assert.ok(lines.some((line) => line.startsWith(`${tables[variant]}: `)), `the table ${tables[variant]} was not checked`);
  assert.equal(passed(await run(`check-kv-${variant}.mjs`), 'test_kv'), 52, '30 of the scalar table, which has one type more, and 22 of this one');
  assert.equal(passed(await run(`check-types-${variant}.mjs`), 'test_types_matmul'), 2, 'the scalar table and this one');
}

/* Node.js 20 has no relaxed SIMD. */
const inNode = major < 21 ? ['simd'] : ['simd', 'relaxed'];
for (const variant of inNode) {
  test(`every kernel agrees with the scalar one: ${variant}, Node.js`, () =>
    checkVariant(variant, (file) => runChecks(pathToFileURL(join(folder, file)).href)));
}

let server, browser;
before(async () => {
  server = await startStatic({ mounts: { '/': folder }, routes: { '/page': (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>') } });
  browser = await launchBrowser();
});
after(async () => {
  await browser.close();
  await server.close();
});

for (const variant of ['simd', 'relaxed']) {
  test(`every kernel agrees with the scalar one: ${variant}, Chromium`, async () => {
    const page = await browser.newPage();
    await page.goto(`${server.url}/page`);
    await checkVariant(variant, (file) => page.evaluate(`(${runChecks})(${JSON.stringify(`${server.url}/${file}`)})`));
  });
}
