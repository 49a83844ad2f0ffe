// `npm run bench`: runs bench/run.ts. Arguments go to it. The collector is exposed so that a measurement of memory
// can start from a clean heap.

import { runNode, setUp } from './setup.mjs';

setUp();
process.exitCode = runNode(['--expose-gc', '--import', 'tsx', 'bench/run.ts', ...process.argv.slice(2)]);
