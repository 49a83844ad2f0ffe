/**
 * Writes the golden log of the current format: `npx tsx test/golden/generate.ts`.
 *
 * Only for a new format. A golden log that was released is never written again: it is what users have on their disks.
 */
import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { openFileLog } from '../../src/storage/file/file-log.ts';
import {
  type Expectation,
  GOLDEN_BATCH,
  GOLDEN_DIRECTORY,
  GOLDEN_EXPECTATION,
  toJson,
  writeGoldenLog,
} from './golden-log.ts';

rmSync(GOLDEN_DIRECTORY, { recursive: true, force: true });
const transactions = writeGoldenLog(GOLDEN_DIRECTORY);
const log = openFileLog(GOLDEN_DIRECTORY, { readOnly: true });
const chunks: { content: string; digest: string }[] = [];
for (let chunk = 1; chunk <= log.chunks.head; chunk++) {
  const content = Buffer.from(log.chunks.get(chunk));
  chunks.push({ content: content.toString('hex'), digest: createHash('sha256').update(content).digest('hex') });
}
const expectation: Expectation = {
  head: log.head,
  transactions: toJson(transactions),
  chunks,
  batch: toJson(GOLDEN_BATCH),
};
writeFileSync(GOLDEN_EXPECTATION, `${JSON.stringify(expectation, null, 1)}\n`);
log.closeSync();
