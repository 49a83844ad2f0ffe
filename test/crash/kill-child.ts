/**
 * A writer to be killed: opens the log in argv[2], appends for ever, and tells on stdout each head that an awaited call
 * has made safe: `f <seq>` flushed, `s <seq>` synced.
 */
import { writeSync } from 'node:fs';
import { openFileLog } from '../../src/storage/file/file-log.ts';
import { appendNext } from './log-workload.ts';

const log = openFileLog(process.argv[2], { segmentBytesMax: 65_536, syncIntervalMs: 50 });
writeSync(1, `f ${log.head}\n`);
for (let turn = 0; ; turn++) {
  for (let index = 0; index < 1 + (turn % 4); index++) appendNext(log);
  const head = log.head;
  if (turn % 50 === 49) {
    await log.sync();
    writeSync(1, `s ${head}\n`);
  } else {
    await log.flush();
    writeSync(1, `f ${head}\n`);
  }
}
