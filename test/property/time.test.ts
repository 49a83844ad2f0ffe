import { expect, test } from 'vitest';
import fc from 'fast-check';
import type { Store } from '../../src/store/store.ts';
import { canonicalText } from '../../src/testing/canonical.ts';
import { computeRoot, computeRoots } from '../../src/testing/roots.ts';
import { StateRecorder, stateDifference } from '../../src/testing/state-recorder.ts';
import { storeCommands } from '../../src/testing/store-command.ts';
import { StorePlayer } from '../../src/testing/store-player.ts';
import { forAllCommands, SMALL_TIME_MACHINE } from './play.ts';
import { check } from './run.ts';

const stateAt = (store: Store, seq: number) => {
  const world = store.worldAt(seq);
  return { roots: computeRoots(world, store.engine.log.chunks), registry: canonicalText(world.registry) };
};

test('the state at any event equals the state when that event was the newest, asked in any order (law 8)', async () => {
  await check(
    fc.asyncProperty(storeCommands(), fc.array(fc.nat({ max: 1000 }), { maxLength: 30 }), async (commands, moments) => {
      const player = await StorePlayer.open({ timeMachine: SMALL_TIME_MACHINE });
      const { store } = player;
      const recorder = new StateRecorder(store);
      await player.play(commands);
      for (const moment of moments) {
        const seq = player.moment(moment);
        const recorded = recorder.at(seq);
        if (recorded === undefined) continue;
        const world = store.worldAt(seq);
        expect(world.seq).toBe(recorded.seq);
        expect(stateDifference(recorded, stateAt(store, seq))).toBeNull();
      }
      await store.close();
    }),
    80,
  );
});

test('asking for earlier moments between commands changes neither them nor the present (law 8)', async () => {
  await forAllCommands(50, ({ store }) => {
    const recorder = new StateRecorder(store);
    let asked = 7;
    return {
      after(player) {
        asked = (asked * 37 + 11) % 1001;
        const seq = player.moment(asked);
        const recorded = recorder.at(seq);
        if (recorded !== undefined) expect(stateDifference(recorded, stateAt(store, seq))).toBeNull();
      },
      end: () => expect(stateDifference(recorder.states.at(-1)!, stateAt(store, store.seq))).toBeNull(),
    };
  });
});

test('a fork is the tree of its moment, and a rewind can be rewound (law 8)', async () => {
  await check(
    fc.asyncProperty(storeCommands(), fc.nat({ max: 1000 }), fc.nat({ max: 7 }), async (commands, moment, which) => {
      const player = await StorePlayer.open({ timeMachine: SMALL_TIME_MACHINE });
      const { store } = player;
      const { chunks } = store.engine.log;
      await player.play(commands);
      const containers = [...store.world.registry.containers.values()];
      const record = containers[which % containers.length];
      if (record === undefined) return;
      const { container, name, seq: born } = record;
      const at = Math.min(store.seq, born + Math.floor(((store.seq - born) * moment) / 1000));
      const rootAt = (seq: number): string | null => {
        const tree = store.worldAt(seq).overlay(container)?.tree;
        return tree === undefined ? null : computeRoot(tree, chunks);
      };
      if (rootAt(at) === null) return;

      const before = store.seq;
      const fork = await store.fork(name, at, { name: 'the-fork' });
      const made = store.transactions({ from: before, container: fork.subject });
      const isUntouched = [...made].every(({ events }) => !events.some(({ type }) => type === 'NodeCreated'));
      if (isUntouched) expect(computeRoot(fork.overlay.tree, chunks)).toBe(rootAt(at));

      const now = store.seq;
      const root = rootAt(now);
      const rewound = await store.rewind(name, at).catch((error: { code: string }) => error.code);
      if (rewound === 'ERR_INVALID_ARGUMENT') return;
      expect(computeRoot(store.containers.of(container).overlay.tree, chunks)).toBe(rootAt(at));
      await store.rewind(name, now);
      expect(computeRoot(store.containers.of(container).overlay.tree, chunks)).toBe(root);
      await store.close();
    }),
    120,
  );
});
