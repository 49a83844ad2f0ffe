/** Errors of the store. They are told apart by `code`, never by class; the message says where (segment, byte, seq). */
export type StoreErrorCode =
  | 'ERR_LOG_CORRUPT'
  | 'ERR_LOG_CONFLICT'
  | 'ERR_LOG_FORMAT_UNSUPPORTED'
  | 'ERR_LOG_RECORD_TOO_LARGE'
  | 'ERR_LOG_LOCKED'
  | 'ERR_LOG_READ_ONLY'
  | 'ERR_LOG_CLOSED'
  | 'ERR_LOG_FAILED'
  | 'ERR_LOG_CHUNK_UNKNOWN'
  | 'ERR_LOG_NOT_FOUND'
  | 'ERR_LOG_IMPORT'
  | 'ERR_LOG_REWRITTEN'
  | 'ERR_HISTORY_DROPPED'
  | 'ERR_CHECKPOINT_DAMAGED'
  | 'ERR_NOT_FOUND'
  | 'ERR_AMBIGUOUS'
  | 'ERR_AT_INVALID'
  | 'ERR_CONFLICT'
  | 'ERR_STATE'
  | 'ERR_INVALID_ARGUMENT'
  | 'ERR_UNSUPPORTED'
  | 'ERR_OCI_CORRUPT'
  | 'ERR_OCI_DIGEST'
  | 'ERR_OCI_UNSUPPORTED'
  | 'ERR_SCENARIO_SYNTAX'
  | 'ERR_SCENARIO_FAILED';

export interface StoreError extends Error {
  readonly code: StoreErrorCode;
  /** Facts for programs: segment, byte, seq, pid, file, entry, line. */
  readonly detail: Readonly<Record<string, string | number | null>>;
}

/**
 * Makes an error of the store.
 *
 * @param options.detail - Where it happened, for programs; the message says the same for people.
 * @param options.cause - The error behind it.
 */
export function storeError(
  code: StoreErrorCode,
  message: string,
  options: { detail?: Readonly<Record<string, string | number | null>>; cause?: unknown } = {},
): StoreError {
  const error = new Error(message, options.cause === undefined ? undefined : { cause: options.cause });
  error.name = 'StoreError';
  return Object.assign(error, { code, detail: options.detail ?? {} });
}

export function isStoreError(value: unknown, code?: StoreErrorCode): value is StoreError {
  if (!(value instanceof Error) || value.name !== 'StoreError') return false;
  return code === undefined || (value as StoreError).code === code;
}
