import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BufferOutput } from '../../../src/cli/output.ts';
import { runCli } from '../../../src/cli/run-cli.ts';
import { writeDropPlan } from '../../../src/storage/file/drop-plan.ts';
import { dumpLog } from '../../../src/storage/file/dump.ts';
import { salvageLog } from '../../../src/storage/file/salvage.ts';
import { verifyLog } from '../../../src/storage/file/verify.ts';
import { openStore } from '../../../src/store/open-store.ts';
import { retainHistory } from '../../../src/store/retain.ts';
import type { Store } from '../../../src/store/store.ts';

let folder: string;
let directory: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'overlog-retain-'));
  directory = join(folder, 'store');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Bytes of which no two chunks are equal. */
const bytesOf = (length: number, seed: number): Buffer => {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32LE((Math.imul(at + 1, 2_654_435_761) ^ seed) >>> 0, at);
  return bytes;
};

const BIG = bytesOf(300_000, 1);
const LOST = bytesOf(200_000, 2);

async function using<T>(run: (store: Store) => T | Promise<T>, readOnly = false): Promise<T> {
  const store = await openStore({ directory, readOnly });
  try {
    return await run(store);
  } finally {
    await store.close();
  }
}

const logBytes = (): number =>
  readdirSync(join(directory, 'log')).reduce((sum, name) => sum + statSync(join(directory, 'log', name)).size, 0);

