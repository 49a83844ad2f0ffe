/** What a verb of the command is made of. The table of all verbs is verbs.ts. */

import type { VerbContext } from './context.ts';
import type { Options } from './options.ts';
import type { VerbForm } from './verb-form.ts';

export interface Verb extends VerbForm {
  /** Loads what `run` takes; not there where that has been loaded with the table of verbs. */
  load?(): Promise<unknown>;
  /** @returns The exit code; nothing is 0. */
  run(context: VerbContext, args: readonly string[], options: Options): Promise<number | void>;
}
