/** Worker script of a model in a page. */
import { createLoad } from '../load.js';
import { serveModel } from '../serve-model.js';
import { browser, parent } from './browser.js';

serveModel(parent, createLoad(browser));
