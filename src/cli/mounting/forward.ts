/** Verbs that the process that has mounted the store runs for others, which can't write to it meanwhile. */

import { isServed, mountRecords, sendCommand, takesCommands } from '../../entry/mount.ts';
import { isStoreError } from '../../index.ts';
import type { CommandResult } from './messages.ts';

/** Those that name nothing on the host, whose paths would mean something else in the other process. */
export const FORWARDED: ReadonlySet<string> = new Set([
  'commit',
  'create',
  'down',
  'exec',
  'fork',
  'kill',
  'label',
  'pause',
  'quota',
  'rename',
  'restart',
  'rewind',
  'rm',
  'rmi',
  'start',
  'stop',
  'tag',
  'undelete',
  'unpause',
  'volume',
]);

/**
 * Has a verb run by the process that has the store, when it was refused because of that.
 *
 * @returns null when it can't be: the refusal stands.
 */
export async function forwardVerb(
  error: unknown,
  verb: string,
  argv: readonly string[],
  directory: string,
): Promise<CommandResult | null> {
  if (!FORWARDED.has(verb) || !isStoreError(error, 'ERR_LOG_LOCKED') || !takesCommands(directory)) return null;
  try {
    return (await sendCommand(directory, argv)) as CommandResult;
  } catch (failure) {
    // Nobody behind the socket: the one who has the store does not take commands.
    if ((failure as NodeJS.ErrnoException).code === 'ECONNREFUSED') return null;
    throw failure;
  }
}

/** What to do about a store that is locked by what is mounted of it; '' when that is not why. */
export function lockedHint(error: unknown, directory: string): string {
  if (!isStoreError(error, 'ERR_LOG_LOCKED') || error.message.includes('overlog umount')) return '';
  const writer = mountRecords(directory).find((record) => !record.readOnly && isServed(record));
  if (writer === undefined) return '';
  return `: ${writer.container} is mounted at ${writer.directory}; overlog umount that first, or write through it`;
}
