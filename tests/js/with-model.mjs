// Loads a model for as long as a function uses it.
import { load } from '../../dist/index-node.js';
import { useModel } from './use-model.mjs';

export const withModel = (source, options, use) => useModel(load(source, options), use);
