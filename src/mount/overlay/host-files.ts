import { closeSync, constants, openSync } from 'node:fs';
import { hostPath } from '../../engine/bind-mirror-scan.ts';
import type { Ino } from '../../events/event.ts';

interface Opened {
  readonly descriptor: number;
  readonly isUpper: boolean;
}

/** Descriptors of the host's files behind open files of the mount: one a node, for as long as somebody has it open. */
export class HostFiles {
  readonly #opened = new Map<Ino, Opened>();

  /** Of a file in the upper, for reading and writing. */
  upper(ino: Ino, path: () => string): number {
    const opened = this.#opened.get(ino);
    if (opened?.isUpper) return opened.descriptor;
    this.close(ino);
    return this.#add(ino, openQuietly(path(), constants.O_RDWR), true);
  }

  /** Of lower data, for reading. */
  lower(ino: Ino, path: string): number {
    const opened = this.#opened.get(ino);
    if (opened !== undefined && !opened.isUpper) return opened.descriptor;
    this.close(ino);
    return this.#add(ino, openQuietly(path, constants.O_RDONLY), false);
  }

  /** The descriptor of a file in the upper, if there is one. */
  upperIfOpen(ino: Ino): number | null {
    const opened = this.#opened.get(ino);
    return opened?.isUpper ? opened.descriptor : null;
  }

  /** Keeps a descriptor that was opened elsewhere. */
  adopt(ino: Ino, descriptor: number): void {
    this.close(ino);
    this.#add(ino, descriptor, true);
  }

  close(ino: Ino): void {
    const opened = this.#opened.get(ino);
    if (opened === undefined) return;
    closeSync(opened.descriptor);
    this.#opened.delete(ino);
  }

  closeAll(): void {
    for (const { descriptor } of this.#opened.values()) closeSync(descriptor);
    this.#opened.clear();
  }

  #add(ino: Ino, descriptor: number, isUpper: boolean): number {
    this.#opened.set(ino, { descriptor, isUpper });
    return descriptor;
  }
}

/** Reading leaves the access time alone: only the file's owner may ask for that, and root. */
function openQuietly(path: string, flags: number): number {
  try {
    return openSync(hostPath(path), flags | constants.O_NOATIME);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    return openSync(hostPath(path), flags);
  }
}
