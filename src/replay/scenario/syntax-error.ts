import { printableName } from '../../events/name.ts';
import { storeError, type StoreError } from '../../events/log-error.ts';

/** Where something stands in a scenario. */
export interface SourcePlace {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** Longest piece of a wrong line that an error shows. */
const SHOWN_MAX = 60;

/**
 * The one error for a text that is no scenario.
 *
 * @param expected - What should have stood there, as the end of "expected …".
 * @param got - What stands there.
 */
export function syntaxError(place: SourcePlace, expected: string, got?: string): StoreError {
  const shown = got === undefined ? '' : `, got ${got === '' ? 'nothing' : `"${shorten(printableName(got))}"`}`;
  return storeError('ERR_SCENARIO_SYNTAX', `${place.file}:${place.line}: expected ${expected}${shown}`, {
    detail: { file: place.file, line: place.line },
  });
}

const shorten = (text: string): string => (text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX - 1)}…`);
