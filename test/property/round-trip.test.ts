import { expect, test } from 'vitest';
import { commitProblems, exportProblems } from '../../src/testing/laws/round-trip.ts';
import { forAllCommands } from './play.ts';

test('a log exported and imported again has the same transactions, trees, registry and sizes (law 9)', async () => {
  await forAllCommands(60, () => ({
    end: async ({ store }) => expect(await exportProblems(store)).toEqual([]),
  }));
});

test('a container made from a commit shows what the committed one showed (law 9, SEM-2.3)', async () => {
  await forAllCommands(100, () => ({
    async end({ store }) {
      for (const { container } of store.world.registry.containers.values()) {
        const committed = store.containers.of(container);
        const image = await committed.commit();
        const created = await store.containers.create({ image });
        expect(commitProblems(store, committed.overlay, created.overlay)).toEqual([]);
        await created.remove();
      }
    },
  }));
});
