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

function passed(lines, table) {
  const summary = lines.at(-1)?.match(/^check_kern: (\d+) passed, (\d+) failed$/);
  assert.ok(summary, lines.slice(-5).join('\n'));
  assert.equal(summary[2], '0', lines.join('\n'));
  assert.ok(Number(summary[1]) > 50, summary[0]);
  assert.ok(lines.some((line) => line.startsWith(`${table}: `)), `the table ${table} was not checked`);
}

/* Node.js 20 has no relaxed SIMD. */
const inNode = major < 21 ? ['simd'] : ['simd', 'relaxed'];
for (const variant of inNode) {
  test(`every kernel agrees with the scalar one: ${variant}, Node.js`, async () => {
    passed(await runChecks(pathToFileURL(join(folder, `check-${variant}.mjs`)).href), variant === 'simd' ? 'simd128' : 'relaxed');
  });
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
    const lines = await page.evaluate(`(${runChecks})(${JSON.stringify(`${server.url}/check-${variant}.mjs`)})`);
    passed(lines, variant === 'simd' ? 'simd128' : 'relaxed');
  });
}
