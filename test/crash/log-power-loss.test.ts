import { describe, expect, test } from 'vitest';
import type { Transaction } from '../../src/events/event.ts';
import { lastSeq } from '../../src/events/event.ts';
import { verifyLog } from '../../src/storage/file/verify.ts';
import { appendNext, DIRECTORY, expectPrefix, openOn } from './log-workload.ts';
import { randomFrom, SimulatedDisk } from './simulated-disk.ts';

/** Crashes per test; more with OVERLOG_CRASHES. */
const CRASHES = Number(process.env['OVERLOG_CRASHES'] ?? 300);

describe('after power loss', () => {
  test('a log opens at a whole transaction, not before what was synced, crash after crash', () => {
    for (let seed = 1; seed <= CRASHES; seed++) {
      const random = randomFrom(seed);
      let disk = new SimulatedDisk();
      let all: Transaction[] = [];
      for (let life = 0; life < 4; life++) {
        const log = openOn(disk, { segmentBytesMax: random() < 0.5 ? 4096 : 65_536 });
        const kept = expectPrefix(log, all);
        all = all.slice(0, kept);
        const steps = Math.floor(random() * 40);
        for (let step = 0; step < steps; step++) {
          all.push(appendNext(log));
          const dice = random();
          if (dice < 0.1) log.syncSync();
          else if (dice < 0.5) log.flushSync();
        }
        const { syncedSeq } = log;
        const after = disk.afterPowerLoss(random);
        log.closeSync();
        const opened = openOn(after, { readOnly: true });
        const found = expectPrefix(opened, all);
        expect(found === 0 ? 0 : lastSeq(all[found - 1]), `seed ${seed}, life ${life}`).toBeGreaterThanOrEqual(
          syncedSeq,
        );
        opened.closeSync();
        disk = after;
      }
      openOn(disk).closeSync();
      expect(verifyLog(DIRECTORY, { fileSystem: disk }).tornBytes).toBe(0);
      expect(disk.openDescriptors).toBe(0);
    }
  });

  test('while the log is made, it opens empty or is made again', () => {
    for (let seed = 1; seed <= CRASHES; seed++) {
      const disk = new SimulatedDisk();
      const log = openOn(disk);
      const after = disk.afterPowerLoss(randomFrom(seed));
      log.closeSync();
      const again = openOn(after);
      expect(again.head).toBe(0);
      const next = appendNext(again);
      again.closeSync();
      const opened = openOn(after);
      expect(expectPrefix(opened, [next])).toBe(1);
      opened.closeSync();
    }
  });

  test('during recovery, recovery succeeds the next time', () => {
    for (let seed = 1; seed <= CRASHES; seed++) {
      const random = randomFrom(seed);
      const disk = new SimulatedDisk();
      const log = openOn(disk);
      const all: Transaction[] = [];
      for (let index = 0; index < 20; index++) {
        all.push(appendNext(log));
        if (index === 8) log.syncSync();
      }
      log.flushSync();
      const torn = disk.afterPowerLoss(random);
      log.closeSync();
      const first = openOn(torn);
      const kept = expectPrefix(first, all);
      const twice = torn.afterPowerLoss(random);
      first.closeSync();
      const second = openOn(twice);
      expect(expectPrefix(second, all)).toBe(kept);
      second.closeSync();
    }
  });
});
