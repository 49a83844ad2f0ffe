/**
 * The model of qcow2 against QEMU's own tools: the blocks that the model puts on the disk are written with qemu-io into a file with a
 * backing file, and then qemu-img says what the file holds.
 *
 * The image is one file at the start of the disk, so a place in the file is a place on the disk, and a new file lies behind it.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type DriverBill, openStore } from '../../../src/index.ts';
import { hasTool } from './loop-file-system.ts';

const BLOCK = 4096;
const IMAGE_BYTES = 12 * 2 ** 20 + 3 * BLOCK;
const DISK_BYTES = 64 * 2 ** 20;

const missing = ['qemu-img', 'qemu-io'].find((tool) => !hasTool(tool));
const folder = mkdtempSync(join(tmpdir(), 'overlog-qcow2-'));
afterAll(() => rmSync(folder, { recursive: true }));

const run = (tool: string, ...args: string[]): string => execFileSync(tool, args, { encoding: 'utf8', stdio: 'pipe' });

interface Writes {
  /** Into the file of the image: offset and length. */
  readonly image: readonly (readonly [offset: number, length: number])[];
  /** Lengths of new files. */
  readonly files: readonly number[];
}

const WRITES: readonly (readonly [string, Writes])[] = [
  ['nothing', { image: [], files: [] }],
  ['one byte', { image: [[5_000_000, 1]], files: [] }],
  [
    'two bytes in one cluster',
    {
      image: [
        [0, 1],
        [8192, 1],
      ],
      files: [],
    },
  ],
  [
    'bytes far apart',
    {
      image: [
        [0, 1],
        [2 ** 20, 1],
        [5 * 2 ** 20, 1],
        [12 * 2 ** 20, 1],
      ],
      files: [],
    },
  ],
  ['a megabyte across clusters', { image: [[1_000_001, 1_048_576]], files: [] }],
  ['a new file behind the image', { image: [], files: [100_000] }],
  ['the end of the image, and new files', { image: [[12 * 2 ** 20, 5]], files: [1, 300_000] }],
];

const FORMATS = [
  { clusterBytes: 65_536, extended: false },
  { clusterBytes: 4096, extended: false },
  { clusterBytes: 2 * 2 ** 20, extended: false },
  { clusterBytes: 65_536, extended: true },
  { clusterBytes: 16_384, extended: true },
  { clusterBytes: 2 * 2 ** 20, extended: true },
];

describe.skipIf(missing !== undefined)(
  `a qcow2 file${missing === undefined ? '' : ` (skipped: no ${missing})`}`,
  () => {
    describe.each(FORMATS)('with clusters of $clusterBytes bytes, extended L2 $extended', (format) => {
      test.each(WRITES)('holds what the model says after %s', async (_, writes) => {
        const real = written(format, writes);
        const { containers } = await priced(format, writes);
        expect(containers[0].dataBytes).toBe(real.dataBytes);
        expect(containers[0].metadataBytes).toBe(real.metadataBytes);
      });
    });
  },
);

type Format = (typeof FORMATS)[number];

async function priced({ clusterBytes, extended }: Format, { image, files }: Writes): Promise<DriverBill> {
  const store = await openStore();
  const builder = await store.containers.create({ name: 'builder' });
  builder.fs.writeFileSync('/image', Buffer.alloc(IMAGE_BYTES, 'i'));
  await builder.commit({ tag: 'image' });
  await builder.remove();
  const { fs } = await store.containers.create({ name: 'web', image: 'image' });
  const fd = fs.openSync('/image', 'r+');
  for (const [offset, length] of image) fs.writeSync(fd, Buffer.alloc(length, 'w'), 0, length, offset);
  fs.closeSync(fd);
  files.forEach((length, index) => fs.writeFileSync(`/new-${index}`, Buffer.alloc(length, 'n')));
  const settings = `cluster-size=${clusterBytes},extended-l2=${extended ? 1 : 0},disk-size=${DISK_BYTES}`;
  const [bill] = store.storageBills({ drivers: [`qcow2:${settings}`] });
  await store.close();
  return bill;
}

/** What qemu-img says of the file after the same writes, each in whole blocks, as a file system makes them. */
function written({ clusterBytes, extended }: Format, writes: Writes): { dataBytes: number; metadataBytes: number } {
  const base = join(folder, 'base.qcow2');
  const top = join(folder, 'top.qcow2');
  const options = `cluster_size=${clusterBytes},extended_l2=${extended ? 'on' : 'off'}`;
  run('qemu-img', 'create', '-q', '-f', 'qcow2', '-o', options, base, String(DISK_BYTES));
  run('qemu-io', '-c', `write -q -P 1 0 ${IMAGE_BYTES}`, base);
  run('qemu-img', 'create', '-q', '-f', 'qcow2', '-o', options, '-b', base, '-F', 'qcow2', top);
  for (const [from, bytes] of diskWrites(writes)) run('qemu-io', '-c', `write -q -P 2 ${from} ${bytes}`, top);
  const map = JSON.parse(run('qemu-img', 'map', '--output=json', top)) as MapEntry[];
  const own = map.filter(({ depth, data }) => depth === 0 && data);
  const clusters = new Set<number>();
  for (const { start, length } of own) {
    for (let at = Math.floor(start / clusterBytes); at * clusterBytes < start + length; at++) clusters.add(at);
  }
  const check = JSON.parse(run('qemu-img', 'check', '--output=json', top)) as { 'image-end-offset': number };
  return {
    dataBytes: own.reduce((sum, { length }) => sum + length, 0),
    metadataBytes: check['image-end-offset'] - clusters.size * clusterBytes,
  };
}

interface MapEntry {
  readonly start: number;
  readonly length: number;
  readonly depth: number;
  readonly data: boolean;
}

function diskWrites({ image, files }: Writes): [from: number, bytes: number][] {
  const wholeBlocks = (offset: number, length: number): [number, number] => {
    const from = Math.floor(offset / BLOCK) * BLOCK;
    return [from, Math.ceil((offset + length) / BLOCK) * BLOCK - from];
  };
  let end = IMAGE_BYTES;
  const behind = files.map((length) => {
    const place = wholeBlocks(end, length);
    end += place[1];
    return place;
  });
  return [...image.map(([offset, length]) => wholeBlocks(offset, length)), ...behind];
}
