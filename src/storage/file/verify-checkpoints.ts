/**
 * Goes through whatever lies beside the segments of a log: checkpoints, index files and kept results, every byte of them.
 *
 * Nothing is lost by damage there, and whoever reads notices it. But a disk that changes a bit here changes the next one
 * in the log.
 */

import { hash } from 'node:crypto';
import { join } from 'node:path';
import { crc32 } from '../crc32.ts';
import { CHECKPOINT_FOLDER, FOOTER_BYTES, FORMAT, HEADER_BYTES, MAGIC } from './checkpoint-files.ts';
import { isErrno, type LogFileSystem, nodeFileSystem } from './log-file-system.ts';
import { damageOfResult, RESULT_SUFFIX } from './result-files.ts';
import { damageOfIndex } from './segment-index.ts';

export interface CheckpointDamage {
  /** Relative to the store. */
  readonly file: string;
  readonly what: string;
}

/** Files that are not what was written. Those of other versions of overlog are passed over. Takes no lock. */
export function verifyCheckpoints(
  directory: string,
  options: { readonly fileSystem?: LogFileSystem } = {},
): CheckpointDamage[] {
  const files = options.fileSystem ?? nodeFileSystem;
  const damages: CheckpointDamage[] = [];
  for (const name of orNothing(() => files.readdirSync(join(directory, CHECKPOINT_FOLDER)))?.sort() ?? []) {
    const damageOf = DAMAGES.find(([suffix]) => name.endsWith(suffix))?.[1];
    if (damageOf === undefined) continue;
    // A writer replaces checkpoints while this goes on.
    const bytes = orNothing(() => files.readFileSync(join(directory, CHECKPOINT_FOLDER, name)));
    const what = bytes === null ? null : damageOf(bytes);
    if (what !== null) damages.push({ file: `${CHECKPOINT_FOLDER}/${name}`, what });
  }
  return damages;
}

/** By the end of the file's name. */
const DAMAGES: readonly (readonly [suffix: string, damageOf: (bytes: Buffer) => string | null])[] = [
  ['.ckpt', damageOfCheckpoint],
  ['.index', damageOfIndex],
  [RESULT_SUFFIX, damageOfResult],
];

function damageOfCheckpoint(bytes: Buffer): string | null {
  if (bytes.length < HEADER_BYTES + FOOTER_BYTES) return 'it ends too early';
  const isMarked = bytes.subarray(0, MAGIC.length).equals(MAGIC);
  const format = bytes.readUInt32LE(MAGIC.length);
  const footer = bytes.subarray(-FOOTER_BYTES);
  const sum = crc32(bytes, 0, bytes.length - FOOTER_BYTES);
  const isWhole = sum === footer.readUInt32LE(4);
  if (!isMarked) return 'it does not begin as a checkpoint';
  // A changed version is told from another one by the checksum.
  if (format !== FORMAT)
    return isWhole || sumAs(bytes, FORMAT) !== footer.readUInt32LE(4) ? null : 'its version was changed';
  if (!isWhole) return 'it does not match its checksum';
  const start = footer.readUInt32LE(0);
  const end = bytes.length - FOOTER_BYTES;
  if (start + 4 > end || start + 4 + bytes.readUInt32LE(start) !== end)
    return 'it does not say where its last record is';
  const meta = bytes.subarray(start + 4, end);
  return hash('sha256', meta, 'buffer').equals(footer.subarray(8)) ? null : 'its last record is not what was stored';
}

/** The checksum as it would be with that version. */
function sumAs(bytes: Buffer, format: number): number {
  const copy = Buffer.from(bytes);
  copy.writeUInt32LE(format, MAGIC.length);
  return crc32(copy, 0, copy.length - FOOTER_BYTES);
}

function orNothing<T>(run: () => T): T | null {
  try {
    return run();
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  }
}
