/** What a replay did, and how exact it is. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ListingEntry } from '../listing.ts';
import { compareListings, type Comparison, parseListing } from './compare.ts';
import type { InexactEvent, InexactFile } from './exactness.ts';
import type { RefusedCall } from './player.ts';
import type { CallCounts, ProgramPlayer } from './program-player.ts';
import type { RecordingClock } from './recording-clock.ts';
import { exists } from './recording-files.ts';
import type { RecordingHost } from './recording-host.ts';
import type { ResyncReport } from './resync.ts';

export interface RecordingReport {
  readonly name: string;
  readonly lines: number;
  /** The last line of the log was cut off, and left out. */
  readonly isTorn: boolean;
  /** The lines have times since 1970; without them everything happened when the recording began. */
  readonly hasTimes: boolean;
  readonly calls: CallCounts & {
    /** Succeeded when they were recorded, refused by the replay. */
    readonly refused: number;
  };
  readonly refusedCalls: readonly RefusedCall[];
  /** Files that can't be exact, each with its reasons. */
  readonly inexact: readonly InexactFile[];
  /** What makes the whole replay uncertain. */
  readonly uncertain: readonly InexactEvent[];
  /** Pairs of accesses that overlapped in time and whose order matters. */
  readonly overlappingPairs: number;
  /** With the listings of what was there afterwards, where the recording has them; before a resync. */
  readonly comparisons: readonly Comparison[];
  /** What a resync did; null without one. */
  readonly resync: ResyncReport | null;
  /** Nothing was refused, nothing is uncertain, no file is inexact, and no comparison found a difference. */
  readonly isExact: boolean;
  /** Added to all times, because the store had later events; 0 in a new one. */
  readonly shiftNs: bigint;
}

/** What reading the log found out. */
export interface LogEnd {
  readonly lines: number;
  readonly isTorn: boolean;
  readonly hasTimes: boolean;
}

/** The listings of what was there afterwards, as far as the recording has them. */
export interface AfterListings {
  readonly merged: readonly ListingEntry[] | null;
  readonly upper: readonly ListingEntry[] | null;
}

/** @throws `ERR_LOG_IMPORT` with the line. */
export async function readAfterListings(directory: string): Promise<AfterListings> {
  const read = async (name: string): Promise<ListingEntry[] | null> => {
    const file = join(directory, name);
    return (await exists(file)) ? parseListing(await readFile(file, 'utf8'), file) : null;
  };
  return { merged: await read('after.ndjson'), upper: await read('upper.ndjson') };
}

export function makeReport(parts: {
  readonly name: string;
  readonly log: LogEnd;
  readonly program: ProgramPlayer;
  readonly inexact: readonly InexactFile[];
  readonly comparisons: readonly Comparison[];
  readonly resync: ResyncReport | null;
  readonly clock: RecordingClock;
}): RecordingReport {
  const { name, log, program, inexact, comparisons, resync, clock } = parts;
  const { player, counts } = program;
  const uncertain = player.exactness.events;
  return {
    name,
    ...log,
    calls: { ...counts, refused: player.refusedCount },
    refusedCalls: player.refused,
    inexact,
    uncertain,
    overlappingPairs: player.overlaps.pairs + player.races.pairs,
    comparisons,
    resync,
    isExact:
      player.refusedCount === 0 &&
      uncertain.length === 0 &&
      inexact.length === 0 &&
      !log.isTorn &&
      comparisons.every(({ differences }) => differences.length === 0),
    shiftNs: clock.shiftNs,
  };
}

/** Compares the replay's trees with the listings. */
export function compareAll(
  listings: AfterListings,
  host: RecordingHost,
  program: ProgramPlayer,
  inexact: readonly InexactFile[],
  shiftNs: bigint,
): Comparison[] {
  const { player } = program;
  const paths = new Set(inexact.map(({ path }) => path));
  const isUncertain = player.exactness.events.length > 0;
  // A file of several names is inexact under all of them.
  const isExplained = (path: string): boolean =>
    isUncertain || paths.has(path) || player.exactness.has(player.inoAt(path));
  return (['merged', 'upper'] as const).flatMap((kind) => {
    const want = listings[kind];
    return want === null ? [] : [compareListings(kind, want, host.entries(kind), shiftNs, isExplained)];
  });
}
