/** A verb that could not do its work: the code that `NAME!` expects, and a sentence. */
export interface VerbError extends Error {
  /** An errno such as `ENOENT`; `1` where a verb says no without one (`test`); `usage` for arguments that are none. */
  readonly code: string;
}

export function verbError(code: string, message: string): VerbError {
  const error = new Error(message);
  error.name = 'VerbError';
  return Object.assign(error, { code });
}

/** @param form - How the verb is written. */
export const usage = (form: string): VerbError => verbError('usage', `usage: ${form}`);

export function isVerbError(value: unknown): value is VerbError {
  return value instanceof Error && value.name === 'VerbError';
}
