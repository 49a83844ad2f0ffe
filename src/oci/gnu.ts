import { TAR_BLOCK_BYTES } from './tar-header.ts';
import { readDecimal, readTarNumber } from './tar-numbers.ts';

/**
 * Holes in files, as GNU tar writes them (tar manual, "Storing Sparse Files").
 *
 * A sparse map is a flat list: offset and length of each data extent in the file, ascending. The archive stores the extents
 * one after another; what lies between them is zeros.
 *
 * - old GNU (`S`): 4 extents in the header at 386, a flag at 482 says that blocks with 21 more follow (flag at 504); the file's
 *   size is at 483.
 * - PAX 0.0 repeats two keys; 0.1 has one record `offset,length,…`; 1.0 puts decimal lines in front of the data: the number of
 *   extents, then offsets and lengths, padded to whole blocks.
 */
export type SparseMap = number[];

/** What the header of an old GNU sparse file says. */
export interface OldGnuSparse {
  readonly map: SparseMap;
  readonly realSize: number;
  readonly isExtended: boolean;
}

/** Reads the sparse part of a GNU header block; a string says what is wrong. */
export function readOldGnuSparse(block: Buffer): OldGnuSparse | string {
  const map: SparseMap = [];
  const fault = readExtents(block, 386, 4, map);
  if (fault !== null) return fault;
  const realSize = readTarNumber(block, 483, 12);
  if (Number.isNaN(realSize) || realSize < 0) return 'the size of a sparse file is not a number';
  return { map, realSize, isExtended: block[482] !== 0 };
}

/** Adds the extents of an extension block to `map`; returns whether another block follows, or what is wrong. */
export function readOldGnuSparseBlock(block: Buffer, map: SparseMap): boolean | string {
  const fault = readExtents(block, 0, 21, map);
  return fault ?? block[504] !== 0;
}

function readExtents(block: Buffer, start: number, count: number, map: SparseMap): string | null {
  for (let at = start; at < start + 24 * count; at += 24) {
    if (block[at] === 0) return null; // an unused slot ends the list
    const offset = readTarNumber(block, at, 12);
    const length = readTarNumber(block, at + 12, 12);
    if (Number.isNaN(offset) || Number.isNaN(length)) return 'the sparse map holds something else than numbers';
    map.push(offset, length);
  }
  return null;
}

/** Reads the map of PAX format 0.1; a string says what is wrong. */
export function readSparseMap01(text: string): SparseMap | string {
  if (text === '') return [];
  const map = text.split(',').map(readDecimal);
  if (map.some(Number.isNaN) || map.length % 2 !== 0) return 'the PAX sparse map is not a list of number pairs';
  return map;
}

/** Reads the map of PAX format 1.0, block by block. */
export class SparseMap10Reader {
  readonly map: SparseMap = [];
  #text = '';
  #numbersLeft = -1;
  readonly #extentsMax: number;

  constructor(extentsMax: number) {
    this.#extentsMax = extentsMax;
  }

  /** Takes the next block. Returns whether the map is complete (the rest of the block is padding), or what is wrong. */
  push(block: Buffer): boolean | string {
    this.#text += block.toString('latin1', 0, TAR_BLOCK_BYTES);
    let at = 0;
    for (;;) {
      const end = this.#text.indexOf('\n', at);
      if (end === -1) break;
      const number = readDecimal(this.#text.slice(at, end));
      if (Number.isNaN(number)) return BAD_MAP;
      at = end + 1;
      if (this.#numbersLeft === -1) {
        if (number > this.#extentsMax) return 'the sparse map has too many extents';
        this.#numbersLeft = 2 * number;
      } else {
        this.map.push(number);
        this.#numbersLeft--;
      }
      if (this.#numbersLeft === 0) return true;
    }
    this.#text = this.#text.slice(at);
    return this.#text.length > 16 ? BAD_MAP : false;
  }
}

const BAD_MAP = 'the sparse map in front of the data is not a list of numbers';

/** Checks that extents ascend, lie in the file and add up to what is stored; returns null or what is wrong. */
export function sparseFault(map: SparseMap, realSize: number, storedSize: number): string | null {
  let end = 0;
  let sum = 0;
  for (let index = 0; index < map.length; index += 2) {
    const offset = map[index];
    const length = map[index + 1];
    if (offset < end || length < 0) return 'the extents of a sparse file overlap or are out of order';
    end = offset + length;
    sum += length;
    if (!Number.isSafeInteger(end) || end > realSize) return 'an extent of a sparse file lies beyond its end';
  }
  return sum === storedSize ? null : 'the extents of a sparse file do not add up to the bytes stored for it';
}
