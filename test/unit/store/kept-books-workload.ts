/** A store whose storage drivers' books are kept, and what a process of its own answers and reads. */

import { expect } from 'vitest';
import type { DriverBill, Store } from '../../../src/index.ts';
import { openStore } from '../../../src/index.ts';
import type { LogFileSystem } from '../../../src/storage/file/log-file-system.ts';
import { openOn } from '../../crash/log-workload.ts';
import { SimulatedDisk } from '../../crash/simulated-disk.ts';
import { countedReads } from './counted-reads.ts';

/** Moments that forks were made from are read off checkpoints, so that what is read of the log is read for the books. */
export const timeMachine = { foldMax: -1, checkpoints: { every: 50, lightMin: 1, keepMin: 1 } };
export const KEPT = /\.kept$/;

export interface Opened {
  readonly store: Store;
  /** Transactions that were read from the log. */
  readonly reads: () => number;
  readonly warnings: readonly string[];
}

export async function opened(files: LogFileSystem, readOnly = true): Promise<Opened> {
  const log = openOn(files, { readOnly });
  const warnings: string[] = [];
  const store = await openStore({ log, timeMachine, onWarning: (warning) => warnings.push(warning) });
  return { store, reads: countedReads(log), warnings };
}

/** What a process of its own answers, and how much of the log it reads for that. */
export async function asked(
  files: LogFileSystem,
  drivers: readonly string[] = [],
  at?: number,
): Promise<{ bills: DriverBill[]; reads: number; warnings: readonly string[] }> {
  const { store, reads, warnings } = await opened(files);
  const bills = store.storageBills({ drivers, at });
  await store.close();
  return { bills, reads: reads(), warnings };
}

export async function written<T>(disk: LogFileSystem, work: (store: Store) => T | Promise<T>): Promise<T> {
  const { store } = await opened(disk, false);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

export const FILES = 60;
/** Transactions that are read for what is beside the books: of moments that forks were made from. */
export const FEW = 12;
export const few = expect.toSatisfy((count: number) => count < FEW) as number;

/** A store with an image, a container above it that has copied up, and a fork of that. */
export async function filledDisk(content = 'content'): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  await written(disk, async (store) => {
    const below = await store.containers.create({ name: 'below' });
    for (let index = 0; index < FILES; index++) below.fs.writeFileSync(`/f${index}`, `${content} ${index}`.repeat(900));
    await below.commit({ tag: 'base' });
    const { fs } = await store.containers.create({ name: 'c', image: 'base' });
    for (let index = 0; index < FILES; index++) fs.appendFileSync(`/f${index}`, '!');
    await store.containers.fork('c', { name: 'side' });
    for (let index = 0; index < FILES; index += 2) fs.appendFileSync(`/f${index}`, '!');
  });
  return disk;
}

export const keptPaths = (disk: SimulatedDisk): string[] => disk.paths().filter((path) => KEPT.test(path));
export const unfinished = (disk: SimulatedDisk): string[] => disk.paths().filter((path) => path.endsWith('.tmp'));

/** As the log alone has it. */
export async function folded(disk: SimulatedDisk, drivers: readonly string[] = [], at?: number): Promise<DriverBill[]> {
  const bare = disk.clone();
  for (const path of keptPaths(bare)) bare.unlinkSync(path);
  const { bills, reads } = await asked(bare, drivers, at);
  expect(reads).toBeGreaterThan(FILES);
  return bills;
}
