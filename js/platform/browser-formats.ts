/** Worker script that reads the formats of formats/adapt.ts for a model's worker. */
import { adapt } from '../formats/adapt.js';
import { serveAdapt } from '../formats/remote.js';
import { openTools } from '../load-local.js';
import { browser, parent } from './browser.js';

serveAdapt(parent, (parts, options) => adapt(parts, () => openTools(browser, 'wasm', options), options));
