/**
 * Many processes at random, in trees and in one file, against the host's file system as the oracle: the same calls get the same
 * answers and leave the same trees; also while the server is killed again and again.
 */

import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { mountRecords } from '../../src/entry/mount.ts';
import { builtMain } from '../e2e/command.ts';
import { mountedContainer, noMount } from './mounted.ts';

const scriptOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const hasPython = spawnSync('python3', ['-c', 'import os; os.copy_file_range']).status === 0;
const noBuild = existsSync(builtMain) ? null : 'there is no build: npm run build';
const reason = noMount ?? noBuild ?? (hasPython ? null : 'no python3');
const title = reason === null ? 'random operations' : `random operations (skipped: ${reason})`;
const [major, minor] = release().split('.').map(Number);
const resends = major > 6 || (major === 6 && minor >= 9);

/** Calls of each process in a round; a long run takes OVERLOG_STRESS_SECONDS=600: rounds with other seeds until then. */
const OPERATIONS = Number(process.env['OVERLOG_STRESS'] ?? '800');
/** A round in which each call may wait for the next server is a part of that. */
const OPERATIONS_UNDER_KILLS = Math.ceil(OPERATIONS / 4);
const SECONDS = Number(process.env['OVERLOG_STRESS_SECONDS'] ?? '0');
const PROCESSES = 4;
/** Calls on one file move more bytes each. */
const inFileOf = (operations: number): number => Math.ceil(operations / 2);

interface Killing {
  kills: number;
  isOver: boolean;
}

/** What each process printed, and the one file's processes together. */
async function round(directory: string, seed: number, operations: number): Promise<string[]> {
  mkdirSync(directory);
  const run = async (script: string, ...argv: (string | number)[]): Promise<string> => {
    const options = { maxBuffer: 2 ** 28 };
    return (
      await promisify(execFile)('python3', ['-X', 'faulthandler', scriptOf(script), ...argv.map(String)], options)
    ).stdout;
  };
  const inTree = (index: number): Promise<string> => {
    mkdirSync(join(directory, `s${index}`));
    return run('stress.py', join(directory, `s${index}`), seed + index, operations);
  };
  const trees = Array.from({ length: PROCESSES }, (_, index) => inTree(index));
  const inFile = run('shared-file.py', join(directory, 'file'), seed, inFileOf(operations), PROCESSES);
  return Promise.all([...trees, inFile]);
}

/** Kills servers at any moment of their lives, but not so that the supervisor gives up: five that died early and did nothing. */
async function killAgainAndAgain(store: string, killing: Killing): Promise<void> {
  let killed: number | null = null;
  while (!killing.isOver) {
    await sleep(killing.kills % 4 === 3 ? 2200 : Math.random() * 3000);
    const [record] = mountRecords(store);
    if (killing.isOver || record === undefined || record.server === killed) continue;
    process.kill(record.server, 'SIGKILL');
    killed = record.server;
    killing.kills++;
  }
}

/** What a program printed last, before it failed. */
const lastLines = (error: Error): string => ((error as { stdout?: string }).stdout ?? '').slice(-500);

describe.skipIf(reason !== null)(title, () => {
  for (const kills of [false, true])
    test.skipIf(kills && !resends)(
      `processes in trees and in one file get the answers that the host file system gives, and leave the same trees${kills ? ', while the server is killed again and again' : ''}`,
      { timeout: (SECONDS + 900) * 1000 },
      async () => {
        const { directory, store, run } = await mountedContainer({ supervise: kills });
        const oracle = mkdtempSync(join(tmpdir(), 'overlog-oracle-'));
        onTestFinished(() => rmSync(oracle, { recursive: true, force: true }));
        const operations = kills ? OPERATIONS_UNDER_KILLS : OPERATIONS;
        const killing: Killing = { kills: 0, isOver: false };
        const killed = kills ? killAgainAndAgain(store, killing) : Promise.resolve();
        onTestFinished(() => void (killing.isOver = true));
        const wasKilled = (): boolean => !kills || killing.kills > 0;
        const begin = performance.now();
        const first = Number(process.env['OVERLOG_STRESS_SEED'] ?? Math.floor(Math.random() * 1e6));
        let rounds = 0;
        do {
          const seed = first + rounds * PROCESSES;
          const again = `OVERLOG_STRESS_SEED=${seed} OVERLOG_STRESS=${OPERATIONS}`;
          const mounted = await round(join(directory, `r${rounds}`), seed, operations).catch((error: Error) => {
            const said = readFileSync(join(store, 'mounts/serve.log'), 'utf8');
            throw new Error(`${again}: ${error.message}\n${lastLines(error)}\nthe server said: ${said}`);
          });
          const expected = await round(join(oracle, `r${rounds}`), seed, operations);
          for (const [index, answers] of expected.entries())
            expect({ again, answers: mounted[index] }).toEqual({ again, answers });
          for (const place of [directory, oracle]) rmSync(join(place, `r${rounds}`), { recursive: true });
          rounds++;
        } while (performance.now() - begin < SECONDS * 1000 || !wasKilled());
        killing.isOver = true;
        await killed;
        const seconds = ((performance.now() - begin) / 1000).toFixed(0);
        const calls = rounds * PROCESSES * (operations + inFileOf(operations));
        if (SECONDS > 0)
          process.stderr.write(
            `${rounds} rounds, ${calls} calls, ${killing.kills} kills, ${seconds} s, from seed ${first}\n`,
          );
        await run('umount', directory);
        expect((await run('verify')).exitCode).toBe(0);
      },
    );
});
