/** Worker script of a model in Node.js. */
import { createLoad } from '../load.js';
import { serveModel } from '../serve-model.js';
import { node, parent } from './node.js';

serveModel(parent, createLoad(node, { formats: () => import('../formats/adapt.js') }));
