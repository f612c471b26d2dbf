/** The HTTP API as a Hono app: what `realizar serve` runs and what a Cloudflare Worker mounts. */
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { streamSSE } from 'hono/streaming';
import { RealizarError } from '../errors.js';
import type { GenerateOptions, GenerateResult, Generation, Model, TokenEvent } from '../types.js';
import { version } from '../version.js';
import { type Body, HttpError, optional, readBody, required } from './fields.js';

/** What the app counts; server/metrics.ts keeps it for Prometheus. */
export interface Metrics {
  request(ok: boolean, ms: number): void;
  generation(tokens: number, ms: number): void;
  text(): Promise<string>;
  contentType: string;
}

export interface AppOptions {
  /** The model; a function is called with each request's environment (Workers load lazily). */
  model: Model | ((env: unknown) => Promise<Model>);
  /** Mounts GET /metrics. */
  metrics?: Metrics;
}

const maxBodyBytes = 2 << 20;
const notCounted = new Set(['/health', '/metrics']);

/** Errors of the engine that the request caused. */
const callerCodes = new Set(['ARGUMENT', 'CONTEXT', 'VALUE']);

function statusOf(error: unknown): { status: HttpError['status']; text: string } {
  if (error instanceof HttpError) return { status: error.status, text: error.message };
  if (error instanceof RealizarError) return { status: callerCodes.has(error.code) ? 400 : 500, text: error.message };
  return { status: 500, text: error instanceof Error ? error.message : String(error) };
}

/** The request's sampling in the engine's terms. */
function generateOptions(body: Body, signal: AbortSignal): GenerateOptions {
  const strategy = optional(body, 'strategy', 'string', 'greedy');
  const temperature = optional(body, 'temperature', 'number', 1);
  const topK = optional(body, 'top_k', 'integer', 50);
  const topP = optional(body, 'top_p', 'number', 0.9);
  const options: GenerateOptions = {
    maxTokens: optional(body, 'max_tokens', 'integer', 50),
    seed: optional(body, 'seed', 'integer', undefined),
    minP: 0,
    signal,
  };
  if (temperature < 0) throw new HttpError(400, 'Temperature must not be negative');
  switch (strategy) {
    case 'greedy': return { ...options, temperature: 0 };
    case 'top_k': return { ...options, temperature, topK, topP: 1 };
    case 'top_p': return { ...options, temperature, topK: 0, topP };
    default: throw new HttpError(400, `Invalid strategy: ${strategy}`);
  }
}

interface Started {
  promptIds: number[];
  events: Generation;
  first: IteratorResult<TokenEvent, GenerateResult>;
}

/** Checks the request and computes up to the first token, so that refusals still have a status. */
async function startGeneration(model: Model, body: Body, signal: AbortSignal): Promise<Started> {
  const prompt = required(body, 'prompt', 'string');
  if (prompt === '') throw new HttpError(400, 'Prompt cannot be empty');
  const options = generateOptions(body, signal);
  const promptIds = await model.tokenize(prompt);
  const events = model.events(promptIds, options);
  return { promptIds, events, first: await events.next() };
}

async function* resume({ events, first }: Started): Generation {
  let next = first;
  for (; !next.done; next = await events.next()) yield next.value;
  return next.value;
}

function checkModelId(body: Body, model: Model): void {
  const id = optional(body, 'model_id', 'string', undefined);
  if (id !== undefined && id !== 'default' && id !== model.info.name) {
    throw new HttpError(404, `Model '${id}' not found`);
  }
}

/** Builds the app around a model. */
export function createApp({ model: source, metrics }: AppOptions): Hono {
  const app = new Hono();
  const modelFor = (c: Context) => (typeof source === 'function' ? source(c.env) : source);

  app.use(cors());
  app.use(async (c, next) => {
    const start = performance.now();
    await next();
    if (!notCounted.has(c.req.path)) metrics?.request(c.res.status < 400, performance.now() - start);
  });
  app.use(bodyLimit({
    maxSize: maxBodyBytes,
    onError: () => { throw new HttpError(413, `The request body is larger than ${maxBodyBytes} bytes`); },
  }));
  app.onError((error, c) => {
    const { status, text } = statusOf(error);
    return c.json({ error: text }, status);
  });

  /** Answers a known path with another method by 405 and an empty body. */
  const only = (method: 'GET' | 'POST', path: string) => {
    app.all(path, (c) => c.body(null, 405, { allow: method }));
  };

  app.get('/health', (c) => c.json({ status: 'healthy', version, compute_mode: 'cpu' }));
  only('GET', '/health');

  if (metrics) {
    app.get('/metrics', async (c) => c.body(await metrics.text(), 200, { 'content-type': metrics.contentType }));
    only('GET', '/metrics');
  }

  app.post('/tokenize', async (c) => {
    const body = await readBody(c);
    const text = required(body, 'text', 'string');
    const model = await modelFor(c);
    checkModelId(body, model);
    const token_ids = await model.tokenize(text);
    return c.json({ token_ids, num_tokens: token_ids.length });
  });
  only('POST', '/tokenize');

  /** Server-sent events: one `token` per token, then `done`. */
  const sendEvents = (c: Context, started: Started, abort: AbortController) => streamSSE(c, async (stream) => {
    stream.onAbort(() => abort.abort());
    const start = performance.now();
    let tokens = 0;
    try {
      const events = resume(started);
      let next = await events.next();
      for (; !next.done; next = await events.next()) {
        const { id, text } = next.value;
        await stream.writeSSE({ event: 'token', data: JSON.stringify({ token_id: id, text }) });
      }
      tokens = next.value.tokens.length;
      await stream.writeSSE({ event: 'done', data: JSON.stringify({ num_generated: tokens }) });
    } catch (error) {
      if (!abort.signal.aborted) await stream.writeSSE({ event: 'error', data: JSON.stringify({ error: statusOf(error).text }) });
    }
    metrics?.generation(tokens, performance.now() - start);
  });

  const generate = async (c: Context, streaming: boolean) => {
    const body = await readBody(c);
    const model = await modelFor(c);
    checkModelId(body, model);
    const wantsStream = streaming || optional(body, 'stream', 'boolean', false);
    const abort = new AbortController();
    c.req.raw.signal?.addEventListener('abort', () => abort.abort(), { once: true });
    const start = performance.now();
    const started = await startGeneration(model, body, abort.signal);
    if (wantsStream) return sendEvents(c, started, abort);

    const events = resume(started);
    let next = await events.next();
    while (!next.done) next = await events.next();
    const { tokens, text } = next.value;
    metrics?.generation(tokens.length, performance.now() - start);
    return c.json({ token_ids: [...started.promptIds, ...tokens], text, num_generated: tokens.length });
  };
  app.post('/generate', (c) => generate(c, false));
  only('POST', '/generate');
  app.post('/stream/generate', (c) => generate(c, true));
  only('POST', '/stream/generate');

  app.notFound((c) => c.json({ error: 'not_found', message: `There is no ${c.req.path}` }, 404));
  return app;
}
