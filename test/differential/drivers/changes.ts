/**
 * Changes that are made twice: on a real file system with node:fs, and in a container, whose `fs` has the same calls. What both
 * then hold is compared.
 */

import type { Container } from '../../../src/index.ts';

export type FileCalls = Pick<
  Container['fs'],
  | 'appendFileSync'
  | 'chmodSync'
  | 'closeSync'
  | 'linkSync'
  | 'mkdirSync'
  | 'openSync'
  | 'renameSync'
  | 'truncateSync'
  | 'unlinkSync'
  | 'writeFileSync'
  | 'writeSync'
>;

/** Files of the image: name, bytes. */
export const IMAGE_FILES: Readonly<Record<string, number>> = {
  'aligned.bin': 8 * 2 ** 20,
  'odd.bin': 10_000_000,
  'page.bin': 4096,
  'small.txt': 100,
  'middle.txt': 5000,
  'data/deep.bin': 1_000_000,
};

/** A file of the image with holes: its size, and where it has data. */
export const SPARSE = { name: 'sparse.bin', size: 3_000_000, data: [0, 2_500_000], dataBytes: 5000 } as const;

/** Bytes that differ from file to file, so that nothing is shared by accident. */
export const contentOf = (name: string, size: number): Buffer => {
  const bytes = Buffer.alloc(size);
  let state = Buffer.from(name).reduce((sum, byte) => Math.imul(sum, 31) + byte, 7) >>> 0;
  for (let at = 0; at < size; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
};

type Change = (fs: FileCalls, root: string) => void;

function writeAt(fs: FileCalls, path: string, ...writes: readonly (readonly [offset: number, length: number])[]): void {
  const fd = fs.openSync(path, 'r+');
  for (const [offset, length] of writes) fs.writeSync(fd, Buffer.alloc(length, 'w'), 0, length, offset);
  fs.closeSync(fd);
}

/** Each on a fresh container. */
export const CHANGES: readonly (readonly [title: string, change: Change])[] = [
  ['nothing', () => {}],
  ['one byte in the middle', (fs, root) => writeAt(fs, `${root}/odd.bin`, [5_000_000, 1])],
  ['one byte behind an odd end', (fs, root) => fs.appendFileSync(`${root}/odd.bin`, 'x')],
  ['one byte behind an even end', (fs, root) => fs.appendFileSync(`${root}/aligned.bin`, 'x')],
  ['a whole block', (fs, root) => writeAt(fs, `${root}/aligned.bin`, [40_960, 4096])],
  ['a megabyte across blocks', (fs, root) => writeAt(fs, `${root}/aligned.bin`, [1_000_001, 1_048_576])],
  ['the same block twice', (fs, root) => writeAt(fs, `${root}/aligned.bin`, [0, 10], [100, 10])],
  [
    'a block here and a block there',
    (fs, root) => writeAt(fs, `${root}/aligned.bin`, [0, 1], [2 ** 20, 1], [2 ** 22, 1]),
  ],
  ['chmod', (fs, root) => fs.chmodSync(`${root}/aligned.bin`, 0o600)],
  ['chmod of a file with an odd end', (fs, root) => fs.chmodSync(`${root}/odd.bin`, 0o600)],
  ['chmod of a file with holes', (fs, root) => fs.chmodSync(`${root}/sparse.bin`, 0o600)],
  ['one byte into a hole', (fs, root) => writeAt(fs, `${root}/sparse.bin`, [1_000_000, 1])],
  ['one byte in front of a hole', (fs, root) => writeAt(fs, `${root}/sparse.bin`, [100, 1])],
  ['a truncation within a hole', (fs, root) => fs.truncateSync(`${root}/sparse.bin`, 1_500_000)],
  ['opening for writing', (fs, root) => writeAt(fs, `${root}/data/deep.bin`)],
  ['a truncation within a block', (fs, root) => fs.truncateSync(`${root}/odd.bin`, 5000)],
  ['a truncation between blocks', (fs, root) => fs.truncateSync(`${root}/aligned.bin`, 8192)],
  ['a truncation to nothing', (fs, root) => fs.truncateSync(`${root}/odd.bin`, 0)],
  ['a file made longer', (fs, root) => fs.truncateSync(`${root}/aligned.bin`, 2 ** 24)],
  ['a file with an odd end made longer', (fs, root) => fs.truncateSync(`${root}/odd.bin`, 2 ** 24)],
  ['a write far behind an odd end', (fs, root) => writeAt(fs, `${root}/odd.bin`, [11_000_000, 10])],
  [
    'a file cut within a block and made longer',
    (fs, root) => {
      fs.truncateSync(`${root}/aligned.bin`, 10_000);
      fs.truncateSync(`${root}/aligned.bin`, 20_000);
    },
  ],
  ['a file written anew', (fs, root) => fs.writeFileSync(`${root}/odd.bin`, Buffer.alloc(20_000, 'n'))],
  ['one page', (fs, root) => writeAt(fs, `${root}/page.bin`, [4095, 1])],
  ['two pages', (fs, root) => writeAt(fs, `${root}/middle.txt`, [4090, 20])],
  ['a new file', (fs, root) => fs.writeFileSync(`${root}/new.bin`, contentOf('new', 123_456))],
  [
    'a new file, and then another byte',
    (fs, root) => {
      fs.writeFileSync(`${root}/new.bin`, contentOf('new', 12_345));
      fs.appendFileSync(`${root}/new.bin`, 'x');
    },
  ],
  [
    'a new file with a hole',
    (fs, root) => {
      fs.writeFileSync(`${root}/sparse.bin`, 'start'.repeat(1000));
      fs.truncateSync(`${root}/sparse.bin`, 1_000_000);
      writeAt(fs, `${root}/sparse.bin`, [900_000, 5000]);
    },
  ],
  ['a file removed', (fs, root) => fs.unlinkSync(`${root}/odd.bin`)],
  [
    'a new file removed',
    (fs, root) => {
      fs.writeFileSync(`${root}/new.bin`, contentOf('new', 50_000));
      fs.unlinkSync(`${root}/new.bin`);
    },
  ],
  ['a rename', (fs, root) => fs.renameSync(`${root}/data/deep.bin`, `${root}/moved.bin`)],
  [
    'a hard link that is written',
    (fs, root) => {
      fs.linkSync(`${root}/aligned.bin`, `${root}/twin.bin`);
      writeAt(fs, `${root}/twin.bin`, [4096, 1]);
    },
  ],
];
