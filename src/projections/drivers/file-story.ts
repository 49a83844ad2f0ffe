/** One file's story under each driver: every call that changed it, and what it cost there. */

import type { Cause, FileEvent, Ino, SubjectId, Transaction } from '../../events/event.ts';
import { foldProjection } from '../projection.ts';
import type { Registry } from '../registry.ts';
import type { World } from '../world.ts';
import { sumOf } from './content-events.ts';
import type { ConfiguredDriver } from './drivers.ts';
import type { FirstWrite } from './storage-driver.ts';
import { type CostListener, storageBooks } from './storage-books.ts';
import type { KeptMoments } from './timeline.ts';

/** What one call did to the file. */
export interface FileStoryStep {
  /** Of the call's first event about the file. */
  readonly seq: number;
  readonly timeNs: bigint;
  readonly container: SubjectId;
  readonly cause: Cause;
  readonly events: readonly FileEvent['type'][];
  /** Bytes written by the caller. */
  readonly writtenBytes: number;
  /** For each driver: what it copied and took because of the first write to something shared; null: nothing. */
  readonly costs: readonly (FirstWrite | null)[];
}

/**
 * The steps, oldest first; those of a container that it was forked from, too, and those that a rewind took back: they were
 * paid.
 *
 * @param ino - The file's number in the container's tree.
 * @param log.transactions - From the log's start up to the moment of `world`.
 * @param log.moments - Those that its events refer to.
 */
export function fileStory(
  world: World,
  container: SubjectId,
  ino: Ino,
  drivers: readonly ConfiguredDriver[],
  log: { readonly transactions: Iterable<Transaction>; readonly moments: KeptMoments },
): FileStoryStep[] {
  const steps: FileStoryStep[] = [];
  const until = lineOf(world.registry, container);
  const listener: CostListener = (transaction, event, seq, costs) => {
    const isItsOwn = seq <= (until.get(transaction.subject) ?? 0);
    if (isItsOwn && isAbout(event, ino)) steps.push(stepOf(transaction, event, seq, costs));
  };
  foldProjection(storageBooks(drivers, { listener, moments: log.moments }), log.transactions, world);
  return joinCalls(steps);
}

/** The container and those it was forked from, with the event up to which their past is its own. */
function lineOf(registry: Registry, container: SubjectId): Map<SubjectId, number> {
  const until = new Map<SubjectId, number>();
  let limit = Number.MAX_SAFE_INTEGER;
  for (let at: SubjectId | undefined = container; at !== undefined;) {
    until.set(at, limit);
    const fork: { container: SubjectId; at: number } | null = registry.containers.get(at)?.forkedFrom ?? null;
    limit = Math.min(limit, fork?.at ?? 0);
    at = fork?.container;
  }
  return until;
}

function isAbout(event: FileEvent, ino: Ino): boolean {
  if (event.type === 'FileCopiedUp') return event.upperIno === ino;
  return 'ino' in event && event.ino === ino;
}

function stepOf(
  transaction: Transaction,
  event: FileEvent,
  seq: number,
  costs: readonly (FirstWrite | null)[],
): FileStoryStep {
  const { timeNs, subject, cause } = transaction;
  const writtenBytes = event.type === 'Written' ? event.length : 0;
  return { seq, timeNs, container: subject, cause, events: [event.type], writtenBytes, costs };
}

/** Steps of one call next to each other are one. */
function joinCalls(steps: readonly FileStoryStep[]): FileStoryStep[] {
  const joined: FileStoryStep[] = [];
  for (const step of steps) {
    const last = joined.at(-1);
    if (last === undefined || last.cause !== step.cause) {
      joined.push(step);
      continue;
    }
    joined[joined.length - 1] = {
      ...last,
      events: [...last.events, ...step.events],
      writtenBytes: last.writtenBytes + step.writtenBytes,
      costs: last.costs.map((cost, driver) => sumOf(cost, step.costs[driver])),
    };
  }
  return joined;
}
