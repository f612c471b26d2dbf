/** Worker script of a model in a page. */
import { adaptIn } from '../formats/remote.js';
import { loadLocal } from '../load-local.js';
import { serveModel } from '../serve-model.js';
import { browser, parent, portOf } from './browser.js';
import type { WorkerPort } from './platform.js';

let reading: WorkerPort | undefined;
/* no dynamic import: Vite builds workers of one file unless it is told otherwise */
const adapt = adaptIn(() => (reading = portOf(new Worker(new URL('./browser-formats.js', import.meta.url), { type: 'module' }))));

/* The page ends this worker after close, or when it cannot load, and with it everything the model holds and
 * the workers started here. Ending those just before that races with it in Chromium 156: both can stay
 * behind, asleep. */
serveModel(parent, async (source, options) => {
  const model = await loadLocal(browser, source, options, { formats: async () => ({ adapt }) });
  reading?.terminate();
  return Object.assign(model, { close: async () => {} });
});
