/** Where verbs with several paths put what they take: `mv a b dir/`. */

import { isDirectoryMode } from '../../../events/mode.ts';
import { baseName, joinPath, type Shell } from './shell.ts';
import { usage } from './verb-error.ts';

/** Calls with each source and its target: into the target where that is a directory, else onto it. */
export function forEachTarget(
  shell: Shell,
  paths: readonly string[],
  form: string,
  act: (from: string, to: string) => void,
): void {
  const sources = paths.slice(0, -1);
  const target = paths.at(-1);
  if (target === undefined || sources.length === 0) throw usage(form);
  const node = shell.tryStat(target);
  const isInto = typeof node !== 'number' && isDirectoryMode(node.mode);
  if (sources.length > 1 && !isInto) throw usage(form);
  for (const from of sources) act(from, isInto ? joinPath(target, baseName(from)) : target);
}
