// `npm test`: sets the project up where that is still to do, then runs the tests once. Arguments go to vitest, so
// `npm test -- test/unit` runs one folder and `npm test -- -t 'leaves a whiteout'` the tests with these words.

import { runTool, setUp } from './setup.mjs';

setUp();
process.exitCode = runTool('vitest', 'vitest', ['run', ...process.argv.slice(2)]);
