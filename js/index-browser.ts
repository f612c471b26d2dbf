/** The package on this host: load() and its types. */
import { createLoad, createLoadTokenizer, type Load, type LoadTokenizer } from './load.js';
import { page } from './platform/browser-page.js';

const local = () => import('./load-local.js');

/** Loads a model from a URL, path, Response, stream, Blob, buffer or several parts. */
export const load: Load = createLoad(page, local, { chat: () => import('./chat/render.js'), formats: () => import('./formats/adapt.js') });

/** Opens a tokenizer.json, or a SentencePiece tokenizer.model, without a model. */
export const loadTokenizer: LoadTokenizer = createLoadTokenizer(page, local);

export { RealizarError, type ErrorCode } from './errors.js';
export type * from './types.js';
