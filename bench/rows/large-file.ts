/**
 * Small writes at random places of a large lower file: the first one copies it up. Copy-up shares the lower's chunks, so
 * neither depends on the size of the file. The peer does what a copying driver does: copies the file, then writes.
 */

import nodeFs from 'node:fs';
import { join } from 'node:path';
import type { OverlogFs } from '../../src/index.ts';
import { type Figure, type Sample, sampleOf } from '../figure.ts';
import type { Group } from '../group.ts';
import { addFile, addImage, openBenchStore, remove, temporaryDirectory } from '../stores.ts';
import { makeWorkload, randomNumbers } from '../workload.ts';

const MIB = 1 << 20;
const WRITE_BYTES = 4096;
const LATER_WRITES = 2_000;
const ROUNDS = 5;
const SMALL_MIB = 16;

interface Times {
  readonly first: number[];
  readonly later: number[];
}

export const largeFileGroup: Group = {
  name: 'large file',
  async run(sizes, progress): Promise<Figure[]> {
    const { mib: largeMib, copyRounds } = sizes.largeFile;
    const { store, close } = await openBenchStore('file store');
    for (const mib of [SMALL_MIB, largeMib]) {
      progress(`an image with a file of ${mib} MiB`);
      await addImage(store, `file-${mib}`, [(sink) => addFile(sink, 'file', mib * MIB, blocksOf(mib))]);
    }
    const small: Times = { first: [], later: [] };
    const large: Times = { first: [], later: [] };
    progress('writing');
    for (let round = 0; round <= ROUNDS; round++) {
      for (const mib of [SMALL_MIB, largeMib]) {
        const container = await store.containers.create({ image: `file-${mib}` });
        const counted = round === 0 ? null : mib === SMALL_MIB ? small : large;
        writeAtRandom(container.fs, mib, round, counted);
      }
    }
    await close();
    progress('copying with node:fs');
    const copied = copyThenWrite(largeMib, copyRounds);

    const subject = `${largeMib} MiB lower`;
    const first = sampleOf(large.first);
    const later = sampleOf(large.later);
    const smaller = { name: `${SMALL_MIB} MiB`, sample: sampleOf(small.later) };
    return [
      {
        row: '4 KiB pwrite, first',
        subject,
        unit: 'µs',
        sample: first,
        against: { name: 'node:fs copyFile', sample: copied },
        ratio: copied.median / first.median,
        reach: { atLeast: 100 },
      },
      {
        row: '4 KiB pwrite, later',
        subject,
        unit: 'µs',
        sample: later,
        against: smaller,
        ratio: later.median / smaller.sample.median,
        reach: { atMost: 1.5 },
      },
    ];
  },
};

/** Blocks of 1 MiB of random bytes, the first word of each counting up, so that no two are equal. */
function* blocksOf(mib: number): Generator<Uint8Array, void> {
  const block = Buffer.concat(makeWorkload(1_100).contents(1)).subarray(0, MIB);
  for (let index = 0; index < mib; index++) {
    for (let at = 0; at < MIB; at += 65_536) block.writeUInt32LE(index, at);
    yield block;
  }
}

/** Times the first write, from open to close, and the mean of the later ones, in microseconds. */
function writeAtRandom(fs: OverlogFs, mib: number, seed: number, times: Times | null): void {
  const next = randomNumbers(seed);
  const bytes = Buffer.alloc(WRITE_BYTES, seed);
  const place = (): number => (next() % (mib * (MIB / WRITE_BYTES))) * WRITE_BYTES;
  const start = performance.now();
  const fd = fs.openSync('/file', 'r+');
  fs.writeSync(fd, bytes, 0, WRITE_BYTES, place());
  const written = performance.now();
  for (let write = 0; write < LATER_WRITES; write++) {
    bytes.writeUInt32LE(write, 0);
    fs.writeSync(fd, bytes, 0, WRITE_BYTES, place());
  }
  const end = performance.now();
  fs.closeSync(fd);
  times?.first.push((written - start) * 1000);
  times?.later.push(((end - written) * 1000) / LATER_WRITES);
}

/** Microseconds. */
function copyThenWrite(mib: number, rounds: number): Sample {
  const directory = temporaryDirectory();
  const lower = join(directory, 'lower');
  const upper = join(directory, 'upper');
  const fd = nodeFs.openSync(lower, 'w');
  for (const block of blocksOf(mib)) nodeFs.writeSync(fd, block);
  nodeFs.closeSync(fd);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    nodeFs.copyFileSync(lower, upper);
    const copy = nodeFs.openSync(upper, 'r+');
    nodeFs.writeSync(copy, Buffer.alloc(WRITE_BYTES, round), 0, WRITE_BYTES, 0);
    nodeFs.closeSync(copy);
    times.push((performance.now() - start) * 1000);
    nodeFs.unlinkSync(upper);
  }
  remove(directory);
  return sampleOf(times);
}
