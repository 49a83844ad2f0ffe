import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countedUpper, recountUpper } from '../../src/projections/recount-upper.ts';
import type { Tree } from '../../src/projections/tree/tree.ts';
import { listTree } from '../../src/replay/listing.ts';
import { foldFrom } from '../../src/replay/time-machine.ts';
import type { Overlay } from '../../src/projections/world.ts';
import type { Container } from '../../src/store/container.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { type FileCall, FileSlots, runFileCall } from '../../src/testing/file-call.ts';
import { fileCalls } from '../../src/testing/file-call-arbitrary.ts';
import { computeRoot } from '../../src/testing/roots.ts';
import { sampleImages } from '../../src/testing/sample-images.ts';
import { SMALL_TIME_MACHINE } from './play.ts';
import { check } from './run.ts';

const calls = fileCalls({ maxLength: 12 });

interface Played {
  readonly store: Store;
  readonly container: Container;
  /** What the calls are about: the container's, or a volume's. */
  readonly overlay: Overlay;
  /** Runs calls as one group; files that they opened are closed. */
  group(id: string, calls: readonly FileCall[]): void;
}

async function play(isVolume = false): Promise<Played> {
  let nowNs = 1_767_323_045_000_000_000n;
  const clock = (): bigint => (nowNs += 1_000_000_000n);
  const store = await openStore({ storeId: '00000000000000ff', clock, timeMachine: SMALL_TIME_MACHINE });
  for (const image of sampleImages()) await store.images.add(image);
  const container = await store.containers.create({ image: 'app:1', name: 'c' });
  const { subject } = await store.volumes.create('v');
  const fs = isVolume ? store.volumes.fs('v') : container.fs;
  return {
    store,
    container,
    get overlay() {
      return store.world.overlay(isVolume ? subject : container.subject) as Overlay;
    },
    group(id, list) {
      const slots = new FileSlots();
      store.group(id, () => {
        for (const call of list) runFileCall(fs, slots, call);
        for (let slot = 0; slot < 4; slot++) slots.close(slot);
      });
    },
  };
}

const rootOf = ({ store, overlay }: Played): string => computeRoot(overlay.tree, store.engine.log.chunks);

/** Merged tree and upper. */
function exactListing(tree: Tree, { engine: { log } }: Store): string[] {
  const entries = [false, true].flatMap((upper) => [...listTree(tree, log.chunks, { upper })]);
  return entries.map((entry) => JSON.stringify(entry));
}

/** The same, times left aside. */
const listing = (tree: Tree, store: Store): string[] =>
  exactListing(tree, store).map((line) => line.replace(/,"mtime_ns":"-?\d+"/, ''));

/** The counters are right, and the log gives the same tree again. */
function expectSound({ store, overlay }: Played): void {
  const { tree, subject } = overlay;
  expect(countedUpper(tree)).toEqual(recountUpper(tree));
  const again = foldFrom(store.engine.log, SMALL_TIME_MACHINE).live.overlay(subject)?.tree as Tree;
  expect(computeRoot(again, store.engine.log.chunks)).toBe(computeRoot(tree, store.engine.log.chunks));
  expect(countedUpper(again)).toEqual(countedUpper(tree));
}

const hasGroup = (store: Store, group: string): boolean => !store.transactions({ container: 'c', group }).next().done;

/** The same calls below a directory of their own, so that they meet no others. */
const below = (directory: string, list: readonly FileCall[]): FileCall[] =>
  list.map((call) => {
    const moved: Record<string, unknown> = { ...call };
    for (const key of ['path', 'from', 'to', 'dest']) {
      const path = moved[key];
      if (typeof path === 'string') moved[key] = `/${directory}/${path.replaceAll('..', 'x')}`;
    }
    // A link that leads out of the directory would let calls below it change what is elsewhere.
    if (typeof moved['target'] === 'string')
      moved['target'] = moved['target'].replaceAll('..', 'x').replace(/^\/+/, 'x');
    return moved as unknown as FileCall;
  });

