/** Paths of the host that verbs write to. */

import { statSync } from 'node:fs';
import { partPaths } from '../index.ts';
import type { VerbContext } from './context.ts';

/** Writes to a path; when that is interrupted, nothing stays beside it. */
export async function withoutLeftovers<T>(context: VerbContext, path: string, write: () => Promise<T>): Promise<T> {
  for (const part of partPaths(path)) context.leftover(part, true);
  try {
    return await write();
  } finally {
    for (const part of partPaths(path)) context.leftover(part, false);
    context.progress(null);
  }
}

/** Whether a path names a directory: there is one, or it says so. */
export function isDirectory(path: string): boolean {
  return path.endsWith('/') || (statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false);
}
