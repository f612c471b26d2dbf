/** The app on Node's HTTP server, with the demo page where it is asked for. */
import { serve, type ServerType } from '@hono/node-server';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import type { Model } from '../types.js';
import { createApp } from './app.js';
import { createMetrics } from './metrics.js';

export interface ServeOptions {
  model: Model;
  host: string;
  port: number;
  /** Folders of the page and of the models it may load; none: the API alone. */
  demo?: { page: string; models: string };
}

/** Starts listening; resolves with the address. */
export async function startServer({ model, host, port, demo }: ServeOptions): Promise<{ url: string; close(): Promise<void> }> {
  const app = new Hono();
  app.use(async (c, next) => {
    await next();
    /* what a page needs to share memory between threads */
    c.res.headers.set('cross-origin-opener-policy', 'same-origin');
    c.res.headers.set('cross-origin-embedder-policy', 'require-corp');
    c.res.headers.set('cross-origin-resource-policy', 'cross-origin');
    /* the rest of a body that was refused is not read: the connection ends with the answer */
    if (c.res.status === 413) c.res.headers.set('connection', 'close');
  });
  const api = createApp({ model, metrics: createMetrics() });
  if (demo) {
    app.use('/models/*', serveStatic({ root: demo.models, rewriteRequestPath: (path) => path.replace(/^\/models/, '') }));
    app.get('/*', serveStatic({ root: demo.page }));
  }
  app.route('/', api);
  app.notFound((c) => api.fetch(c.req.raw));

  const server = await new Promise<ServerType>((resolve, reject) => {
    const listening = serve({ fetch: app.fetch, hostname: host, port }, () => resolve(listening));
    listening.on('error', reject);
  });
  const { port: actual } = server.address() as { port: number };
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
