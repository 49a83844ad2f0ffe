import { readSync } from 'node:fs';
import { REQUEST_BYTES_MAX } from './protocol.ts';

/** What a read gives in place of a length: there is nothing more to serve. */
export const UNMOUNTED = -1;
/** What a read gives in place of a length: no request. */
export const NOTHING = 0;

/** Reads the requests of a mount from the kernel's door, one after the other. */
export interface RequestReader {
  /** Begins with the request that was read last. */
  readonly bytes: Buffer;
  /** Looks for a request that comes soon. @returns Its length, {@link NOTHING} where none has come, or {@link UNMOUNTED}. */
  look(): number;
  /** Sleeps until there is one. @returns Its length, {@link NOTHING} where it has to be repeated, or {@link UNMOUNTED}. */
  read(): number;
}

/** Sleeps for every request. */
export class SleepingReader implements RequestReader {
  readonly bytes = Buffer.from(new ArrayBuffer(REQUEST_BYTES_MAX));
  readonly #device: number;

  /** @param device - An open descriptor of /dev/fuse. */
  constructor(device: number) {
    this.#device = device;
  }

  look(): number {
    return NOTHING;
  }

  read(): number {
    try {
      return readSync(this.#device, this.bytes, 0, this.bytes.length, null);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENODEV' || code === 'ECONNABORTED') return UNMOUNTED;
      if (code === 'ENOENT' || code === 'EINTR' || code === 'EAGAIN') return NOTHING;
      throw error;
    }
  }
}
