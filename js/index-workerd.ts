/** The package on this host: load() and its types. */
import { createLoad, createLoadTokenizer, type Load, type LoadTokenizer } from './load.js';
import { workerd } from './platform/workerd.js';

/** Loads a model from a URL, path, Response, stream, Blob, buffer or several parts. */
export const load: Load = createLoad(workerd, { chat: () => import('./chat/render.js'), formats: () => import('./formats/adapt.js') });

/** Opens a tokenizer.json, or a SentencePiece tokenizer.model, without a model. */
export const loadTokenizer: LoadTokenizer = createLoadTokenizer(workerd);

export { RealizarError, type ErrorCode } from './errors.js';
export type * from './types.js';
