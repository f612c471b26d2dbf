/** Reading request bodies: JSON of the expected shape, or the status and sentence that say why not. */
import type { Context } from 'hono';

/** A refusal that becomes a response. */
export class HttpError extends Error {
  constructor(readonly status: 400 | 404 | 413 | 415 | 422 | 500 | 503, message: string) {
    super(message);
  }
}

export type Body = Record<string, unknown>;

/** The body as a JSON object. Unknown members are ignored. */
export async function readBody(c: Context): Promise<Body> {
  const type = c.req.header('content-type') ?? '';
  if (!/^application\/(json|[\w.+-]+\+json)\b/i.test(type)) {
    throw new HttpError(415, 'Expected request with `Content-Type: application/json`');
  }
  let body: unknown;
  try {
    body = JSON.parse(await c.req.text());
  } catch {
    throw new HttpError(400, 'The request body is not valid JSON');
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new HttpError(422, 'The request body must be a JSON object');
  }
  return body as Body;
}

type Kinds = { string: string; number: number; integer: number; boolean: boolean };

const checks: { [K in keyof Kinds]: (v: unknown) => boolean } = {
  string: (v) => typeof v === 'string',
  number: (v) => typeof v === 'number' && Number.isFinite(v),
  integer: (v) => Number.isInteger(v) && (v as number) >= 0,
  boolean: (v) => typeof v === 'boolean',
};

/** A member of the body; null and absent are the default, which `undefined` makes optional. */
export function optional<K extends keyof Kinds, D extends Kinds[K] | undefined>(body: Body, name: string, kind: K, otherwise: D): Kinds[K] | D {
  const value = body[name];
  if (value === undefined || value === null) return otherwise;
  if (!checks[kind](value)) throw new HttpError(422, `'${name}' must be ${kind === 'integer' ? 'a whole number, at least 0' : `a ${kind}`}`);
  return value as Kinds[K];
}

export function required<K extends keyof Kinds>(body: Body, name: string, kind: K): Kinds[K] {
  const value = optional(body, name, kind, undefined);
  if (value === undefined) throw new HttpError(422, `'${name}' is missing`);
  return value;
}
