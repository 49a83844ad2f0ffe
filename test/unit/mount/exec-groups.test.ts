import { spawn, spawnSync } from 'node:child_process';
import { expect, onTestFinished, test } from 'vitest';
import type { StoreEvent, Transaction } from '../../../src/events/event.ts';
import { ExecGroups } from '../../../src/mount/exec-groups.ts';

const transaction = (event: StoreEvent, group: string | null): Transaction => ({
  seq: 1,
  timeNs: 0n,
  subject: 1,
  cause: ['exec'],
  group,
  actor: null,
  events: [event],
});

const started = (exec: string, group: string | null) => transaction({ type: 'ExecStarted', container: 1, exec }, group);
const ended = (exec: string) => transaction({ type: 'ExecEnded', container: 1, exec, exitCode: 0 }, null);

test('a process has the stem of the program that it descends from, for as long as that runs', async () => {
  const child = spawn('sh', ['-c', 'sh -c "echo \\$\\$; read -r line"; true'], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill());
  const grandchild = Number(await new Promise((told) => child.stdout.once('data', (text) => told(String(text)))));
  expect(grandchild).not.toBe(child.pid);
  const groups = new ExecGroups();
  expect(groups.stemOf(grandchild)).toBe(null);
  groups.noticed(started('a', `exec-7:${child.pid}`));
  expect([child.pid ?? 0, grandchild, process.pid].map((pid) => groups.stemOf(pid))).toEqual([
    'exec-7',
    'exec-7',
    null,
  ]);
  groups.noticed(ended('b'));
  expect(groups.stemOf(grandchild)).toBe('exec-7');
  groups.noticed(ended('a'));
  expect(groups.stemOf(grandchild)).toBe(null);
});

test('a start without a process, and a process that is gone, have none', () => {
  const groups = new ExecGroups();
  for (const group of [null, 'step 1', 'exec-7:x']) groups.noticed(started('a', group));
  expect(groups.stemOf(process.pid)).toBe(null);
  groups.noticed(started('b', `exec-9:${process.ppid}`));
  expect(groups.stemOf(process.pid)).toBe('exec-9');
  expect(groups.stemOf(spawnSync('true').pid)).toBe(null);
});
