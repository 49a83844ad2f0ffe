/** The file verbs of scenarios, for one call: what `ls`, `cat`, `stat` and `find` of the command line run. */

import { rootCaller } from '../engine/caller.ts';
import { printableName } from '../events/name.ts';
import type { Namespace } from '../engine/namespace.ts';
import { Shell } from '../replay/scenario/verbs/shell.ts';
import { runCommands } from '../replay/scenario/verbs/verb-table.ts';

/**
 * Runs a verb in a container's or volume's namespace, as root in `/`.
 *
 * @param words - The verb, then its arguments.
 * @param options.forTerminal - Names are printed with control characters and bytes that are not UTF-8 escaped.
 * @returns What it prints.
 * @throws An error with the errno as its code (`ENOENT`), or `usage` for wrong arguments.
 */
export function runFileVerb(
  namespace: Namespace,
  words: readonly string[],
  options: { readonly forTerminal?: boolean } = {},
): Buffer {
  const shell = new Shell(rootCaller(namespace), namespace.engine);
  if (options.forTerminal === true) shell.shown = printableName;
  return runCommands(shell, [{ words, redirect: null, filter: null }]);
}
