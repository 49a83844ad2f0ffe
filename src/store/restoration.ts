/** Going back with a part of a container or volume: what one group did, or one path. */

import type { SubjectId, Transaction } from '../events/event.ts';
import { storeError } from '../events/log-error.ts';
import { printableName } from '../events/name.ts';
import type { ContainerRecord } from '../projections/registry.ts';
import type { Tree } from '../projections/tree/tree.ts';
import { type Overlay, overlayThen } from '../projections/world.ts';
import { diffTrees } from '../replay/diff.ts';
import { type PathPlan, planPath } from '../replay/restore-path.ts';
import type { TreeChange } from '../replay/tree-change.ts';
import { planUndo, type UndoConflict, type UndoPlan } from '../replay/undo-group.ts';
import { absenceAt } from './absence.ts';
import { type At, containerOf, type LiveMoment, type Moments, type Subject, subjectIn } from './moment.ts';

/** What undoing a group changes. */
export interface UndoResult {
  readonly changes: readonly TreeChange[];
  /** What others changed afterwards, so that it stands in the way; with `force` what was overruled. */
  readonly conflicts: readonly UndoConflict[];
}

export class Restoration {
  readonly #live: LiveMoment;
  readonly #time: Moments;

  constructor(live: LiveMoment, time: Moments) {
    this.#live = live;
    this.#time = time;
  }

  /** What {@link Restoration.undo} would do; conflicts are told, not thrown. */
  planUndo(reference: string, group: string, options: { force?: boolean } = {}): UndoResult {
    const record = containerOf(this.#live, reference);
    const plan = this.#planUndo(record, group, options.force ?? false);
    return { changes: this.#changesTo(record.container, plan.tree), conflicts: plan.conflicts };
  }

  /** See {@link Containers.undo}. */
  async undo(reference: string, group: string, options: { force?: boolean } = {}): Promise<UndoResult> {
    const { force = false } = options;
    const record = containerOf(this.#live, reference);
    const cause = ['undo', record.name, group, ...(force ? ['--force'] : [])] as const;
    return this.#inGroup(`undo ${group}`, () =>
      this.#live.run([...cause], () => {
        const plan = this.#planUndo(record, group, force);
        if (plan.conflicts.length > 0 && !force) throw conflictError(group, plan.conflicts);
        return { changes: this.#carryOut(record.container, plan), conflicts: plan.conflicts };
      }),
    );
  }

  /** What {@link Restoration.rewindPath} would do. */
  planRewindPath(of: Subject, at: At, path: string): TreeChange[] {
    const subject = this.#subjectOf(of);
    return this.#changesTo(subject, this.#planPath(subject, this.#time.resolve(at), path).tree);
  }

  /** See {@link Containers.rewindPath} and {@link Volumes.rewindPath}. */
  async rewindPath(of: Subject, at: At, path: string): Promise<TreeChange[]> {
    const subject = this.#subjectOf(of);
    const to = this.#time.resolve(at);
    const { containers, volumes } = this.#live.world.registry;
    const name = containers.get(subject)?.name ?? `volume(${volumes.get(subject)?.name})`;
    return this.#live.run(['rewind', name, to, '--path', path], () =>
      this.#carryOut(subject, this.#planPath(subject, to, path)),
    );
  }

  #subjectOf(of: Subject): SubjectId {
    return subjectIn([this.#live.world], of);
  }

  #carryOut(subject: SubjectId, plan: Pick<PathPlan, 'events' | 'tree'>): TreeChange[] {
    const changes = this.#changesTo(subject, plan.tree);
    for (const { name, mounts } of this.#live.world.registry.containers.values()) {
      const lost = mounts.find(({ on, ino }) => on === subject && plan.tree.get(ino) === undefined);
      if (lost === undefined) continue;
      const message = `container "${name}" would not have ${lost.target} any more, which is mounted`;
      throw storeError('ERR_INVALID_ARGUMENT', message, { detail: { container: name } });
    }
    this.#live.commit(subject, plan.events);
    return changes;
  }

  #planPath(subject: SubjectId, to: number, path: string): PathPlan {
    const { registry } = this.#live.world;
    const then = overlayThen(registry, subject, to, (seq) => this.#time.worldAt(seq));
    if (then === undefined) {
      const record = registry.containers.get(subject);
      const message =
        record === undefined
          ? `volume "${registry.volumes.get(subject)?.name}" was not there yet after event ${to}`
          : absenceAt(this.#time, record, to);
      throw storeError('ERR_INVALID_ARGUMENT', message, { detail: { at: to } });
    }
    const overlay = this.#overlay(subject);
    const timeNs = this.#live.engine.now();
    return planPath({ subject, overlay, now: overlay.tree, past: then.tree, at: to, path, timeNs });
  }

  #planUndo(record: ContainerRecord, group: string, force: boolean): UndoPlan {
    const subject = record.container;
    const trees = new Map<number, Tree>();
    const treeAt = (seq: number): Tree => {
      const tree = trees.get(seq) ?? (this.#time.worldAt(this.#time.resolve(seq)).overlay(subject) as Overlay).tree;
      trees.set(seq, tree);
      return tree;
    };
    const transactions = Array.from(fromGroup(this.#live.engine.log.read(1), subject, group));
    if (transactions.length === 0) {
      const message = `container "${record.name}" has no group "${group}"`;
      throw storeError('ERR_NOT_FOUND', message, { detail: { group } });
    }
    const timeNs = this.#live.engine.now();
    return planUndo({ group, subject, transactions, now: this.#overlay(subject).tree, treeAt, timeNs, force });
  }

  #overlay(subject: SubjectId): Overlay {
    return this.#live.world.overlay(subject) as Overlay;
  }

  #changesTo(subject: SubjectId, tree: Tree): TreeChange[] {
    const { lower, tree: now } = this.#overlay(subject);
    return diffTrees({ subject, lower, tree: now.snapshot() }, { subject, lower, tree }, this.#live.chunks);
  }

  /** The command's transaction is made before its promise is there, so the group is set for that long only. */
  #inGroup<T>(group: string, command: () => Promise<T>): Promise<T> {
    const { engine } = this.#live;
    const before = engine.group;
    engine.group = group;
    try {
      return command();
    } finally {
      engine.group = before;
    }
  }
}

/** A container's transactions from the first one of a group on. */
function* fromGroup(log: Iterable<Transaction>, subject: SubjectId, group: string): Generator<Transaction, void> {
  let hasBegun = false;
  for (const transaction of log) {
    if (transaction.subject !== subject) continue;
    hasBegun ||= transaction.group === group;
    if (hasBegun) yield transaction;
  }
}

function conflictError(group: string, conflicts: readonly UndoConflict[]): Error {
  const [{ path, by }] = conflicts;
  const who = by === null ? 'others' : by.group === null ? `event ${by.seq}` : `group "${printableName(by.group)}"`;
  const more = conflicts.length === 1 ? '' : `, and ${conflicts.length - 1} more`;
  const message = `group "${printableName(group)}" can't be undone alone: ${who} changed ${printableName(path)} afterwards${more}`;
  return storeError('ERR_CONFLICT', message, { detail: { group, path, conflicts: conflicts.length } });
}
