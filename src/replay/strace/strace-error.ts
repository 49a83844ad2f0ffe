import { storeError, type StoreError } from '../../events/log-error.ts';

/** A line that is not one of strace's; the message says where and what. */
export function lineError(line: number, message: string): StoreError {
  return storeError('ERR_LOG_IMPORT', `line ${line}: ${message}`, { detail: { line } });
}
