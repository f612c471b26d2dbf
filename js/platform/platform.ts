/** What the package needs of a host. One file per host beside this one implements it. */
import type { ByteReader } from '../source.js';
import type { EngineLoader, EngineModel, EngineOptions, EngineTools } from '../engine.js';
import type { WasmModules } from '../types.js';

export type WasmVariant = 'relaxed' | 'simd';

/** What a pool thread is started with; see runPoolThread in abi.ts. */
export interface PoolThread {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  pool: number;
  stackTop: number;
}

/** A message channel to a worker. */
export interface WorkerPort {
  post(message: unknown, transfer?: Transferable[]): void;
  onMessage(handler: (message: never) => void): void;
  /** The worker failed outside of any call. */
  onError(handler: (error: Error) => void): void;
  terminate(): void;
}

/** The other end of a WorkerPort, in the worker. */
export interface ParentPort {
  post(message: unknown, transfer?: Transferable[]): void;
  onMessage(handler: (message: never) => void): void;
}

/** The native engine, where the add-on is built. */
export interface NativeBackend extends EngineTools {
  loader(options: EngineOptions & { variant?: string }): EngineLoader;
  tokenizer(json: Uint8Array, config?: Uint8Array): EngineModel;
}

/** What computing needs; workers' scripts are held to it, as bundlers do not let two workers name each other. */
export interface Platform {
  /** Compiles the module of a variant; `given` are the caller's own modules. */
  wasmModule(variant: WasmVariant, threads: boolean, given?: WasmModules): Promise<WebAssembly.Module | undefined>;
  /** Threads that can share memory here, the caller's included. */
  threads(): number;
  startPoolThread(thread: PoolThread): { terminate(): void };
  /** Lets other tasks of the event loop run. */
  pause(): Promise<void>;
  /** How long a generation may keep the event loop, in milliseconds; 0: one step. */
  pauseEveryMs: number;
  /** Opens a string that is no http(s) URL; undefined where there are no files. */
  openPath?(path: string): Promise<ByteReader>;
  /** Names of the files in a folder and its folders ("1_Pooling/config.json"); undefined where the path
   *  is no folder. */
  listFolder?(path: string): Promise<string[] | undefined>;
  /** The add-on, or undefined where it is not built. */
  native?(): NativeBackend | undefined;
}

/** What load() needs besides. */
export interface Host extends Platform {
  /** Whether load() computes in a worker unless told otherwise. */
  workerByDefault: boolean;
  startWorker(): WorkerPort;
}
