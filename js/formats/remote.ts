/**
 * adapt() in a worker of its own: the script of a page's model worker would be twice as large with it.
 * Bytes go there and come back chunk by chunk, while the engine packs what came before.
 */
import { RealizarError } from '../errors.js';
import type { ParentPort, WorkerPort } from '../platform/platform.js';
import { failureOf, type PumpedSource, pumpReader, readPump, type RemoteFailure, revive } from '../protocol.js';
import { type ByteReader, Part } from '../source.js';
import type { LoadOptions } from '../types.js';
import type { Adapt, Adapted, PredictorFile } from './adapt.js';

interface Request {
  parts: PumpedSource[];
  options: LoadOptions;
}

type Answer = { predictor: PredictorFile } | { parts: PumpedSource[] } | { failure: RemoteFailure };

function readerOf(part: Part): ByteReader {
  return {
    size: part.reader.size,
    async read() {
      const bytes = await part.at(part.position);
      part.take(bytes.length);
      return bytes.length ? bytes : null;
    },
    cancel: () => part.reader.cancel(),
  };
}

function pump(parts: Part[]): PumpedSource[] {
  return parts.map((part) => pumpReader(readerOf(part)).source);
}

function portsOf(parts: PumpedSource[]): Transferable[] {
  return parts.map((p) => p.pump);
}

/** adapt() in the worker that `start` starts; to be ended when the model is loaded. */
export function adaptIn(start: () => WorkerPort): Adapt {
  return async (parts, _tools, { variant, modules }) => {
    const worker = start();
    const answered = new Promise<Answer>((resolve, reject) => {
      worker.onMessage(resolve);
      worker.onError((error) => reject(new RealizarError('CRASHED', `the formats' worker failed: ${error.message}`, { cause: error })));
    });
    const pumped = pump(parts);
    worker.post({ parts: pumped, options: { variant, modules } } satisfies Request, portsOf(pumped));
    const answer = await answered.catch((error: unknown) => ({ failure: failureOf(error) }));
    if ('failure' in answer) throw revive(answer.failure);
    return 'parts' in answer ? { parts: answer.parts.map((source) => new Part(readPump(source))) } : answer;
  };
}

/** The worker's side. */
export function serveAdapt(parent: ParentPort, adapt: (parts: Part[], options: LoadOptions) => Promise<Adapted | undefined>): void {
  parent.onMessage(async ({ parts, options }: Request) => {
    try {
      const given = parts.map((source) => new Part(readPump(source)));
      const adapted = (await adapt(given, options)) ?? { parts: given };
      if ('predictor' in adapted) return parent.post(adapted);
      const pumped = pump(adapted.parts);
      parent.post({ parts: pumped } satisfies Answer, portsOf(pumped));
    } catch (error) {
      parent.post({ failure: failureOf(error) } satisfies Answer);
    }
  });
}
