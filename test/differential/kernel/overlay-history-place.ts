/** Directories of an overlay with a history, and sessions in which somebody changes them. */

import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished } from 'vitest';
import { openOverlayContainer, parseOverlayOptions } from '../../../src/entry/mount.ts';
import { checkInvariants, listDirectory, listTree, openStore, type Store } from '../../../src/index.ts';

/** Calls that the kernel's and overlog's file systems have both, in the shape of node:fs. */
type Fs = Pick<
  typeof fs,
  | 'writeFileSync'
  | 'appendFileSync'
  | 'mkdirSync'
  | 'rmSync'
  | 'renameSync'
  | 'linkSync'
  | 'symlinkSync'
  | 'chmodSync'
  | 'chownSync'
  | 'truncateSync'
  | 'utimesSync'
>;

const OPS = [
  (on, a) => on.writeFileSync(a, `written to ${a.length}`),
  (on, a, b) => on.appendFileSync(a, `appended ${b.length}`),
  (on, a) => on.mkdirSync(a),
  (on, a) => on.rmSync(a, { recursive: true }),
  (on, a, b) => on.renameSync(a, b),
  (on, a, b) => on.linkSync(a, b),
  (on, a, b) => on.symlinkSync(`.${b}`, a),
  (on, a, b) => on.chmodSync(a, 0o600 + b.length),
  (on, a, b) => on.chownSync(a, b.length, 7),
  (on, a, b) => on.truncateSync(a, b.length * 40_000),
  (on, a, b) => on.utimesSync(a, b.length, a.length),
] satisfies ((on: Fs, a: string, b: string) => void)[];

export const [WRITE, APPEND, MKDIR, RM, RENAME, LINK, , CHMOD] = [0, 1, 2, 3, 4, 5, 6, 7];

const NAMES = ['/low', '/hard', '/d', '/d/one', '/d/two', '/d/e', '/d/e/deep', '/new', '/new/x'];

export interface Session {
  /**
   * `upper`: somebody changes the upper directory itself. `verbs`: the container is gone back with, and nothing is mounted; `path`:
   * with the first path of the last call alone.
   */
  readonly by: 'overlog' | 'killed' | 'kernel' | 'upper' | 'verbs' | 'mounted verbs' | 'path' | 'mounted path';
  readonly ops: readonly (readonly [op: number, a: string, b: string])[];
  /** In place of those of the other sessions. */
  readonly options?: string;
}

const ACTORS: Session['by'][] = ['overlog', 'killed', 'kernel', 'verbs', 'mounted verbs', 'path', 'mounted path'];

/**
 * @param isPlain - No option is on under which a change of the upper itself means nothing certain (overlayfs.rst, "Changes to
 *   underlying filesystems").
 */
export const sessions = (isPlain: boolean): fc.Arbitrary<Session[]> =>
  fc.array(
    fc.record({
      by: fc.constantFrom<Session['by'][]>(...ACTORS, ...(isPlain ? (['upper'] as const) : [])),
      ops: fc.array(
        // Most of what is to be told apart comes of names that go and come.
        fc.tuple(
          fc.oneof(fc.nat({ max: OPS.length - 1 }), fc.constantFrom(WRITE, RM, RENAME, RENAME)),
          fc.constantFrom(...NAMES),
          fc.constantFrom(...NAMES),
        ),
        { maxLength: 12 },
      ),
    }),
    { minLength: 1, maxLength: 6 },
  );

export class Place {
  readonly #root = fs.mkdtempSync(join(tmpdir(), 'overlog-history-'));
  readonly #merged = join(this.#root, 'merged');
  readonly #directories: string;
  readonly #usual: string;
  /** Of the session that is played. */
  #chosen: string;

  played = 0;
  /** By verbs, since it was mounted. */
  #isGoneBack = false;