const codeOf = async (run: () => unknown): Promise<unknown> => {
  try {
    await run();
    return null;
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
};

/** A file that is written, replaced and removed, one that stays, and a label behind each step. */
const make = (): Promise<void> =>
  using(async (store) => {
    const web = await store.containers.create({ name: 'web' });
    web.fs.writeFileSync('/stays', 'first\n');
    web.fs.writeFileSync('/big', BIG);
    await store.label('with-big');
    await store.containers.fork('web', { name: 'kept' });
    web.fs.unlinkSync('/big');
    web.fs.writeFileSync('/gone', LOST);
    await store.label('with-gone');
    web.fs.unlinkSync('/gone');
    web.fs.appendFileSync('/stays', 'second\n');
    await store.label('later');
    web.fs.appendFileSync('/stays', 'third\n');
  });

describe('retain', () => {
  test('frees content that only dropped moments show, and keeps what a fork still holds', async () => {
    await make();
    const before = logBytes();
    const result = await retainHistory(directory, 'later');
    expect(result.bytesDropped).toBe(200_000);
    expect(logBytes()).toBeLessThan(before - 190_000);
    await using((store) => {
      expect(store.oldest).toBe(result.oldest);
      expect(BIG.equals(store.containers.get('kept').fs.readFileSync('/big'))).toBe(true);
      expect(store.at('later').containers.get('web').fs.readFileSync('/stays', 'utf8')).toBe('first\nsecond\n');
    });
    expect(verifyLog(directory).tornBytes).toBe(0);
  });

  test('a dropped moment is refused with the oldest one that is left, by label, number and undelete', async () => {
    await make();
    const { oldest } = await retainHistory(directory, 'later');
    await using(async (store) => {
      for (const at of ['with-big', 'start', String(oldest - 1), oldest - 1]) {
        expect(() => store.at(at)).toThrow(`oldest moment that was kept, event ${oldest}`);
      }
      expect(await codeOf(() => store.containers.fork('web', { at: 'with-gone' }))).toBe('ERR_HISTORY_DROPPED');
      expect(await codeOf(() => store.rewind('web', 'with-gone'))).toBe('ERR_HISTORY_DROPPED');
      expect(await codeOf(() => store.past.undelete('web', '/gone'))).toBe('ERR_HISTORY_DROPPED');
    });
    expect(await codeOf(() => retainHistory(directory, 'with-gone'))).toBe('ERR_HISTORY_DROPPED');
  });

  test('what wrote the lines of a file is told as before, also by events that are gone as moments', async () => {
    await make();
    const ask = (store: Store): unknown => [
      store.past.blame('web', '/stays'),
      store.past.versions('web', '/stays'),
      store.history('web', '/stays').map(({ seq }) => seq),
      store.diff('later', 'now', { container: 'web' }),
    ];
    const before = await using(ask);
    await retainHistory(directory, 'later');
    expect(await using(ask)).toEqual(before);
  });

  test('content that a later rewind brings back from a dropped moment stays', async () => {
    await using(async (store) => {
      const { fs } = await store.containers.create({ name: 'web' });
      fs.writeFileSync('/big', BIG);
      await store.label('with-big');
      fs.unlinkSync('/big');
      await store.label('without');
      await store.rewind('web', 'with-big');
    });
    await retainHistory(directory, 'without');
    await using((store) => expect(BIG.equals(store.containers.get('web').fs.readFileSync('/big'))).toBe(true));
  });

  test('content that a fork brings back from before it was made stays', async () => {
    await using(async (store) => {
      const { fs } = await store.containers.create({ name: 'web' });
      fs.writeFileSync('/big', BIG);
      fs.unlinkSync('/big');
      await store.containers.fork('web', { name: 'twin' });
      await store.label('forked');
      await store.past.undelete('twin', '/big');
    });
    await retainHistory(directory, 'forked');
    await using((store) => expect(BIG.equals(store.containers.get('twin').fs.readFileSync('/big'))).toBe(true));
  });

  test('label tells which labels are of moments that are gone', async () => {
    await make();
    await retainHistory(directory, 'later');
    const stdout = new BufferOutput();
    await using((store) =>
      runCli({ argv: ['label', '--json'], stdout, stderr: new BufferOutput(), env: {}, session: store }),
    );
    const rows = JSON.parse(stdout.bytes().toString()) as { label: string; dropped: boolean }[];
    expect(rows.map(({ label, dropped }) => [label, dropped])).toEqual([
      ['with-big', true],
      ['with-gone', true],
      ['later', false],
    ]);
  });

  test('a dry run changes no byte', async () => {
    await make();
    const before = logBytes();
    const planned = await retainHistory(directory, 'later', { dryRun: true });
    expect(planned.bytesDropped).toBe(200_000);
    expect(logBytes()).toBe(before);
    await using((store) => expect(store.oldest).toBe(0));
  });

  test('content equal to what was dropped is stored again', async () => {
    await make();
    await retainHistory(directory, 'later');
    await using((store) => store.containers.get('web').fs.writeFileSync('/again', LOST));
    await using((store) => expect(LOST.equals(store.containers.get('web').fs.readFileSync('/again'))).toBe(true));
  });

  test('whoever reads meanwhile gets a whole answer, then is told to open the log again', async () => {
    await make();
    const follower = await openStore({ directory, readOnly: true });
    try {
      await retainHistory(directory, 'later');
      const read = (): unknown => follower.at('with-gone').containers.get('web').fs.readFileSync('/gone').length;
      expect([200_000, 'ERR_LOG_REWRITTEN']).toContain((await codeOf(read)) ?? read());
      expect(await codeOf(() => follower.refresh())).toBe('ERR_LOG_REWRITTEN');
    } finally {
      await follower.close();
    }
  });

  test('history is dropped again later, and a store that goes on after it verifies', async () => {
    await make();
    await retainHistory(directory, 'later');
    await using(async (store) => {
      const web = store.containers.get('web');
      for (let step = 0; step < 20; step++) web.fs.writeFileSync('/log', bytesOf(70_000, 100 + step));
      await store.label('much-later');
    });
    const { bytesDropped } = await retainHistory(directory, 'much-later');
    expect(bytesDropped).toBe(19 * 70_000);
    verifyLog(directory);
    await using((store) => expect(store.containers.get('web').fs.statSync('/log').size).toBe(70_000));
    expect([...dumpLog(directory)].some(({ record }) => record === 'dropped')).toBe(true);
  });

  test('a plan whose event never came is void, also when another event has its number', async () => {
    await make();
    const before = logBytes();
    writeDropPlan(directory, { event: 3, runs: [1, 3] });
    await using((store) => expect(store.containers.get('kept').fs.readFileSync('/big').equals(BIG)).toBe(true));
    expect(logBytes()).toBeGreaterThanOrEqual(before);
    expect(readdirSync(join(directory, 'log'))).not.toContain('drop.plan');
  });

  test('a log that is asked for without a range begins behind the oldest moment', async () => {
    await make();
    const { oldest } = await retainHistory(directory, 'later');
    await using(async (store) => {
      expect([...store.transactions()][0].seq).toBe(oldest + 1);
      const [stdout, stderr] = [new BufferOutput(), new BufferOutput()];
      expect(await runCli({ argv: ['log', '--ndjson'], stdout, stderr, env: {}, session: store })).toBe(0);
      expect((JSON.parse(stdout.bytes().toString().split('\n')[0]) as { seq: number }).seq).toBe(oldest + 1);
    });
  });

  test('a salvaged copy has the same numbers, and refuses the same moments', async () => {
    await make();
    const { oldest } = await retainHistory(directory, 'later');
    const head = await using((store) => store.seq);
    const target = join(folder, 'copy');
    expect(salvageLog(directory, target)).toMatchObject({ events: head, damage: null });
    directory = target;
    await using((store) => {
      expect(store.oldest).toBe(oldest);
      expect(BIG.equals(store.containers.get('kept').fs.readFileSync('/big'))).toBe(true);
    });
  });
});
