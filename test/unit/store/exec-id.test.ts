import { expect, test } from 'vitest';
import { openStore } from '../../../src/index.ts';

/** Begins the same program in the same container of a new store. */
async function begun(storeId: string): Promise<{ first: string; second: string }> {
  const store = await openStore({ storeId });
  const container = await store.containers.create({ name: 'web' });
  await container.start();
  const first = await container.beginExec(['sh']);
  const second = await container.beginExec(['sh']);
  await container.endExec(first);
  await store.close();
  return { first, second };
}

// Found by law 9 (test/property/scenario.test.ts): restart, exec, endExec. The step that ends a program names it by its id.
test('a program that is begun has the same id in every store, so that a scenario can tell of its end', async () => {
  const [one, other] = [await begun('aa'.repeat(16)), await begun('bb'.repeat(16))];
  expect(one).toEqual(other);
  expect(one.first).not.toBe(one.second);
});
