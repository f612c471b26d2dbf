// What the browser tests share: a static server, Chromium, fixtures.
import assert from 'node:assert/strict';
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, extname, join, resolve, sep } from 'node:path';
import { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const fixtures = resolve(root, process.env.REALIZAR_FIXTURES ?? '../shared/fixtures');

/** Path of a file among the fixtures, or undefined where it is missing. */
export function fixture(...path) {
  const full = join(fixtures, ...path);
  return existsSync(full) ? full : undefined;
}

/** Says once what could not be run; `npm test` repeats it at its end. */
export function notRun(what) {
  process.stdout.write(`NOT RUN: ${what}\n`);
}

/**
 * The model of the browser tests: stories260K with its recorded results, or, where there are no
 * fixtures, the shipped one without. `what` is then not run.
 */
export function smallModel(what) {
  const path = fixture('gguf-models', 'stories260K.gguf');
  if (path) {
    const recorded = JSON.parse(readFileSync(fixture('gguf-models', 'reference', 'stories260K.p0.json'), 'utf8'));
    return { name: 'stories260K.gguf', bytes: readFileSync(path), recorded };
  }
  notRun(`${what} (no gguf-models in ${fixtures}; set REALIZAR_FIXTURES)`);
  const { default: name } = JSON.parse(readFileSync(join(root, 'models', 'manifest.json'), 'utf8'));
  return { name, bytes: readFileSync(join(root, 'models', name)) };
}

/** Starts Chromium; CHROMIUM names another one. */
export function launchBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
}

const types = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css', '.json': 'application/json',
  '.svg': 'image/svg+xml', '.wasm': 'application/wasm',
};

const isolation = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

/** The file behind a URL path, from the longest mount that fits. */
function fileFor(mounts, path) {
  const mount = Object.keys(mounts).sort((a, b) => b.length - a.length).find((m) => path.startsWith(m));
  if (mount === undefined) return undefined;
  const folder = resolve(mounts[mount]);
  const file = resolve(folder, path.slice(mount.length));
  if (file === folder || !file.startsWith(folder + sep)) return undefined;
  return existsSync(file) && statSync(file).isFile() ? file : undefined;
}

function send(response, status, headers, body) {
  response.writeHead(status, headers);
  response.end(body);
}

/**
 * A static server. `mounts`: URL prefix, such as '/dist/', to folder. `routes`: URL path to a handler
 * (request, response), which come first. `isolated`: send the headers that shared memory needs.
 */
export async function startStatic({ mounts = {}, routes = {}, isolated = false }) {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://host').pathname);
    if (isolated) for (const [name, value] of Object.entries(isolation)) response.setHeader(name, value);
    if (routes[path]) return routes[path](request, response);
    const file = fileFor(mounts, path.endsWith('/') ? `${path}index.html` : path);
    if (!file) return send(response, 404, { 'content-type': 'text/html' }, '<!doctype html><title>404</title>Not found');
    response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream', 'content-length': statSync(file).size });
    createReadStream(file).pipe(response);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => new Promise((done) => {
      server.close(done);
      server.closeAllConnections();
    }),
  };
}

/** Sends bytes whole. */
export function sendBytes(bytes, type = 'application/octet-stream') {
  return (_request, response) => send(response, 200, { 'content-type': type, 'content-length': Buffer.byteLength(bytes) }, bytes);
}

/** Promises `bytes.length` bytes, sends `cut` of them and breaks the connection. */
export function sendBroken(bytes, cut) {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes.length });
    response.write(bytes.subarray(0, cut), () => response.destroy());
  };
}

/** Sends bytes in pieces with a pause in front of each, so that a load can be watched. */
export function sendSlowly(bytes, { pieces = 20, pauseMs = 50 } = {}) {
  return async (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes.length });
    const step = Math.ceil(bytes.length / pieces);
    for (let at = 0; at < bytes.length && !response.destroyed; at += step) {
      await new Promise((done) => setTimeout(done, pauseMs));
      response.write(bytes.subarray(at, at + step));
    }
    response.end();
  };
}

/**
 * Chromium with two servers of the unbundled package and `routes`: `isolated` sends the headers for
 * shared memory, `plain` does not. Call it beside the tests; it starts before them and ends after.
 */
export function packageInChromium(routes) {
  const hosts = {};
  let browser;
  before(async () => {
    browser = await launchBrowser();
    for (const name of ['isolated', 'plain']) {
      hosts[name] = await startStatic({
        isolated: name === 'isolated',
        mounts: { '/dist/': join(root, 'dist'), '/tests/': join(root, 'tests', 'js') },
        routes: { '/': sendBytes('<!doctype html><title>test</title>', 'text/html'), ...routes },
      });
    }
  });
  after(async () => {
    await browser?.close();
    for (const host of Object.values(hosts)) await host.close();
  });

  /** A fresh page on a host, closed afterwards. */
  async function withPage(host, use) {
    const page = await browser.newPage();
    try {
      await page.goto(hosts[host].url);
      return await use(page);
    } finally {
      await page.close();
    }
  }

  /** Runs `use(t, argument)` inside a page; `t` is browser-page.mjs. */
  function evaluate(page, use, argument) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer from the page after 60 s: ${use}`)), 60_000);
    });
    const answer = page.evaluate(`import('/tests/browser-page.mjs').then((t) => (${use})(t, ${JSON.stringify(argument)}))`);
    return Promise.race([answer, late]).finally(() => clearTimeout(timer));
  }

  /** The same in one page per host that stays open: what went wrong in it before must not matter. */
  const open = {};
  async function inPage(host, use, argument) {
    if (!open[host]) {
      open[host] = await browser.newPage();
      await open[host].goto(hosts[host].url);
    }
    return evaluate(open[host], use, argument);
  }

  return { url: (host) => hosts[host].url, withPage, evaluate, inPage };
}

/** Waits until a page has no more than so many workers: Chromium says a little later that one has ended. */
export async function workersEnd(page, left = 0) {
  for (let waited = 0; page.workers().length > left && waited < 5000; waited += 20) await new Promise((done) => setTimeout(done, 20));
  assert.equal(page.workers().length, left, 'workers are left');
}
