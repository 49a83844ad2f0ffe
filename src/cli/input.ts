/** Reading stdin, and files that stand for streams. A verb inside a scenario has no stdin. */

import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { VerbContext } from './context.ts';
import { usageError } from './exit-codes.ts';

/** How messages call what came from stdin. */
export const STDIN_NAME = '<stdin>';

/**
 * The bytes of stdin.
 *
 * @param what - What is expected there, for the refusal of a terminal.
 */
export function stdinOf({ stdin }: VerbContext, what: string): AsyncIterable<Uint8Array> {
  if (stdin === undefined) throw usageError(`there is no stdin here to read ${what} from`);
  if (stdin.isTerminal) throw usageError(`${what} does not come from a terminal: name a file, or redirect one`);
  return stdin.bytes;
}

/**
 * Does something with stdin as a file called `stdin`, which is gone afterwards, also after an interrupt. What an error says of
 * that file it says of stdin.
 */
export async function withStdinFile<T>(
  context: VerbContext,
  what: string,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const bytes = stdinOf(context, what);
  return withTemporaryFile(context, 'stdin', async (path) => {
    await pipeline(bytes, createWriteStream(path, { flags: 'wx' }));
    try {
      return await use(path);
    } catch (error) {
      if (error instanceof Error) error.message = error.message.replaceAll(path, STDIN_NAME);
      throw error;
    }
  });
}

/** Does something with the path of a file that is not there yet, and is gone afterwards, also after an interrupt. */
export async function withTemporaryFile<T>(
  context: VerbContext,
  name: string,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'overlog-'));
  context.leftover(folder, true);
  try {
    return await use(join(folder, name));
  } finally {
    await rm(folder, { recursive: true, force: true });
    context.leftover(folder, false);
  }
}
