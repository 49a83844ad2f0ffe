/** Questions about the past of a container or volume: who wrote what, which step changed something, what was there. */

import type { Ino, SubjectId, Transaction } from '../events/event.ts';
import type { ChunkReader } from '../events/chunk-store.ts';
import type { EventLog } from '../events/event-log.ts';
import { storeError } from '../events/log-error.ts';
import { printableName } from '../events/name.ts';
import type { Pasts } from '../projections/subject-past.ts';
import type { Tree } from '../projections/tree/tree.ts';
import type { Overlay, World } from '../projections/world.ts';
import { bisect, type BisectOptions, type BisectResult } from '../replay/bisect.ts';
import { blameFile, type BlameLine, blameLines, type BlameSpan } from '../replay/blame.ts';
import { patchesOf } from '../replay/diff.ts';
import { patchOf } from '../replay/patch.ts';
import { historyOf, historySeqsOf } from '../replay/path-history.ts';
import { nodeAt } from '../replay/restore-path.ts';
import type { TimeMachine } from '../replay/time-machine.ts';
import type { TreeChange } from '../replay/tree-change.ts';
import { type PathVersion, versionsOf } from '../replay/versions.ts';
import { type At, containerOf, type Moments, type NamedSubject, type Subject, subjectIn } from './moment.ts';

/** Where a file's bytes come from. */
export interface Blame {
  readonly spans: readonly BlameSpan[];
  /** A file's lines, each with the newest event that wrote a byte of it. */
  readonly lines: readonly BlameLine[];
}

interface RewindsPaths {
  rewindPath(name: string, at: At, path: string): Promise<readonly TreeChange[]>;
}

/** What a store gives for them. */
export interface PastSource extends Moments {
  readonly world: World;
  readonly time: TimeMachine;
  readonly engine: { readonly log: EventLog };
  readonly containers: RewindsPaths;
  readonly volumes: RewindsPaths;
}

export class PastQuestions {
  readonly #store: PastSource;
  readonly #pasts: () => Pasts;
  readonly #chunks: ChunkReader;

  /** @param pasts - What touched which node, up to now. */
  constructor(store: PastSource, pasts: () => Pasts, chunks: ChunkReader) {
    this.#store = store;
    this.#pasts = pasts;
    this.#chunks = chunks;
  }

