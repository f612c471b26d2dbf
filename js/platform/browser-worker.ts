/** Worker script of a model in a page. */
import * as formats from '../formats/adapt.js';
import { createLoad } from '../load.js';
import { serveModel } from '../serve-model.js';
import { browser, parent } from './browser.js';

/* no dynamic import: Vite builds workers of one file unless it is told otherwise */
const load = createLoad(browser, { formats: async () => formats });

/* The page ends this worker after close, and with it everything the model holds. Ending the pool's
 * threads just before that races with it in Chromium 156: both workers can stay behind, asleep. */
serveModel(parent, async (source, options) => Object.assign(await load(source, options), { close: async () => {} }));
