// The HTTP API: the same requests against Node's server and, in workerd, against the Worker example.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { unstable_startWorker } from 'wrangler';
import { load } from '../../dist/index-node.js';
import { startServer } from '../../dist/server/node.js';
import { version } from '../../dist/version.js';
import { root, shippedModel, shippedModels } from './support.mjs';

process.env.WRANGLER_SEND_METRICS = 'false';
process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false';

const jsonHeaders = { 'content-type': 'application/json' };

/** Server-sent events of a response, with the time each arrived. */
async function readEvents(response) {
  const events = [];
  let text = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const [, event, data] = text.slice(0, end).match(/^event: (\w+)\ndata: (.*)$/);
      events.push({ event, data: JSON.parse(data), at: performance.now() });
      text = text.slice(end + 2);
    }
  }
  assert.equal(text, '');
  return events;
}

/** The requests that both hosts must answer alike. `host` gives fetch(path, init) and the model. */
function sharedTests(host) {
  const post = (path, body, init) => host.fetch(path, { method: 'POST', headers: jsonHeaders, body: JSON.stringify(body), ...init });

  async function expectError(response, status, text) {
    assert.equal(response.status, status);
    const body = await response.json();
    assert.deepEqual(Object.keys(body), ['error']);
    if (text instanceof RegExp) assert.match(body.error, text);
    else assert.equal(body.error, text);
  }

  test('GET /health', async () => {
    const response = await host.fetch('/health');
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type'), /^application\/json/);
    assert.deepEqual(await response.json(), { status: 'healthy', version, compute_mode: 'cpu' });
  });

  test('POST /tokenize', async () => {
    const response = await post('/tokenize', { text: 'Once upon a time' });
    assert.equal(response.status, 200);
    const token_ids = await host.model().tokenize('Once upon a time');
    assert.deepEqual(await response.json(), { token_ids, num_tokens: token_ids.length });
    assert.deepEqual(await (await post('/tokenize', { text: '', model_id: 'default' })).json(), { token_ids: [1], num_tokens: 1 });
  });

  test('POST /generate', async () => {
    const response = await post('/generate', { prompt: 'Once upon a time', max_tokens: 12 });
    assert.equal(response.status, 200);
    const body = await response.json();
    const prompt = await host.model().tokenize('Once upon a time');
    assert.deepEqual(Object.keys(body), ['token_ids', 'text', 'num_generated']);
    assert.deepEqual(body.token_ids.slice(0, prompt.length), prompt);
    assert.equal(body.token_ids.length, prompt.length + 12);
    assert.equal(body.num_generated, 12);
    assert.deepEqual((await (await post('/generate', { prompt: 'Once upon a time', max_tokens: 12, strategy: 'greedy' })).json()), body);
    assert.equal((await (await post('/generate', { prompt: 'Once upon a time', ignored: 1 })).json()).num_generated, 50);
  });

  test('POST /generate samples with a seed', async () => {
    for (const strategy of ['top_k', 'top_p']) {
      const request = { prompt: 'The', max_tokens: 20, strategy, temperature: 0.9, top_k: 20, top_p: 0.95, seed: 5 };
      const first = await (await post('/generate', request)).json();
      assert.deepEqual(await (await post('/generate', request)).json(), first);
      assert.notDeepEqual(await (await post('/generate', { ...request, seed: 6 })).json(), first);
    }
  });

  test('events: one per token, whole characters, then done', async () => {
    const whole = await (await post('/generate', { prompt: 'Once upon a time', max_tokens: 30 })).json();
    for (const [path, extra] of [['/stream/generate', {}], ['/generate', { stream: true }]]) {
      const response = await post(path, { prompt: 'Once upon a time', max_tokens: 30, ...extra });
      assert.equal(response.status, 200);
      assert.match(response.headers.get('content-type'), /^text\/event-stream/);
      const events = await readEvents(response);
      const tokens = events.filter((e) => e.event === 'token');
      assert.equal(tokens.length, 30);
      assert.deepEqual(Object.keys(tokens[0].data), ['token_id', 'text']);
      assert.deepEqual(tokens.map((e) => e.data.token_id), whole.token_ids.slice(-30));
      assert.equal(tokens.map((e) => e.data.text).join(''), whole.text);
      assert.deepEqual({ ...events.at(-1), at: 0 }, { event: 'done', data: { num_generated: 30 }, at: 0 });
    }
  });

  test('events stream: the first arrives long before the last', async () => {
    const start = performance.now();
    const response = await post('/stream/generate', { prompt: 'Once upon a time', max_tokens: 400, strategy: 'top_k', top_k: 0, temperature: 3, seed: 1 });
    const events = await readEvents(response);
    const [first, last] = [events[0].at - start, events.at(-1).at - start];
    assert.ok(events.length > 20, `${events.length} events`);
    assert.ok(first < last / 2, `first event after ${first} ms, last after ${last} ms`);
  });

  test('refusals have their status and sentence', async () => {
    await expectError(await post('/generate', { prompt: '' }), 400, 'Prompt cannot be empty');
    await expectError(await post('/stream/generate', { prompt: '' }), 400, 'Prompt cannot be empty');
    await expectError(await post('/generate', { prompt: 'a', strategy: 'beam' }), 400, 'Invalid strategy: beam');
    await expectError(await post('/generate', { prompt: 'a', temperature: -1 }), 400, 'Temperature must not be negative');
    await expectError(await post('/generate', { prompt: 'word '.repeat(2000) }), 400, /^the prompt has \d+ tokens, the context holds \d+/);
    await expectError(await post('/stream/generate', { prompt: 'word '.repeat(2000) }), 400, /^the prompt has \d+ tokens, the context holds \d+/);
    await expectError(await post('/generate', {}), 422, "'prompt' is missing");
    await expectError(await post('/generate', { prompt: 5 }), 422, "'prompt' must be a string");
    await expectError(await post('/generate', { prompt: 'a', max_tokens: 1.5 }), 422, "'max_tokens' must be a whole number, at least 0");
    await expectError(await post('/generate', { prompt: 'a', max_tokens: -1 }), 422, "'max_tokens' must be a whole number, at least 0");
    await expectError(await post('/tokenize', { text: null }), 422, "'text' is missing");
    await expectError(await post('/tokenize', ['a']), 422, 'The request body must be a JSON object');
    await expectError(await post('/tokenize', {}, { body: '{"text": ' }), 400, 'The request body is not valid JSON');
    await expectError(await post('/tokenize', {}, { headers: { 'content-type': 'text/plain' } }), 415, 'Expected request with `Content-Type: application/json`');
    await expectError(await post('/tokenize', { text: 'a', model_id: 'other' }), 404, "Model 'other' not found");
    await expectError(await post('/tokenize', { text: 'a'.repeat(3 << 20) }), 413, 'The request body is larger than 2097152 bytes');
  });

  test('unknown paths and wrong methods', async () => {
    const missing = await host.fetch('/nowhere');
    assert.equal(missing.status, 404);
    assert.deepEqual(await missing.json(), { error: 'not_found', message: 'There is no /nowhere' });
    for (const [path, method, allow] of [['/generate', 'GET', 'POST'], ['/health', 'POST', 'GET'], ['/tokenize', 'PUT', 'POST']]) {
      const response = await host.fetch(path, { method });
      assert.equal(response.status, 405, path);
      assert.equal(response.headers.get('allow'), allow);
      assert.equal(await response.text(), '');
    }
  });

  test('allows every origin', async () => {
    const response = await host.fetch('/health', { headers: { origin: 'https://example.org' } });
    assert.equal(response.headers.get('access-control-allow-origin'), '*');
    const preflight = await host.fetch('/generate', {
      method: 'OPTIONS',
      headers: { origin: 'https://example.org', 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
    });
    assert.equal(preflight.status, 204);
  });

  test('ten requests at once are all answered alike', async () => {
    const bodies = await Promise.all(Array.from({ length: 10 }, async () => (await post('/generate', { prompt: 'A robot', max_tokens: 20 })).text()));
    assert.equal(new Set(bodies).size, 1);
  });
}

for (const backend of ['native', 'wasm']) {
  describe(`Node's server (${backend})`, () => {
    let model;
    let server;
    before(async () => {
      model = await load(shippedModel, { backend, worker: backend === 'wasm' });
      server = await startServer({ model, host: '127.0.0.1', port: 0 });
    });
    after(async () => {
      await server.close();
      await model.close();
    });
    const host = { fetch: (path, init) => fetch(`${server.url}${path}`, init), model: () => model };
    sharedTests(host);

    test('a client that goes away ends its generation', async () => {
      const controller = new AbortController();
      const response = await host.fetch('/stream/generate', {
        method: 'POST', headers: jsonHeaders, signal: controller.signal,
        body: JSON.stringify({ prompt: 'Once', max_tokens: 450, strategy: 'top_k', top_k: 0, temperature: 3 }),
      });
      const reader = response.body.getReader();
      await reader.read();
      controller.abort();
      await reader.closed.catch(() => {});
      assert.equal((await host.fetch('/health')).status, 200);
    });

    test('GET /metrics counts what happened', async () => {
      const read = async () => {
        const response = await host.fetch('/metrics');
        assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
        const text = await response.text();
        const values = Object.fromEntries([...text.matchAll(/^(realizar_\w+) (.+)$/gm)].map(([, name, value]) => [name, Number(value)]));
        const types = Object.fromEntries([...text.matchAll(/^# TYPE (realizar_\w+) (\w+)$/gm)].map(([, name, type]) => [name, type]));
        return { values, types, text };
      };
      const { values: before, types, text } = await read();
      const counters = ['requests_total', 'requests_successful', 'requests_failed', 'tokens_generated', 'inference_time_seconds', 'uptime_seconds'];
      const gauges = ['requests_per_second', 'tokens_per_second', 'avg_latency_ms', 'error_rate'];
      assert.deepEqual(types, Object.fromEntries([...counters.map((n) => [`realizar_${n}`, 'counter']), ...gauges.map((n) => [`realizar_${n}`, 'gauge'])]));
      for (const name of Object.keys(types)) assert.match(text, new RegExp(`^# HELP ${name} .+$`, 'm'));

      const send = (body) => host.fetch('/generate', { method: 'POST', headers: jsonHeaders, body: JSON.stringify(body) });
      await (await send({ prompt: 'Once', max_tokens: 7 })).json();
      await readEvents(await send({ prompt: 'Once', max_tokens: 5, stream: true }));
      await (await send({ prompt: '' })).json();
      const { values: now } = await read();
      const grown = (name) => now[`realizar_${name}`] - before[`realizar_${name}`];
      assert.equal(grown('requests_total'), 3);
      assert.equal(grown('requests_successful'), 2);
      assert.equal(grown('requests_failed'), 1);
      assert.equal(grown('tokens_generated'), 12);
      assert.ok(grown('inference_time_seconds') > 0);
      assert.ok(grown('uptime_seconds') > 0);
      assert.ok(now.realizar_tokens_per_second > 0 && now.realizar_requests_per_second > 0);
      assert.ok(now.realizar_error_rate > 0 && now.realizar_error_rate < 1);
    });
  });
}

test('the first event is there before the second token is computed', async () => {
  let computeSecond;
  const secondWanted = new Promise((resolve) => { computeSecond = resolve; });
  const model = {
    info: { name: 'two tokens' },
    tokenize: async () => [1],
    async *events() {
      yield { id: 2, text: 'one' };
      await secondWanted;
      yield { id: 3, text: ' two' };
      return { tokens: [2, 3], text: 'one two' };
    },
  };
  const server = await startServer({ model, host: '127.0.0.1', port: 0 });
  try {
    const response = await fetch(`${server.url}/stream/generate`, { method: 'POST', headers: jsonHeaders, body: '{"prompt":"a"}' });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    assert.equal((await reader.read()).value, 'event: token\ndata: {"token_id":2,"text":"one"}\n\n');
    computeSecond();
    let rest = '';
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) rest += piece.value;
    assert.equal(rest, 'event: token\ndata: {"token_id":3,"text":" two"}\n\nevent: done\ndata: {"num_generated":2}\n\n');
  } finally {
    await server.close();
  }
});

describe('the Worker example in workerd', () => {
  let worker;
  let url;
  let model;
  before(async () => {
    worker = await unstable_startWorker({
      config: join(root, 'examples', 'cloudflare', 'wrangler.toml'),
      dev: { server: { hostname: '127.0.0.1', port: 0 }, inspector: false, watch: false, logLevel: 'error' },
    });
    await worker.ready;
    url = await worker.url;
    model = await load(shippedModels.find((m) => m.type === 'Q4_0').path);
  });
  after(async () => {
    await worker.dispose();
    await model.close();
  });
  sharedTests({ fetch: (path, init) => fetch(new URL(path, url), init), model: () => model });
});