  /**
   * Which event wrote each byte and line of a file of a container's or volume's own tree, down to the image layer.
   *
   * @param at - Of the file as it was then; default: now.
   * @throws `ERR_NOT_FOUND` when there is no such container or volume, or nothing at the path; `ERR_INVALID_ARGUMENT` for a directory.
   */
  blame(of: NamedSubject, path: string, at?: At): Blame {
    const world = this.#worldOf(at);
    const subject = subjectIn([world], of);
    const tree = world.overlay(subject)?.tree;
    const ino: Ino = tree === undefined ? 0 : nodeAt(tree, path);
    if (tree === undefined || ino === 0) {
      throw storeError('ERR_NOT_FOUND', `there is nothing at ${printableName(path)}`, { detail: { path } });
    }
    const inode = tree.at(ino);
    if (inode.dir !== null) {
      throw storeError('ERR_INVALID_ARGUMENT', `${printableName(path)} is a directory, not a file`, {
        detail: { path },
      });
    }
    const worldAt = (seq: number): World => this.#store.worldAt(seq);
    const spans = blameFile({ ...this.#query(), world, subject, ino, worldAt });
    return { spans, lines: spans.length === 0 ? [] : blameLines(spans, inode, this.#chunks) };
  }

  /**
   * What stood at a path of a container's or volume's own tree after each transaction that changed it, oldest first; a name that is
   * gone stands for what was last seen there.
   *
   * @throws `ERR_NOT_FOUND` when there is no such container or volume.
   */
  versions(of: NamedSubject, path: string, at?: At): PathVersion[] {
    const world = this.#worldOf(at);
    const subject = subjectIn([world], of);
    const treeAt = (seq: number, of: SubjectId): Tree | null => this.#store.worldAt(seq).overlay(of)?.tree ?? null;
    const transactions = this.#history(world, subject, path);
    return versionsOf({ path, transactions, chunks: this.#chunks, treeAt });
  }

  /**
   * Which paths a kind of transaction touched, under whatever name they had then: a test for paths of one tree. The log is
   * read once, however many paths are asked about.
   *
   * @param span.after - Only transactions behind this moment; default: all.
   * @param span.at - Of the tree as it was then, and only transactions up to then; default: now.
   * @throws `ERR_NOT_FOUND` when there is no such container or volume.
   */
  touchedBy(
    of: NamedSubject,
    isWanted: (transaction: Transaction) => boolean,
    span: { readonly after?: At | undefined; readonly at?: At | undefined } = {},
  ): (path: string) => boolean {
    const world = this.#worldOf(span.at);
    const subject = subjectIn([world, this.#store.world], of);
    const after = span.after === undefined ? 0 : this.#store.resolve(span.after);
    const wanted = new Set<number>();
    if (world.seq > after) {
      for (const transaction of this.#store.engine.log.read(after + 1, world.seq)) {
        if (transaction.seq > after && isWanted(transaction)) wanted.add(transaction.seq);
      }
    }
    const query = { ...this.#query(), world, subject };
    return (path) => historySeqsOf({ ...query, path }).some((seq) => wanted.has(seq));
  }

  /**
   * Brings back what was last at a path of a container's or volume's own tree, with all that was below it.
   *
   * @param at - As it was then; default: just before it was removed.
   * @returns The moment whose state came back.
   * @throws `ERR_NOT_FOUND` when nothing ever was there; `ERR_CONFLICT` when something is there; as
   *   {@link Containers.rewindPath}.
   */
  async undelete(of: NamedSubject, path: string, at?: At): Promise<number> {
    const { world, containers, volumes } = this.#store;
    const subject = subjectIn([world], of);
    const tree = world.overlay(subject)?.tree;
    if (tree !== undefined && nodeAt(tree, path) !== 0) {
      const message = `there is something at ${printableName(path)}; rewind --path replaces it`;
      throw storeError('ERR_CONFLICT', message, { detail: { path } });
    }
    const seen = at === undefined ? this.#lastSeen(subject, path) : this.#store.resolve(at);
    if (seen === null) {
      throw storeError('ERR_NOT_FOUND', `nothing has ever been at ${printableName(path)}`, { detail: { path } });
    }
    if (typeof of === 'object' && 'volume' in of) await volumes.rewindPath(of.volume, seen, path);
    else await containers.rewindPath(typeof of === 'string' ? of : of.container, seen, path);
    return seen;
  }

  /**
   * Finds the transaction about a container, or the group, after which a test is true, in about log2 of the steps.
   *
   * @param options.from - A moment at which the test says false; `to` a later one at which it says true.
   * @throws `ERR_NOT_FOUND`; `ERR_INVALID_ARGUMENT` when the ends do not differ, or nothing lies between.
   */
  bisect(container: string, options: Omit<BisectOptions, 'subject'>): Promise<BisectResult> {
    const { world, engine } = this.#store;
    return bisect(engine.log, { ...options, subject: containerOf({ world }, container).container });
  }

  /**
   * The patches of changes between two moments of a container or volume, in git's form; '' for what has none.
   *
   * @param subject - As named now or at the later of the two.
   * @throws `ERR_NOT_FOUND`, `ERR_AT_INVALID`.
   */
  patches(from: At, to: At, subject: Subject, changes: readonly TreeChange[]): string[] {
    const [before, after] = [this.#worldOf(from), this.#worldOf(to)];
    const found = subjectIn([this.#store.world, after, before], subject);
    return patchesOf(before, after, found, changes, this.#chunks);
  }

  /** The patches of {@link ContainerView.changes}. */
  patchesFromImage(container: SubjectId, changes: readonly TreeChange[], at?: At): string[] {
    const { tree, lower } = this.#worldOf(at).overlay(container) as Overlay;
    return changes.map((change) => patchOf(change, lower ?? this.#store.world.lowers.empty, tree, this.#chunks));
  }

  /** The last moment at which something was at a path that is gone, also in the source of a fork; null when nothing ever was. */
  #lastSeen(subject: SubjectId, path: string): number | null {
    for (const { seq, subject: of } of this.#history(this.#store.world, subject, path).toReversed()) {
      const tree = this.#store.worldAt(seq - 1).overlay(of)?.tree;
      if (tree !== undefined && nodeAt(tree, path) !== 0) return seq - 1;
    }
    return null;
  }

  #history(world: World, subject: SubjectId, path: string): Transaction[] {
    return [...historyOf({ ...this.#query(), world, subject, path })];
  }

  #query() {
    const { time } = this.#store;
    const transactionAt = (seq: number): Transaction | undefined => time.transactionAt(seq);
    return { pasts: this.#pasts(), transactionAt };
  }

  #worldOf(at: At | undefined): World {
    return at === undefined ? this.#store.world : this.#store.worldAt(this.#store.resolve(at));
  }
}
