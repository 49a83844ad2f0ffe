/**
 * What touched which node of a log: from the checkpoints as far as they go on from its start, and folded from what lies
 * behind them. So a question reads what happened to the nodes that it is about, however long the log is.
 */

import type { Ino, SubjectId, Transaction } from '../events/event.ts';
import type { EventLog } from '../events/event-log.ts';
import { type History, history, pastsOf } from '../projections/history.ts';
import { foldProjection } from '../projections/projection.ts';
import type { Origin, Pasts, SubjectPast } from '../projections/subject-past.ts';
import type { World } from '../projections/world.ts';
import type { Stretch } from './checkpoint/stretch.ts';
import { StoredPast } from './checkpoint/stored-past.ts';
import type { TimeMachine } from './time-machine.ts';

/** Events that stay folded although a checkpoint has come that covers them. */
const BEHIND_MAX = 65_536;

export interface LogPastsSource {
  readonly log: Pick<EventLog, 'read'>;
  /** The live one. */
  readonly world: World;
  readonly time: TimeMachine;
}

export class LogPasts {
  readonly #source: LogPastsSource;
  /** What is folded: the events behind `start`. */
  #start = 0;
  #end = 0;
  #behind: History = history.initial();
  /** Of the events up to `start`: forks, rewinds, what was restored. */
  #referring: History = history.initial();

  constructor(source: LogPastsSource) {
    this.#source = source;
  }

  /** Up to the head of the log, as it is now. */
  upToNow(): Pasts {
    const { log, world, time } = this.#source;
    const { stretches } = time;
    const covered = stretches.at(-1)?.to ?? 0;
    if (covered < this.#start || covered > this.#start + BEHIND_MAX || this.#end === 0) this.#startBehind(covered);
    if (world.seq > this.#end) {
      this.#behind = foldProjection(history, log.read(this.#end + 1, world.seq), world, this.#behind);
      this.#end = world.seq;
    }
    const start = this.#start;
    const parts = { stretches, start, behind: pastsOf(this.#behind), referring: pastsOf(this.#referring) };
    return { get: (subject) => pastOf(parts, subject) };
  }

  #startBehind(start: number): void {
    const { world, time } = this.#source;
    this.#start = start;
    this.#end = start;
    this.#behind = history.initial();
    const transactions = new Map<number, Transaction>();
    for (const seq of time.referringEvents(0, start)) {
      const transaction = time.transactionAt(seq);
      if (transaction !== undefined) transactions.set(transaction.seq, transaction);
    }
    this.#referring = foldProjection(history, transactions.values(), world);
  }
}

interface Parts {
  readonly stretches: readonly Stretch[];
  /** Up to there stretches count. */
  readonly start: number;
  readonly behind: Pasts;
  readonly referring: Pasts;
}

function pastOf({ stretches, start, behind, referring }: Parts, subject: SubjectId): SubjectPast | undefined {
  const stored: StoredPast[] = [];
  for (const stretch of stretches) {
    const nodes = stretch.from < start ? stretch.nodesOf(subject) : null;
    if (nodes !== null) stored.push(new StoredPast(nodes));
  }
  const folded = behind.get(subject);
  const others = referring.get(subject);
  if (stored.length === 0 && others === undefined) return folded;
  return new JoinedPast(stored, start, [others, folded]);
}

/** The parts of a past, one behind the other; but transactions that refer to earlier moments are among the stored ones. */
class JoinedPast implements SubjectPast {
  readonly from: SubjectPast['from'];
  readonly #stored: readonly StoredPast[];
  readonly #start: number;
  readonly #folded: readonly SubjectPast[];

  constructor(stored: readonly StoredPast[], start: number, folded: readonly (SubjectPast | undefined)[]) {
    this.#stored = stored;
    this.#start = start;
    this.#folded = folded.filter((past) => past !== undefined);
    this.from = this.#folded.find((past) => past.from !== null)?.from ?? null;
  }

  touched(ino: Ino, upTo: number): number[] {
    const seqs: number[] = [];
    for (const past of this.#stored) past.addTouched(ino, Math.min(upTo, this.#start), seqs);
    return inOrder(seqs, ...this.#folded.map((past) => past.touched(ino, upTo)));
  }

  changedEntry(directory: Ino, name: string, upTo: number): number[] {
    const seqs: number[] = [];
    for (const past of this.#stored) past.addChangedEntry(directory, name, Math.min(upTo, this.#start), seqs);
    return inOrder(seqs, ...this.#folded.map((past) => past.changedEntry(directory, name, upTo)));
  }

  origins(ino: Ino, upTo: number): Origin[] {
    const origins: Origin[] = [];
    for (const past of this.#stored) past.addOrigins(ino, Math.min(upTo, this.#start), origins);
    for (const past of this.#folded) origins.push(...past.origins(ino, upTo));
    return origins;
  }

  rewinds(upTo: number): number[] {
    return inOrder(...this.#folded.map((past) => past.rewinds(upTo)));
  }
}

/** All numbers once, ascending. */
function inOrder(...lists: readonly number[][]): number[] {
  const filled = lists.filter((list) => list.length > 0);
  if (filled.length <= 1) return filled[0] ?? [];
  return [...new Set(filled.flat())].sort((a, b) => a - b);
}
