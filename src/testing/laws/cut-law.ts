import { cpSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { foldFrom } from '../../replay/time-machine.ts';
import { openFileLog } from '../../storage/file/file-log.ts';
import { LOG_FOLDER, SEGMENT_HEADER_BYTES } from '../../storage/file/segment.ts';
import { canonicalText } from '../canonical.ts';
import { computeRoots } from '../roots.ts';
import { type RecordedState, stateDifference } from '../state-recorder.ts';

/**
 * The half of law 7 that is about files: a log that is cut at any byte opens at the last whole transaction before the cut, with
 * the state of then. Each cut is made in a copy.
 *
 * @param directory - Of the store, all of it handed to the system (`flush`); it may be open.
 * @param states - As a StateRecorder noted them from the store's beginning on.
 * @param cuts - Where the newest segment ends in the copy: parts of its length behind the header, from 0 to 1.
 * @returns What does not hold, in sentences.
 */
export function cutProblems(directory: string, states: readonly RecordedState[], cuts: readonly number[]): string[] {
  const problems: string[] = [];
  const copy = mkdtempSync(join(tmpdir(), 'overlog-cut-'));
  try {
    let newest = 0;
    for (const part of cuts.toSorted((a, b) => a - b)) {
      const { cut, head, difference } = headOfCut(directory, copy, states, part);
      if (difference !== null) problems.push(`cut at byte ${cut}, at ${head}: ${difference}`);
      if (head < newest) problems.push(`cut at byte ${cut} it ends at ${head}, and at ${newest} where less is left`);
      newest = head;
    }
    return problems;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function headOfCut(directory: string, copy: string, states: readonly RecordedState[], part: number) {
  rmSync(copy, { recursive: true, force: true });
  cpSync(join(directory, LOG_FOLDER), join(copy, LOG_FOLDER), { recursive: true });
  const segments = readdirSync(join(copy, LOG_FOLDER)).filter((name) => name.endsWith('.seg'));
  const last = join(copy, LOG_FOLDER, segments.sort().at(-1) as string);
  const cut = SEGMENT_HEADER_BYTES + Math.floor((statSync(last).size - SEGMENT_HEADER_BYTES) * part);
  truncateSync(last, cut);
  const log = openFileLog(copy, { syncIntervalMs: 0 });
  try {
    const recorded = states.find(({ seq }) => seq === log.head);
    if (log.head > 0 && log.head >= states[0].seq && recorded === undefined) {
      return { cut, head: log.head, difference: 'no transaction ends there' };
    }
    const { live } = foldFrom(log);
    const state = { roots: computeRoots(live, log.chunks), registry: canonicalText(live.registry) };
    return { cut, head: log.head, difference: recorded === undefined ? null : stateDifference(recorded, state) };
  } finally {
    log.closeSync();
  }
}
