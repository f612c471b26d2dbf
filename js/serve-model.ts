/** The worker's side of remote.ts: loads a model on its thread and answers calls. */
import { RealizarError } from './errors.js';
import type { ParentPort } from './platform/platform.js';
import { failureOf, type FromWorker, isPumped, readPump, type RemoteCall, type RemoteSource, type ToWorker } from './protocol.js';
import type { ByteReader } from './source.js';
import type { LoadOptions, Model, ModelFiles, ModelInfo, Source } from './types.js';

function streamOf(reader: ByteReader): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const chunk = await reader.read();
      if (chunk) controller.enqueue(chunk);
      else controller.close();
    },
    cancel: () => reader.cancel(),
  }, { highWaterMark: 0 });
}

/** A pumped source becomes a Response, which carries its size. */
function sourceOf(source: RemoteSource): Source {
  if (!isPumped(source)) return source;
  const headers: Record<string, string> = source.size === undefined ? {} : { 'content-length': String(source.size) };
  return new Response(streamOf(readPump(source)), { headers });
}

/** Loads on the worker's thread. */
export type ServedLoad = (source: Source | Source[] | ModelFiles, options: LoadOptions) => Promise<Model>;

/** Answers the messages of one RemoteModel. */
export function serveModel(port: ParentPort, load: ServedLoad): void {
  const running = new Map<number, AbortController>();
  let model: Model | undefined;

  async function run({ id, method, args }: RemoteCall, signal: AbortSignal): Promise<unknown> {
    const event = (e: never) => port.post({ id, event: e } satisfies FromWorker);
    if (method === 'load') {
      const [sources, options] = args as [RemoteSource[] | { [name: string]: RemoteSource }, LoadOptions];
      const files = () => Object.fromEntries(Object.entries(sources).map(([name, s]) => [name, sourceOf(s as RemoteSource)]));
      const source = !Array.isArray(sources) ? files() : sources.length === 1 ? sourceOf(sources[0]!) : sources.map(sourceOf);
      model = await load(source, { ...options, signal, onProgress: (p) => event(p as never) });
      return model.info satisfies ModelInfo;
    }
    if (!model) throw new RealizarError('STATE', 'no model is loaded');
    const [first, options] = args as [never, object];
    switch (method) {
      case 'events': {
        const events = model.events(first, { ...options, signal });
        for (;;) {
          const { done, value } = await events.next();
          if (done) return value;
          event(value as never);
        }
      }
      case 'perplexity':
        return model.perplexity(first, { ...options, signal, onProgress: (...p) => event(p as never) });
      case 'close':
        return model.close();
      default:
        return model[method](first, options as never);
    }
  }

  port.onMessage(async (message: ToWorker) => {
    if ('abort' in message) {
      running.get(message.abort)?.abort();
      return;
    }
    const controller = new AbortController();
    running.set(message.id, controller);
    try {
      const result = await run(message, controller.signal);
      const transfer = result instanceof Float32Array ? [result.buffer as ArrayBuffer] : [];
      port.post({ id: message.id, result } satisfies FromWorker, transfer);
    } catch (error) {
      port.post({ id: message.id, failure: failureOf(error) } satisfies FromWorker);
    } finally {
      running.delete(message.id);
    }
  });
}
