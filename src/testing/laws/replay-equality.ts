import type { Transaction } from '../../events/event.ts';
import { lastSeq } from '../../events/event.ts';
import { copyUpLedger } from '../../projections/copy-up-ledger.ts';
import { diskUsage } from '../../projections/disk-usage.ts';
import { history } from '../../projections/history.ts';
import { LowerViews } from '../../projections/lower-views.ts';
import type { Projection } from '../../projections/projection.ts';
import { type Past, World } from '../../projections/world.ts';
import type { Store } from '../../store/store.ts';
import { canonicalText } from '../canonical.ts';
import { computeRoots } from '../roots.ts';
import { type RecordedState, stateDifference } from '../state-recorder.ts';

/**
 * Law 2: the log, folded from nothing, is the live world at every transaction; a snapshot taken between two events changes
 * nothing.
 *
 * @param states - As a StateRecorder noted them while the store was live.
 * @returns What does not hold, in sentences.
 */
export function replayProblems(store: Store, states: readonly RecordedState[]): string[] {
  const { log } = store.engine;
  const problems: string[] = [];
  const expected = new Map(states.map((state) => [state.seq, state]));
  const plain = new Replay(store);
  const snapping = new Replay(store);
  for (const transaction of log.read()) {
    plain.apply(transaction);
    snapping.applySnapping(transaction);
    const state = expected.get(plain.world.seq);
    if (state === undefined) continue;
    for (const [how, { world }] of Object.entries({ whole: plain, 'with snapshots': snapping })) {
      const roots = computeRoots(world, log.chunks);
      const difference = stateDifference(state, { roots, registry: canonicalText(world.registry) });
      if (difference !== null) problems.push(`folded to ${state.seq} ${how}: ${difference}`);
    }
    if (problems.length > 0) return problems;
  }
  const missing = states.filter(({ seq }) => seq > plain.world.seq);
  return missing.length === 0 ? [] : [`the log ends at ${plain.world.seq}, before ${missing[0].seq}`];
}

/**
 * Law 2 for projections: however a log is cut into batches, and whether the world is at the batch's end or far ahead of
 * it, the results are the same.
 *
 * @param cut - Transactions in a batch of the one fold that is neither single nor whole.
 * @returns What does not hold, in sentences.
 */
export function projectionProblems(store: Store, cut: number): string[] {
  const transactions = [...store.engine.log.read()];
  const problems: string[] = [];
  for (const projection of [diskUsage, copyUpLedger, history] as readonly Projection<unknown>[]) {
    const whole = canonicalText(projection.apply(projection.initial(), transactions, store.world));
    for (const size of [1, cut]) {
      let ahead = projection.initial();
      let beside = projection.initial();
      const replay = new Replay(store);
      for (let at = 0; at < transactions.length; at += size) {
        const batch = transactions.slice(at, at + size);
        for (const transaction of batch) replay.apply(transaction);
        ahead = projection.apply(ahead, batch, store.world);
        beside = projection.apply(beside, batch, replay.world);
      }
      const ways = { 'and the newest world': ahead, 'and the world of that time': beside };
      for (const [how, state] of Object.entries(ways)) {
        const text = canonicalText(state);
        if (text !== whole)
          problems.push(`${projection.name} in batches of ${size} ${how}: ${text}, at once: ${whole}`);
      }
    }
  }
  return problems;
}

/** A fold with a past of its own: every world is kept, so no time machine is needed. */
class Replay implements Past {
  readonly world: World;
  readonly #past: World[] = [];

  constructor(store: Store) {
    this.world = new World(new LowerViews(store.engine.log.chunks));
  }

  apply(transaction: Transaction): void {
    this.#past.push(this.world.snapshot());
    this.world.apply(transaction, this);
  }

  /** The same, with a snapshot between every two events. */
  applySnapping(transaction: Transaction): void {
    this.#past.push(this.world.snapshot());
    let seq = transaction.seq;
    for (const event of transaction.events) {
      this.world.applyEvents(transaction.subject, [event], seq++, transaction.timeNs, this);
      this.world.snapshot();
    }
    this.world.applied(transaction);
  }

  worldAt(seq: number): World {
    const then = this.#past.findLast((world) => world.seq <= seq);
    if (then === undefined) throw new Error(`replay: there is no world at ${seq}`);
    return then;
  }
}

/** The last event of each transaction of a store's log. */
export function transactionEnds(store: Store): number[] {
  return Array.from(store.engine.log.read(), lastSeq);
}
