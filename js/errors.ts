/** Why a call was refused. `message` is a sentence that says what, where and what to do. */
export type ErrorCode =
  | 'ARGUMENT'
  | 'MEMORY'
  | 'FORMAT'
  | 'TRUNCATED'
  | 'UNSUPPORTED'
  | 'SHAPE'
  | 'VALUE'
  | 'CONTEXT'
  | 'STATE'
  | 'SOURCE'
  | 'CLOSED'
  | 'CRASHED';

export class RealizarError extends Error {
  override readonly name = 'RealizarError';

  constructor(readonly code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** The codes of rz.h, RZ_E_ARG = -1 and down. */
const engineCodes: ErrorCode[] = [
  'ARGUMENT', 'MEMORY', 'FORMAT', 'TRUNCATED', 'UNSUPPORTED', 'SHAPE', 'VALUE', 'CONTEXT', 'STATE',
];

export function engineError(code: number, text: string): RealizarError {
  return new RealizarError(engineCodes[-code - 1] ?? 'CRASHED', text);
}
