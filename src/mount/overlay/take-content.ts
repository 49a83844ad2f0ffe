/** Content of a file of the upper as events: the stretches that differ from what the tree has. */

import { closeSync, openSync, readSync } from 'node:fs';
import { hostPath } from '../../engine/bind-mirror-scan.ts';
import type { Engine } from '../../engine/engine.ts';
import { contentRuns } from '../../engine/layer-writer-content.ts';
import { CHUNK_BYTES_MAX } from '../../events/chunk-store.ts';
import type { FileEvent, Ino } from '../../events/event.ts';
import { readContent } from '../../projections/tree/content.ts';
import type { Inode } from '../../projections/tree/inode.ts';

export interface ContentToTake {
  readonly ino: Ino;
  /** As the tree has it now. */
  readonly present: () => Inode;
  /** As the upper has it. */
  readonly wanted: Inode;
  /** Its file on the host; null: it has no data. */
  readonly path: string | null;
  readonly engine: Engine;
  readonly commit: (event: FileEvent) => void;
}

/** Compares piece by piece. A hole stays one where the tree has nothing either. */
export function takeContent({ ino, present, wanted, path, engine, commit }: ContentToTake): void {
  const isEmpty = present().content === null;
  if (present().size !== wanted.size) commit({ type: 'Truncated', ino, size: wanted.size, timeNs: null });
  if (wanted.size === 0) return;
  const file = path === null ? null : openSync(hostPath(path), 'r');
  const [there, here] = [Buffer.alloc(CHUNK_BYTES_MAX), Buffer.alloc(CHUNK_BYTES_MAX)];
  try {
    for (const [from, to] of isEmpty ? stretchesOf(wanted) : [[0, wanted.size] as const]) {
      for (let at = from; at < to; at += CHUNK_BYTES_MAX) {
        const length = Math.min(CHUNK_BYTES_MAX, to - at);
        readStretch(file, there, at, length);
        readContent(present().content, engine.log.chunks, at, here, 0, length);
        const bytes = there.subarray(0, length);
        if (!isEmpty && bytes.equals(here.subarray(0, length))) continue;
        const pieces = [engine.putChunk(bytes), 0, length];
        commit({ type: 'Written', ino, offset: at, length, pieces, timeNs: null });
      }
    }
  } finally {
    if (file !== null) closeSync(file);
  }
}

/** Fills the start of a buffer; what the file does not have any more are zeros. */
function readStretch(file: number | null, buffer: Buffer, at: number, length: number): void {
  buffer.fill(0, 0, length);
  if (file === null) return;
  for (let done = 0; done < length;) {
    const read = readSync(file, buffer, done, length - done, at + done);
    if (read === 0) return;
    done += read;
  }
}

const stretchesOf = (wanted: Inode): (readonly [number, number])[] =>
  contentRuns(wanted).map(({ offset, length }) => [offset, offset + length]);
