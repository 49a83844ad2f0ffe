import { Blob } from 'node:buffer';
import { parsePath, validateObject } from './arguments.ts';
import { readFileSync } from './content-calls.ts';
import type { FsContext } from './context.ts';
import { invalidArgType, unopenedBlob } from './node-errors.ts';

/**
 * fs.openAsBlob: a file's content as a Blob. A file that cannot be opened is refused at once and without errno, as in Node.
 *
 * The Blob holds the content of this moment. Node's reads it later, and fails where the file was changed meanwhile.
 */
export function openAsBlob(fs: FsContext, path: unknown, options: unknown = {}): Promise<Blob> {
  validateObject(options, 'options');
  const { type = '' } = options;
  if (typeof type !== 'string') throw invalidArgType('options.type', ['string'], type);
  parsePath(path);
  let content: Buffer;
  try {
    content = readFileSync(fs, path, undefined) as Buffer;
  } catch {
    throw unopenedBlob();
  }
  return Promise.resolve(new Blob([content], { type }));
}
