import { closeSync, constants, openSync } from 'node:fs';
import { hostPath } from '../../engine/bind-mirror-scan.ts';
import type { Ino } from '../../events/event.ts';

/**
 * Descriptors of the host's files behind open files of the mount: for each node one of its file in the upper and one of its data in
 * a lower, as they are asked for, for as long as somebody has it open. A file that has its attributes in the upper and its data
 * below has both.
 */
export class HostFiles {
  readonly #upper = new Map<Ino, number>();
  readonly #lower = new Map<Ino, number>();

  /** Of a file in the upper, for reading and writing. */
  upper(ino: Ino, path: () => string): number {
    return this.#upper.get(ino) ?? add(this.#upper, ino, openQuietly(path(), constants.O_RDWR));
  }

  /** Of a directory in the upper. */
  directory(ino: Ino, path: () => string): number {
    return (
      this.#upper.get(ino) ?? add(this.#upper, ino, openQuietly(path(), constants.O_RDONLY | constants.O_DIRECTORY))
    );
  }

  /** Of lower data, for reading. */
  lower(ino: Ino, path: string): number {
    return this.#lower.get(ino) ?? add(this.#lower, ino, openQuietly(path, constants.O_RDONLY));
  }

  /** The descriptor of a file in the upper, if there is one. */
  upperIfOpen(ino: Ino): number | null {
    return this.#upper.get(ino) ?? null;
  }

  /** Keeps a descriptor that was opened elsewhere, of a file in the upper. */
  adopt(ino: Ino, descriptor: number): void {
    this.close(ino);
    add(this.#upper, ino, descriptor);
  }

  /** The data is in the upper from now on. */
  closeLower(ino: Ino): void {
    close(this.#lower, ino);
  }

  close(ino: Ino): void {
    close(this.#upper, ino);
    close(this.#lower, ino);
  }

  closeAll(): void {
    for (const files of [this.#upper, this.#lower]) {
      for (const descriptor of files.values()) closeSync(descriptor);
      files.clear();
    }
  }
}

function add(files: Map<Ino, number>, ino: Ino, descriptor: number): number {
  files.set(ino, descriptor);
  return descriptor;
}

function close(files: Map<Ino, number>, ino: Ino): void {
  const descriptor = files.get(ino);
  if (descriptor === undefined) return;
  closeSync(descriptor);
  files.delete(ino);
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
