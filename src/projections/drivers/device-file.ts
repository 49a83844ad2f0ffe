/** Where the blocks of a file lie on a device: runs of (block of the file, block of the device, count), in order. */

import type { StateReader, StateWriter } from './state-bytes.ts';

export type Runs = readonly number[];

export const NO_RUNS: Runs = [];

/** Both numbers of a run follow those of the run before more often than not. */
export function encodeRuns(writer: StateWriter, runs: Runs): void {
  let [fileEnd, deviceEnd] = [0, 0];
  writer.varint(runs.length / 3);
  for (let run = 0; run < runs.length; run += 3) {
    const [fileBlock, deviceBlock, count] = [runs[run], runs[run + 1], runs[run + 2]];
    writer.varint(fileBlock - fileEnd);
    writer.signed(deviceBlock - deviceEnd);
    writer.varint(count);
    fileEnd = fileBlock + count;
    deviceEnd = deviceBlock + count;
  }
}

export function decodeRuns(reader: StateReader): Runs {
  const runs: number[] = [];
  let [fileEnd, deviceEnd] = [0, 0];
  for (let left = reader.varint(); left > 0; left--) {
    const fileBlock = fileEnd + reader.varint();
    const deviceBlock = deviceEnd + reader.signed();
    const count = reader.varint();
    runs.push(fileBlock, deviceBlock, count);
    fileEnd = fileBlock + count;
    deviceEnd = deviceBlock + count;
  }
  return runs;
}

/** Visits `[from, end)` of a file's blocks in stretches: each mapped to a device block, or -1 where nothing is. */
export function forEachStretch(
  runs: Runs,
  from: number,
  end: number,
  visit: (fileBlock: number, deviceBlock: number, count: number) => void,
): void {
  let at = from;
  for (let run = firstRunBehind(runs, from); run < runs.length && at < end; run += 3) {
    const start = runs[run];
    if (start > at) {
      const hole = Math.min(start, end) - at;
      visit(at, -1, hole);
      at += hole;
      if (at >= end) return;
    }
    const count = Math.min(start + runs[run + 2], end) - at;
    visit(at, runs[run + 1] + (at - start), count);
    at += count;
  }
  if (at < end) visit(at, -1, end - at);
}

/** Index of the first run that ends behind a block. */
function firstRunBehind(runs: Runs, block: number): number {
  let low = 0;
  let high = runs.length / 3;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (runs[middle * 3] + runs[middle * 3 + 2] > block) high = middle;
    else low = middle + 1;
  }
  return low * 3;
}

/** With one more run, in its place; nothing else is there. */
export function withRun(runs: Runs, fileBlock: number, deviceBlock: number, count: number): Runs {
  const place = firstRunBehind(runs, fileBlock);
  const before = place - 3;
  const isNext =
    before >= 0 && runs[before] + runs[before + 2] === fileBlock && runs[before + 1] + runs[before + 2] === deviceBlock;
  const result = runs.slice();
  if (isNext) result[before + 2] += count;
  else result.splice(place, 0, fileBlock, deviceBlock, count);
  return result;
}

/** Without the blocks `[from, end)`; `freed` is told where they were. */
export function withoutBlocks(
  runs: Runs,
  from: number,
  end: number,
  freed: (deviceBlock: number, count: number) => void,
): Runs {
  const result: number[] = [];
  for (let run = 0; run < runs.length; run += 3) {
    const [start, device, count] = [runs[run], runs[run + 1], runs[run + 2]];
    const head = Math.max(0, Math.min(count, from - start));
    const tail = Math.max(0, Math.min(count, start + count - end));
    if (head > 0) result.push(start, device, head);
    if (head + tail < count) freed(device + head, count - head - tail);
    if (tail > 0) result.push(start + count - tail, device + count - tail, tail);
  }
  return result;
}
