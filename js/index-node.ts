/** The package on this host: load() and its types. */
import { createLoad, type Load } from './load.js';
import { node } from './platform/node.js';

/** Loads a model from a URL, path, Response, stream, Blob, buffer or several parts. */
export const load: Load = createLoad(node, () => import('./chat/render.js'));

export { RealizarError, type ErrorCode } from './errors.js';
export type * from './types.js';
