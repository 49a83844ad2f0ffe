import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unpack } from 'msgpackr';
import { afterEach, describe, expect, test } from 'vitest';
import { OPERATIONS } from '../../../src/events/event-codec-operations.ts';
import { beginWritingCause } from '../../../src/events/cause-path.ts';
import { writeEvent } from '../../../src/events/codec.ts';
import type { StoreEvent } from '../../../src/events/event.ts';
import { beginWriting } from '../../../src/events/event-codec-times.ts';
import { PackWriter } from '../../../src/events/pack-writer.ts';
import { openFileLog } from '../../../src/storage/file/file-log.ts';
import { SAMPLE_EVENTS } from '../../golden/sample-events.ts';
import { Scratch } from './log-fixtures.ts';

const scratch = new Scratch();
afterEach(() => scratch.clean());

/** The list that an event is stored as. */
function storedEvent(event: StoreEvent): unknown[] {
  const out = new PackWriter();
  beginWriting(0n);
  beginWritingCause('');
  writeEvent(out, event);
  return unpack(out.bytes.subarray(0, out.at)) as unknown[];
}

describe('docs/log-format.md', () => {
  const page = readFileSync(fileURLToPath(new URL('../../../docs/log-format.md', import.meta.url)), 'utf8');

  test('shows the bytes that the writer writes', () => {
    const dump = /```hexdump\n([^`]*)```/.exec(page)?.[1] ?? '';
    let shown = '';
    for (const line of dump.trimEnd().split('\n')) {
      const [, offset, bytes] = /^([0-9a-f]{4}) {2}((?:[0-9a-f]{2} )*[0-9a-f]{2})(?: {2}.*)?$/.exec(line) ?? [];
      expect(Number.parseInt(offset, 16)).toBe(shown.length / 2);
      shown += bytes.replaceAll(' ', '');
    }
    const directory = scratch.directory();
    const log = openFileLog(directory, { randomSalt: () => 0x01020304 });
    const chunk = log.chunks.put(Buffer.from('hello\n'));
    const timeNs = 1_700_000_000_000_000_000n;
    const node = { parent: 1, name: 'hello.txt', ino: 2, mode: 0o100644, uid: 0, gid: 0, rdev: 0, target: '' };
    log.append({
      seq: 1,
      timeNs,
      subject: 1,
      cause: ['writeFile', '/hello.txt'],
      group: null,
      actor: null,
      events: [
        { type: 'NodeCreated', ...node, timeNs, parentTimeNs: timeNs },
        { type: 'Written', ino: 2, offset: 0, length: 6, pieces: [chunk, 0, 6], timeNs },
      ],
    });
    const unchanged = { uid: null, gid: null, atimeNs: null, mtimeNs: null };
    log.append({
      seq: 3,
      timeNs: timeNs + 1000n,
      subject: 1,
      cause: ['chmod', '/hello.txt', '0600'],
      group: null,
      actor: null,
      events: [{ type: 'AttributesChanged', ino: 2, mode: 0o600, ...unchanged, ctimeNs: timeNs + 1000n }],
    });
    log.closeSync();
    expect(shown).toBe(readFileSync(join(directory, 'log', '00000000000000000001.seg')).toString('hex'));
  });

  test('lists every event with its code, and no other', () => {
    const listed = [...page.matchAll(/^\| (\d+) \| ([A-Z][A-Za-z]+) \|/gm)].map(([, code, type]) => `${code} ${type}`);
    const written = Object.values(SAMPLE_EVENTS).flatMap((samples) =>
      samples.map((event) => `${String(storedEvent(event)[0])} ${event.type}`),
    );
    expect(new Set(listed)).toStrictEqual(new Set(written));
  });

  test('lists as many fields as the shortest form of an event has', () => {
    for (const [, code, type, fields] of page.matchAll(/^\| (\d+) \| ([A-Z][A-Za-z]+) \| (.*) \|$/gm)) {
      const samples = SAMPLE_EVENTS[type as keyof typeof SAMPLE_EVENTS].map((event) => storedEvent(event));
      const lengths = samples.filter((stored) => stored[0] === Number(code)).map((stored) => stored.length - 1);
      const named = fields.replaceAll(/\([^)]*\)/g, '').split(/, then|:/)[0];
      expect(Math.min(...lengths), `${code} ${type}`).toBe(named.split(',').length);
    }
  });

  test('lists the operations with their index', () => {
    const listed = [...page.matchAll(/(\d+) `([A-Za-z0-9]+)`/g)].map(([, index, operation]) => [
      Number(index),
      operation,
    ]);
    expect(listed).toStrictEqual(OPERATIONS.map((operation, index) => [index, operation]));
  });
});
