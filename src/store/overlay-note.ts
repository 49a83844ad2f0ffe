/**
 * What a store remembers of the upper directory of a container beside the log: `<store>/overlays/<container id>.json`. Without
 * it nothing is lost: the upper is then compared with the log as a whole.
 */

import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface OverlayNote {
  /** Head of the log when container and upper were the same. */
  readonly seq: number;
  /** A moment of the upper's file system then, ns since 1970; null: it is being served, or its server has died. */
  readonly timeNs: bigint | null;
}

/** null: there is none, or power was lost while it was written. */
export function readOverlayNote(store: string, container: string): OverlayNote | null {
  try {
    const { seq, timeNs } = JSON.parse(readFileSync(pathOf(store, container), 'utf8')) as NoteText;
    return { seq, timeNs: timeNs === null ? null : BigInt(timeNs) };
  } catch {
    return null;
  }
}

/** It is on the disk when this returns: one that is older than what it speaks of would be believed. */
export function writeOverlayNote(store: string, container: string, { seq, timeNs }: OverlayNote): void {
  const path = pathOf(store, container);
  mkdirSync(join(store, 'overlays'), { recursive: true });
  const file = openSync(`${path}.tmp`, 'w', 0o600);
  try {
    writeSync(file, JSON.stringify({ seq, timeNs: timeNs === null ? null : String(timeNs) }));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.tmp`, path);
  const folder = openSync(dirname(path), 'r');
  fsyncSync(folder);
  closeSync(folder);
}

export const removeOverlayNote = (store: string, container: string): void =>
  rmSync(pathOf(store, container), { force: true });

interface NoteText {
  readonly seq: number;
  readonly timeNs: string | null;
}

const pathOf = (store: string, container: string): string => join(store, 'overlays', `${container}.json`);