  /** @param options - Beside the directories, as for mount(8). */
  constructor(options = 'xino=off') {
    onTestFinished(() => this.remove());
    const directories = ['lower', 'upper', 'work'].map((name) => `${name}dir=${join(this.#root, name)}`);
    this.#directories = directories.join();
    this.#usual = options;
    this.#chosen = options;
    for (const name of ['lower', 'upper', 'work', 'merged', 'lower/d', 'lower/d/e'])
      fs.mkdirSync(join(this.#root, name));
    for (const name of ['low', 'd/one', 'd/two', 'd/e/deep'])
      fs.writeFileSync(join(this.#root, 'lower', name), `lower ${name}`);
    fs.symlinkSync('one', join(this.#root, 'lower/d/link'));
    fs.linkSync(join(this.#root, 'lower/d/one'), join(this.#root, 'lower/hard'));
  }

  get #options(): string {
    return `${this.#directories},${this.#chosen}`;
  }

  /** @returns Whether somebody had to say which counts. */
  async play(session: Session): Promise<'conflict' | null> {
    this.#chosen = session.options ?? this.#usual;
    const ended = await this.#play(session);
    this.played++;
    return ended;
  }

  async #play({ by, ops }: Session): Promise<'conflict' | null> {
    if (by === 'kernel') this.#inKernel(() => perform(below(this.#merged), ops));
    if (by === 'upper') perform(below(join(this.#root, 'upper')), ops);
    if (by === 'kernel' || by === 'upper') return null;
    const store = await openStore(join(this.#root, 'store'));
    try {
      if (by !== 'verbs' && by !== 'path') return await this.#mounted(store, by, ops);
      await this.#goBack(store, by, ops);
      this.#isGoneBack = true;
      return null;
    } finally {
      await store.close();
    }
  }

  async #mounted(store: Store, by: Session['by'], ops: Session['ops']): Promise<'conflict' | null> {
    const overlay = parseOverlayOptions([this.#options]);
    const opened = await openOverlayContainer(store, { overlay, directory: this.#merged, warn: fail }).catch(
      (error: unknown) => {
        if ((error as { code?: string }).code !== 'ERR_CONFLICT' || !this.#isGoneBack) throw error;
        return null;
      },
    );
    if (opened === null) {
      await this.#settleConflict(store);
      return 'conflict';
    }
    this.#isGoneBack = false;
    const { container } = opened;
    const listing = (): string => text(listTree(container.overlay.tree, store.engine.log.chunks));
    this.#compare('at the start', await this.kernelListing(), listing());
    perform(container.fs, ops);
    if (by === 'mounted verbs' || by === 'mounted path') await this.#goBack(store, by, ops);
    if (by === 'killed') {
      const shown = listing();
      // Nothing is closed. Times are the host's then, which they may differ from by a little.
      this.#compare('when it was killed', withoutTimes(await this.kernelListing()), withoutTimes(shown));
      return null;
    }
    opened.close();
    expect(checkInvariants(store.world, store.engine.log)).toEqual([]);
    this.#compare('at the end', await this.kernelListing(), listing());
    return null;
  }

  /** Both sides were changed: the sentence says what lets the directory count. */
  async #settleConflict(store: Store): Promise<void> {
    const { seq } = JSON.parse(
      fs.readFileSync(join(this.#root, 'store/overlays', `${store.containers.get('merged').id}.json`), 'utf8'),
    ) as { seq: number };
    await store.rewind('merged', seq);
    await this.#mounted(store, 'overlog', []);
  }

  /** To a moment that the number of calls chooses, of those since the container was made. */
  async #goBack(store: Store, by: Session['by'], ops: Session['ops']): Promise<void> {
    if (!store.containers.list().some(({ name }) => name === 'merged')) return;
    const { seq: first } = store.containers.get('merged').record;
    const ends = Array.from(
      store.transactions({ from: first, container: 'merged' }),
      ({ seq, events }) => seq + events.length - 1,
    );
    const to = ends.at(-1 - ops.length * 3) ?? first;
    const path = ops.at(-1)?.[1];
    if (!by.endsWith('path')) await store.rewind('merged', to);
    else if (path !== undefined) await this.#goBackWith(store, to, path);
  }

  async #goBackWith(store: Store, to: number, path: string): Promise<void> {
    try {
      await store.containers.rewindPath('merged', to, path);
    } catch (error) {
      // The directory that holds it is not there now.
      if ((error as { code?: string }).code !== 'ERR_INVALID_ARGUMENT') throw error;
    }
  }

  /** Head of the log, to go back to. */
  async moment(): Promise<number> {
    const store = await openStore(join(this.#root, 'store'));
    const { seq } = store;
    await store.close();
    return seq;
  }

  /** As a whole, or with one path. */
  async goBackTo(moment: number, path?: string): Promise<void> {
    const store = await openStore(join(this.#root, 'store'));
    if (path === undefined) await store.rewind('merged', moment);
    else await store.containers.rewindPath('merged', moment, path);
    await store.close();
    this.#isGoneBack = true;
  }

  #inKernel(step: () => void): void {
    this.#mount(this.#options);
    try {
      step();
    } finally {
      execFileSync('umount', [this.#merged]);
    }
  }

  /** With an index an upper is busy for as long as a mount namespace of somebody else has a copy of the last mount. */
  #mount(options: string): void {
    for (let tries = 1; ; tries++) {
      const { status, stderr } = spawnSync('mount', ['-t', 'overlay', 'overlay', '-o', options, this.#merged]);
      if (status === 0) return;
      if (tries === 100 || !/busy|already mounted/.test(String(stderr))) throw new Error(String(stderr));
      spawnSync('sleep', ['0.1']);
    }
  }

  async kernelListing(): Promise<string> {
    // A mount that is for reading leaves the work directory to the one that serves; but it has no index.
    const lower = `lowerdir=${join(this.#root, 'upper')}:${join(this.#root, 'lower')}`;
    const options = this.#chosen.includes('index=on') ? this.#options : `${lower},redirect_dir=follow,metacopy=on`;
    this.#mount(options);
    try {
      const entries = [];
      for await (const entry of listDirectory(this.#merged)) entries.push(entry);
      return text(entries);
    } finally {
      execFileSync('umount', [this.#merged]);
    }
  }

  #compare(when: string, kernel: string, overlog: string): void {
    // A kernel without the index counts its entries: they are links outside of the upper.
    const isSame = this.#chosen === 'index=off' ? withoutCounts(kernel) === withoutCounts(overlog) : kernel === overlog;
    if (isSame) return;
    throw new Error(`${when} the kernel shows\n${kernel}\nand overlog\n${overlog}`);
  }

  remove(): void {
    spawnSync('umount', [this.#merged], { stdio: 'ignore' });
    fs.rmSync(this.#root, { recursive: true, force: true });
  }
}

/** One line an entry. Which names are one file shows in the counts: an overlay gives each name of a lower one a number. */
const text = (entries: Iterable<object>): string =>
  Array.from(entries, (entry) => JSON.stringify({ ...entry, hardlink: undefined }))
    .toSorted()
    .join('\n');

const withoutTimes = (listing: string): string => listing.replaceAll(/"mtime_ns":"\d+"/g, '');

const withoutCounts = (listing: string): string => listing.replaceAll(/,"nlink":\d+/g, '');

/** The calls on a directory of the host, as its root. */
function below(root: string): Fs {
  const on = (path: string): string => root + path;
  return new Proxy(fs, {
    get: (_, name) => {
      const call = fs[name as 'linkSync'] as (...args: unknown[]) => unknown;
      const isPath = (at: number): boolean => at === 0 || (at === 1 && (name === 'renameSync' || name === 'linkSync'));
      const isTarget = name === 'symlinkSync';
      return (...args: unknown[]) =>
        call(...args.map((arg, at) => ((isTarget ? at === 1 : isPath(at)) ? on(arg as string) : arg)));
    },
  });
}

/** What is refused is refused on both sides, or says nothing here. */
function perform(on: Fs, ops: Session['ops']): void {
  for (const [op, a, b] of ops) {
    try {
      OPS[op](on, a, b);
    } catch (error) {
      if (typeof (error as { errno?: unknown }).errno !== 'number') throw error;
    }
  }
}

function fail(message: string): never {
  throw new Error(message);
}
