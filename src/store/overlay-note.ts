/**
 * What a store remembers of the upper directory of a container beside the log: `<store>/overlays/<container id>.json`. Without
 * it nothing is lost: the upper is then compared with the log as a whole.
 */

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

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

export function writeOverlayNote(store: string, container: string, { seq, timeNs }: OverlayNote): void {
  const path = pathOf(store, container);
  mkdirSync(join(store, 'overlays'), { recursive: true });
  writeFileSync(`${path}.tmp`, JSON.stringify({ seq, timeNs: timeNs === null ? null : String(timeNs) }));
  renameSync(`${path}.tmp`, path);
}

export const removeOverlayNote = (store: string, container: string): void =>
  rmSync(pathOf(store, container), { force: true });

interface NoteText {
  readonly seq: number;
  readonly timeNs: string | null;
}

const pathOf = (store: string, container: string): string => join(store, 'overlays', `${container}.json`);
