/** How properties run: how often, and from where when one is repeated. */

import fc from 'fast-check';

/** Runs of each property, in the place of its own number. */
const RUNS = process.env['OVERLOG_RUNS'];
/** With the path that a failure printed, repeats it: `OVERLOG_SEED=123 OVERLOG_PATH=0:1:2 npm test -- test/property`. */
const SEED = process.env['OVERLOG_SEED'];
const PATH = process.env['OVERLOG_PATH'];

/** Checks a property; a failure prints seed and path, and the shrunk counterexample. */
export async function check<T>(property: fc.IAsyncProperty<T> | fc.IProperty<T>, runs: number): Promise<void> {
  await fc.assert(property as fc.IAsyncProperty<T>, {
    numRuns: RUNS === undefined ? runs : Number(RUNS),
    ...(SEED !== undefined && { seed: Number(SEED) }),
    ...(PATH !== undefined && { path: PATH }),
  });
}
