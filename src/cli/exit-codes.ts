/** How the command ends: one table from error codes to exit codes. */

import { isStoreError, type StoreErrorCode } from '../index.ts';

export const EXIT_OK = 0;
/** A difference, a failed expectation, or a command that the state of things refuses. */
export const EXIT_DIFFERENT = 1;
export const EXIT_USAGE = 2;
/** The store or an input is corrupt, or of a format that this version does not read. */
export const EXIT_CORRUPT = 3;
export const EXIT_NOT_FOUND = 4;
/** 128 + SIGINT. */
export const EXIT_INTERRUPTED = 130;

const STORE_CODES: Readonly<Record<StoreErrorCode, number>> = {
  ERR_LOG_CORRUPT: EXIT_CORRUPT,
  ERR_LOG_FORMAT_UNSUPPORTED: EXIT_CORRUPT,
  ERR_LOG_RECORD_TOO_LARGE: EXIT_CORRUPT,
  ERR_LOG_CHUNK_UNKNOWN: EXIT_CORRUPT,
  ERR_CHECKPOINT_DAMAGED: EXIT_CORRUPT,
  ERR_LOG_IMPORT: EXIT_CORRUPT,
  ERR_LOG_FAILED: EXIT_CORRUPT,
  ERR_OCI_CORRUPT: EXIT_CORRUPT,
  ERR_OCI_DIGEST: EXIT_CORRUPT,
  ERR_OCI_UNSUPPORTED: EXIT_CORRUPT,
  ERR_SCENARIO_SYNTAX: EXIT_CORRUPT,
  ERR_LOG_NOT_FOUND: EXIT_NOT_FOUND,
  ERR_NOT_FOUND: EXIT_NOT_FOUND,
  ERR_HISTORY_DROPPED: EXIT_NOT_FOUND,
  ERR_AMBIGUOUS: EXIT_NOT_FOUND,
  ERR_AT_INVALID: EXIT_NOT_FOUND,
  ERR_INVALID_ARGUMENT: EXIT_USAGE,
  ERR_SCENARIO_FAILED: EXIT_DIFFERENT,
  ERR_CONFLICT: EXIT_DIFFERENT,
  ERR_STATE: EXIT_DIFFERENT,
  ERR_UNSUPPORTED: EXIT_DIFFERENT,
  ERR_LOG_CONFLICT: EXIT_DIFFERENT,
  ERR_LOG_LOCKED: EXIT_DIFFERENT,
  ERR_LOG_READ_ONLY: EXIT_DIFFERENT,
  ERR_LOG_CLOSED: EXIT_DIFFERENT,
  ERR_LOG_REWRITTEN: EXIT_DIFFERENT,
};

/** Codes of node:fs, in a container or on the host, that mean that something is not there. */
const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ENODATA']);

export function exitCodeOf(error: unknown): number {
  if (isUsageError(error)) return EXIT_USAGE;
  if (isStoreError(error)) return STORE_CODES[error.code];
  const { code, exitCode } = (error ?? {}) as { code?: unknown; exitCode?: unknown };
  if (typeof exitCode === 'number') return exitCode; // another process has judged it
  return typeof code === 'string' && ABSENT.has(code) ? EXIT_NOT_FOUND : EXIT_DIFFERENT;
}

/** Arguments that are none: the verb's form is shown with it. */
export function usageError(message: string): Error {
  const error = new Error(message);
  error.name = 'UsageError';
  return error;
}

export const isUsageError = (error: unknown): boolean => error instanceof Error && error.name === 'UsageError';
