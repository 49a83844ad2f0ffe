import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { openFileLog } from '../../src/storage/file/file-log.ts';
import { verifyLog } from '../../src/storage/file/verify.ts';
import { codeOf, Scratch } from '../unit/storage/log-fixtures.ts';
import { contentOf, workTransaction } from './log-workload.ts';
import { randomFrom } from './simulated-disk.ts';

/** How often a writer is killed; `OVERLOG_KILLS=200` for the long run. */
const KILLS = Number(process.env['OVERLOG_KILLS'] ?? 20);

const CHILD = fileURLToPath(new URL('./kill-child.ts', import.meta.url));

/** Starts a writer, kills it after a while, and gives the last head that it said was safe. */
function killedWriter(directory: string, afterMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', CHILD, directory], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    let complaint = '';
    let timer: NodeJS.Timeout | null = null;
    child.stdout.on('data', (data: Buffer) => {
      said += data.toString('latin1');
      timer ??= setTimeout(() => child.kill('SIGKILL'), afterMs);
    });
    child.stderr.on('data', (data: Buffer) => (complaint += data.toString()));
    child.on('close', (_code, signal) => {
      const lines = said.slice(0, said.lastIndexOf('\n')).split('\n');
      if (signal === 'SIGKILL') resolve(Number(lines.at(-1)?.slice(2)));
      else reject(new Error(`the writer ended by itself: ${complaint}`));
    });
  });
}

describe('a writer that is killed', () => {
  const scratch = new Scratch();
  afterEach(() => scratch.clean());

  test(
    'leaves every awaited write, whole, again and again',
    async () => {
      const directory = scratch.directory();
      const random = randomFrom(7);
      let checked = 0;
      for (let kill = 0; kill < KILLS; kill++) {
        const safe = await killedWriter(directory, Math.floor(random() * 60));
        const log = openFileLog(directory);
        expect(log.head, `kill ${kill}`).toBeGreaterThanOrEqual(safe);
        expect(safe).toBeGreaterThanOrEqual(checked);
        for (const transaction of log.read(checked + 1)) {
          const [event] = transaction.events;
          assert(event.type === 'Written');
          assert.deepStrictEqual(transaction, workTransaction(transaction.seq, event.pieces[0]));
          assert(contentOf(transaction.seq).equals(log.chunks.get(event.pieces[0])));
          checked = transaction.seq + transaction.events.length - 1;
        }
        expect(checked).toBe(log.head);
        await log.close();
      }
      expect(verifyLog(directory).head).toBe(checked);
    },
    KILLS * 5000,
  );

  test('holds the lock while it lives, and not longer', async () => {
    const directory = scratch.directory();
    const killed = killedWriter(directory, 300);
    let refused = '';
    for (let turn = 0; turn < 400 && refused !== 'ERR_LOG_LOCKED'; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      refused = codeOf(() => openFileLog(directory, { create: false }).closeSync());
    }
    expect(refused).toBe('ERR_LOG_LOCKED');
    await killed;
    expect(codeOf(() => openFileLog(directory).closeSync())).toBe('no error');
  });
});
