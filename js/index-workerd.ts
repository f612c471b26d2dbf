/** The package on this host: load() and its types. */
import { createLoad, createLoadTokenizer, type Load, type LoadTokenizer } from './load.js';
import { workerd } from './platform/workerd.js';

const local = () => import('./load-local.js');

/** Loads a model from a URL, path, Response, stream, Blob, buffer or several parts. */
export const load: Load = createLoad(workerd, local, { chat: () => import('./chat/render.js'), formats: () => import('./formats/adapt.js') });

/** Opens a tokenizer.json, or a SentencePiece tokenizer.model, without a model. */
export const loadTokenizer: LoadTokenizer = createLoadTokenizer(workerd, local);

export { RealizarError, type ErrorCode } from './errors.js';
export type * from './types.js';
