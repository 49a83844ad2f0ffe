import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fuzz } from '../../../src/testing/fuzz/fuzz.ts';
import { images } from '../../../src/testing/layer-arbitrary.ts';
import { storeOf } from '../../../src/testing/scenario/store-of.ts';

test('fuzzing with a seed does the same each time', async () => {
  for (const against of ['model', 'self'] as const) {
    const options = { against, runs: 4, seed: 5 };
    const result = await fuzz(options);
    expect(result.counterexample).toBeNull();
    expect(result.summary.sequences).toBe(4);
    expect(await fuzz(options)).toEqual(result);
  }
});

test('the model refuses profiles that it does not know', async () => {
  const profile = { redirectDir: true, index: false, metacopy: false };
  await expect(fuzz({ against: 'model', profile, runs: 1 })).rejects.toThrow('the docker profile alone');
});

test('random images build', async () => {
  await fc.assert(
    fc.asyncProperty(images(), async (prelude) => {
      const store = await storeOf(prelude);
      expect(store.world.registry.images.size).toBeGreaterThan(0);
      await store.close();
    }),
    { numRuns: 20 },
  );
});
