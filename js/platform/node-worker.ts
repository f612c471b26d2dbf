/** Worker script of a model in Node.js. */
import { loadLocal } from '../load-local.js';
import { serveModel } from '../serve-model.js';
import { node, parent } from './node.js';

const formats = () => import('../formats/adapt.js');

serveModel(parent, (source, options) => loadLocal(node, source, options, { formats }));
