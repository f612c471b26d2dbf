/** A Cloudflare Worker that serves the HTTP API on one model: what server/app.ts is, loaded lazily. */
import { load } from './index-workerd.js';
import { createApp } from './server/app.js';
import type { Model, Source, WasmModules } from './types.js';

export interface WorkerOptions<Env> {
  /** The imported .wasm files; Workers compile no others. */
  modules: WasmModules;
  /** The model, or where this Worker's environment has it (an R2 object's body, say). */
  model: Source | ((env: Env) => Source | Promise<Source>);
  /** Tokens the context holds; the KV cache counts against the Worker's 128 MB. */
  contextSize?: number;
}

/** The handler to export as default. The first request loads the model; a failed load is tried
 *  again by the next one. */
export function createWorker<Env = unknown>({ modules, model: source, contextSize }: WorkerOptions<Env>) {
  let loading: Promise<Model> | undefined;
  const app = createApp({
    model(env) {
      loading ??= (async () => load(typeof source === 'function' ? await source(env as Env) : source, { modules, contextSize }))();
      loading.catch(() => (loading = undefined));
      return loading;
    },
  });
  return { fetch: (request: Request, env: Env) => app.fetch(request, env as object) };
}
