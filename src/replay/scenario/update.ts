/** Rewrites expectations from what was seen, and leaves every other byte of the source as it is. */

import { encodeName } from '../../events/name.ts';
import { formatExpectedLine } from './expectation.ts';
import type { Expectation, Scenario } from './scenario.ts';

export interface ExpectationUpdate {
  readonly expectation: Expectation;
  /** The output's lines. */
  readonly seen: readonly string[];
}

/**
 * The source with other expectations.
 *
 * An output of no lines becomes `...`, which says that there is nothing to be seen; without it the step would no longer be
 * checked. Line ends stay as the lines before had them.
 */
export function updateSource(scenario: Scenario, updates: readonly ExpectationUpdate[]): Buffer {
  const lines = [...scenario.lines];
  const fromTheEnd = [...updates].sort((a, b) => b.expectation.line - a.expectation.line);
  for (const { expectation, seen } of fromTheEnd) {
    const start = expectation.line - 1;
    const carriageReturn = lines[start].endsWith('\r') ? '\r' : '';
    const written = seen.length === 0 ? ['  ...'] : seen.map(formatExpectedLine);
    lines.splice(start, expectation.lines.length, ...written.map((line) => line + carriageReturn));
  }
  return encodeName(lines.join('\n'));
}
