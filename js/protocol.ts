/** Messages between RemoteModel (remote.ts) and the worker (serve-model.ts). */
import { type ErrorCode, RealizarError } from './errors.js';
import type { ByteReader } from './source.js';
import type { LoadOptions, LoadProgress, ModelInfo } from './types.js';

/** A source that cannot cross to the worker: its chunks are asked for on a port. */
export interface PumpedSource {
  pump: MessagePort;
  size?: number;
}

export type RemoteSource = string | Blob | ArrayBuffer | Uint8Array | PumpedSource;

export type RemoteCall =
  | { id: number; method: 'load'; args: [sources: RemoteSource[] | { [name: string]: RemoteSource }, options: LoadOptions] }
  | { id: number; method: 'tokenize' | 'detokenize' | 'logits' | 'embed' | 'predict' | 'perplexity' | 'events' | 'close'; args: unknown[] };

export type ToWorker = RemoteCall | { abort: number };

/** An error as it crosses: RealizarErrors keep their code. */
export interface RemoteFailure {
  code?: string;
  name: string;
  message: string;
}

export function failureOf(error: unknown): RemoteFailure {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return error instanceof RealizarError ? { code: error.code, name, message } : { name, message };
}

export function revive(failure: RemoteFailure): Error {
  if (failure.code) return new RealizarError(failure.code as ErrorCode, failure.message);
  const error = new Error(failure.message);
  error.name = failure.name;
  return error;
}

/** `event` is a progress of load and perplexity, or a TokenEvent of events. */
export type FromWorker =
  | { id: number; event: LoadProgress | [number, number] | { id: number; text: string } }
  | { id: number; result: ModelInfo | unknown }
  | { id: number; failure: RemoteFailure };

/** Serves a reader's chunks on a port: one per message that arrives, null at the end. An open port
 *  keeps Node.js alive: `stop` closes it and cancels the reader. */
export function pumpReader(reader: ByteReader): { source: PumpedSource; stop(): void } {
  const { port1, port2 } = new MessageChannel();
  const stop = () => {
    reader.cancel();
    port1.close();
  };
  port1.onmessage = async ({ data }: MessageEvent<'read' | 'cancel'>) => {
    if (data === 'cancel') return stop();
    try {
      port1.postMessage({ chunk: await reader.read() });
    } catch (error) {
      port1.postMessage({ failure: failureOf(error) });
    }
  };
  return { source: { pump: port2, size: reader.size }, stop };
}

/** The other end of pumpReader. */
export function readPump(source: PumpedSource): ByteReader {
  const { pump, size } = source;
  let cancelled = false;
  let end = (_chunk: null) => {};
  return {
    size,
    read() {
      if (cancelled) return Promise.resolve(null);
      return new Promise((resolve, reject) => {
        end = resolve;
        pump.onmessage = ({ data }: MessageEvent<{ chunk: Uint8Array | null; failure?: RemoteFailure }>) => {
          if (data.failure) reject(revive(data.failure));
          else resolve(data.chunk);
        };
        pump.postMessage('read');
      });
    },
    cancel() {
      if (cancelled) return;
      cancelled = true;
      end(null);
      pump.postMessage('cancel');
      pump.close();
    },
  };
}

export function isPumped(source: unknown): source is PumpedSource {
  return typeof source === 'object' && source !== null && 'pump' in source;
}
