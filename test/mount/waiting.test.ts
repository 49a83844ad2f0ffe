/** How a server waits: awake for a moment where there is a processor for it, and asleep when nothing is asked. */

import { execFileSync } from 'node:child_process';
import { constants, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { mountRecords } from '../../src/entry/mount.ts';
import { descriptorFlags } from '../descriptor-flags.ts';
import { builtMain } from '../e2e/command.ts';
import { type Mounted, mountedContainer, noMount } from './mounted.ts';

const CALLS = 300;

/** Calls that come soon after each other. */
function work(directory: string): void {
  for (let index = 0; index < CALLS; index++) {
    const path = join(directory, `f${index % 7}`);
    writeFileSync(path, `${index}`);
    expect(readFileSync(path, 'utf8')).toBe(`${index}`);
    rmSync(path);
  }
}

const serverOf = ({ store }: Mounted): number => mountRecords(store)[0].server;

/** Processor time that a process has had, in ticks. */
function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** Whether reads of the door wait. */
function waits(pid: number): boolean {
  const door = readdirSync(`/proc/${pid}/fd`).find((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === '/dev/fuse');
  if (door === undefined) throw new Error('the server has no door to the kernel');
  return (descriptorFlags(pid, door) & constants.O_NONBLOCK) === 0;
}

const title = noMount === null ? 'a server' : `a server (skipped: ${noMount})`;

describe.skipIf(noMount !== null)(title, () => {
  test('sleeps when nothing is asked any more', async () => {
    const mounted = await mountedContainer();
    const server = serverOf(mounted);
    work(mounted.directory);
    await sleep(300);
    expect(waits(server)).toBe(true);
    const before = ticksOf(server);
    await sleep(1000);
    expect(ticksOf(server) - before).toBeLessThan(20);
    work(mounted.directory);
  });

  test('serves as well with one processor, where it sleeps before every request', async () => {
    const mounted = await mountedContainer();
    const { directory, store, run } = mounted;
    expect((await run('umount', directory)).exitCode).toBe(0);
    const argv = [builtMain, 'mount', 'web', directory, '--store', store];
    execFileSync('taskset', ['--cpu-list', '0', process.execPath, ...argv], { stdio: 'ignore' });
    for (let time = 0; time < 5; time++) {
      work(directory);
      expect(waits(serverOf(mounted))).toBe(true);
    }
    expect((await run('umount', directory)).exitCode).toBe(0);
    expect((await run('verify')).exitCode).toBe(0);
  });
});
