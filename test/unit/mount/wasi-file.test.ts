import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { NOTHING } from '../../../src/mount/request-reader.ts';
import { openWasiFile } from '../../../src/mount/wasi-file.ts';
import { descriptorFlags } from '../../descriptor-flags.ts';

/** Both ends of a fifo in one descriptor. */
function fifo(): number {
  const folder = mkdtempSync(join(tmpdir(), 'overlog-fifo-'));
  const path = join(folder, 'fifo');
  execFileSync('mkfifo', [path]);
  const descriptor = openSync(path, constants.O_RDWR);
  onTestFinished(() => {
    closeSync(descriptor);
    rmSync(folder, { recursive: true });
  });
  return descriptor;
}

test('a descriptor is read with and without waiting', () => {
  const descriptor = fifo();
  const file = openWasiFile(descriptor);
  if (file === null) throw new Error('this Node has no WASI');
  file.setWaiting(false);
  expect(file.read()).toBe(NOTHING);
  writeSync(descriptor, 'request');
  expect(file.read()).toBe(7);
  expect(file.bytes.toString('latin1', 0, 7)).toBe('request');
  expect(file.read()).toBe(NOTHING);
  file.setWaiting(true);
  writeSync(descriptor, 'next');
  expect(file.read()).toBe(4);
  expect(file.bytes.toString('latin1', 0, 7)).toBe('nextest');
});

test('it waits when it is opened, as a dead server may have left it otherwise', () => {
  const descriptor = fifo();
  const before = openWasiFile(descriptor);
  before?.setWaiting(false);
  expect(descriptorFlags('self', descriptor) & constants.O_NONBLOCK).not.toBe(0);
  openWasiFile(descriptor);
  expect(descriptorFlags('self', descriptor) & constants.O_NONBLOCK).toBe(0);
});

test("what can't be read is an error", () => {
  const descriptor = openSync('.', 'r');
  onTestFinished(() => closeSync(descriptor));
  expect(() => openWasiFile(descriptor)?.read()).toThrow(/requests can't be read: error \d+ of WASI/);
});
