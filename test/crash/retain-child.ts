/** Drops the history of the store in argv[2] in front of the moment argv[3], to be killed meanwhile; `b` on stdout: it begins. */
import { writeSync } from 'node:fs';
import { retainHistory } from '../../src/store/retain.ts';

writeSync(1, 'b\n');
await retainHistory(process.argv[2], process.argv[3]);
writeSync(1, 'e\n');
