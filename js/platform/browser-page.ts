/** Web pages: what browser.ts has, and models in workers. */
import { browser, portOf } from './browser.js';
import type { Host } from './platform.js';

export const page: Host = {
  ...browser,
  workerByDefault: typeof document !== 'undefined',
  startWorker: () => portOf(new Worker(new URL('./browser-worker.js', import.meta.url), { type: 'module' })),
};
