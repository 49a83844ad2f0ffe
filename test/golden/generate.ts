/**
 * Writes the golden log of the current format into a folder: `npx tsx test/golden/generate.ts test/golden`.
 *
 * Into `test/golden` only for a new format. A golden log that was released is never written again: it is what users have on their disks.
 */
import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openFileLog } from '../../src/storage/file/file-log.ts';
import { type Expectation, GOLDEN_BATCH, GOLDEN_NAME, toJson, writeGoldenLog } from './golden-log.ts';

const folder = process.argv[2];
if (folder === undefined) throw new Error('the folder is missing');
const directory = join(folder, GOLDEN_NAME);
rmSync(directory, { recursive: true, force: true });
const transactions = writeGoldenLog(directory);
const log = openFileLog(directory, { readOnly: true });
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
writeFileSync(`${directory}.json`, `${JSON.stringify(expectation, null, 1)}\n`);
log.closeSync();