describe('undoing a group', () => {
  test('that nobody came after gives the tree before it, modification times included', async () => {
    await check(
      fc.asyncProperty(calls, calls, async (first, second) => {
        const played = await play();
        const { store, container } = played;
        played.group('first', first);
        const before = exactListing(container.overlay.tree, store);
        const upper = countedUpper(container.overlay.tree);
        played.group('second', second);
        if (!hasGroup(store, 'second')) return;
        const result = await store.containers.undo('c', 'second');
        expect(result.conflicts).toEqual([]);
        expect(exactListing(container.overlay.tree, store)).toEqual(before);
        expect(countedUpper(container.overlay.tree)).toEqual(upper);
        expectSound(played);
      }),
      200,
    );
  });

  test('leaves what others did elsewhere, before, between and afterwards', async () => {
    await check(
      fc.asyncProperty(calls, calls, calls, calls, async (before, undone, between, again) => {
        const [there, alone] = [await play(), await play()];
        for (const played of [there, alone]) {
          played.container.fs.mkdirSync('/mine');
          played.container.fs.mkdirSync('/theirs');
          played.group('before', before);
        }
        there.group('undone', below('mine', undone));
        for (const played of [there, alone]) played.group('others', below('theirs', between));
        there.group('undone', below('mine', again));
        for (const played of [there, alone]) played.group('others', below('theirs', again));
        if (!hasGroup(there.store, 'undone')) return;
        const { conflicts } = await there.store.containers.undo('c', 'undone');
        expect(conflicts).toEqual([]);
        expect(listing(there.container.overlay.tree, there.store)).toEqual(
          listing(alone.container.overlay.tree, alone.store),
        );
        expectSound(there);
      }),
      100,
    );
  });

  test('among others gives a sound tree or names the conflicts and changes nothing; by force it always goes', async () => {
    await check(
      fc.asyncProperty(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), calls), { maxLength: 5 }), async (steps) => {
        const played = await play();
        const { store } = played;
        for (const [group, list] of steps) played.group(group, list);
        if (!hasGroup(store, 'a')) return;
        const before = rootOf(played);
        const seq = store.seq;
        const preview = store.containers.planUndo('c', 'a');
        if (preview.conflicts.length === 0) {
          const result = await store.containers.undo('c', 'a');
          expect(result.changes).toEqual(preview.changes);
        } else {
          await expect(store.containers.undo('c', 'a')).rejects.toMatchObject({ code: 'ERR_CONFLICT' });
          expect([store.seq, rootOf(played)]).toEqual([seq, before]);
          await store.containers.undo('c', 'a', { force: true });
        }
        expectSound(played);
        await store.rewind('c', seq);
        expect(rootOf(played)).toBe(before);
        expectSound(played);
      }),
      200,
    );
  });

  test('can be undone itself', async () => {
    await check(
      fc.asyncProperty(calls, calls, async (first, second) => {
        const played = await play();
        const { store } = played;
        played.group('first', first);
        played.group('second', second);
        if (!hasGroup(store, 'second')) return;
        // Nodes of layers that have no name any more may stay in the table, so the roots can differ.
        const before = listing(played.container.overlay.tree, store);
        await store.containers.undo('c', 'second');
        if (!hasGroup(store, 'undo second')) return;
        await store.containers.undo('c', 'undo second');
        expect(listing(played.container.overlay.tree, store)).toEqual(before);
        expectSound(played);
      }),
      100,
    );
  });
});

describe.each(['container', 'volume'] as const)('going back with one path of a %s', (kind) => {
  test('makes it what it was, and changes nothing beside it', async () => {
    const path = fc.constantFrom('/a', '/b', '/a/b', '/a/a', '/d', '/c', '/a/c');
    await check(
      fc.asyncProperty(calls, calls, path, async (first, second, at) => {
        const played = await play(kind === 'volume');
        const { store, overlay } = played;
        played.group('first', first);
        const then = store.seq;
        const isBelow = (line: string): boolean => {
          const { path: each } = JSON.parse(line) as { path: string };
          return each === at || each.startsWith(`${at}/`);
        };
        // Link counts tell of names elsewhere.
        const plain = (line: string): string => line.replaceAll(/,"(?:nlink|hardlink)":[^,}]+/g, '');
        const thereThen = listing(overlay.tree, store).filter(isBelow).map(plain);
        played.group('second', second);
        const besideNow = listing(overlay.tree, store).filter((line) => !isBelow(line));
        const back =
          kind === 'volume' ? store.volumes.rewindPath('v', then, at) : store.containers.rewindPath('c', then, at);
        const error: unknown = await back.catch((thrown: unknown) => thrown);
        if (error instanceof Error) {
          expect(error).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
          return;
        }
        const lines = listing(overlay.tree, store);
        expect(lines.filter(isBelow).map(plain)).toEqual(thereThen);
        // A file with a name inside and one outside is one file; directories above come into the upper.
        const isShared = besideNow.some((line) => line.includes('"hardlink"') || line.includes('"nlink"'));
        if (!isShared) {
          const beside = lines.filter((line) => !isBelow(line));
          expect(beside).toEqual(expect.arrayContaining(besideNow));
        }
        expectSound(played);
      }),
      200,
    );
  });
});
