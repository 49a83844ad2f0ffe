import { usageError } from '../exit-codes.ts';

/** As Docker sets it where an image does not. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** `KEY=VALUE`, as images and `--env` spell a variable. */
export function variableOf(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals <= 0) throw usageError(`a variable is KEY=VALUE, not "${text}"`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}
