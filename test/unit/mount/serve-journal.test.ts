import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type OpenRecord, readServeJournal, ServeJournal, servedNothing } from '../../../src/mount/serve-journal.ts';

const open = (handle: number): OpenRecord => ({
  handle,
  by: [handle, 0],
  subject: 1,
  ino: 7,
  flags: 2,
  parent: 1,
  name: 'line\nfeed',
  path: '/line\nfeed',
  entries: null,
});

it('a server that takes over reads all that was noted, but for a note that a full disk cut', () => {
  const directory = mkdtempSync(join(tmpdir(), 'overlog-journal-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const stem = join(directory, '1');
  const journal = new ServeJournal(stem, servedNothing('group'));
  journal.opened(open(1));
  appendFileSync(`${stem}.session`, '\n["open",{"handle":2,"by":[');
  journal.opened(open(3));
  journal.closed(1);
  journal.begin(5, 6, 78);
  journal.close();
  const before = readServeJournal(stem);
  expect([...before.opens.values()]).toEqual([open(3)]);
  expect(before).toMatchObject({ group: 'group', request: { low: 5, high: 6, head: 78 } });
});
