import type { LogFileSystem } from '../../src/storage/file/log-file-system.ts';
import { errno } from './simulated-disk.ts';

/** A call of the log's file system, as it was made. */
export type CallName = keyof LogFileSystem;

/** How the nth call of some kinds fails. */
export interface Fault {
  readonly calls: readonly CallName[];
  /** From 1; later ones fail too, unless `once`. */
  readonly nth: number;
  readonly code: string;
  readonly once?: boolean;
  /** Of a write: this many bytes are written first, as on a disk that fills up. */
  readonly shortBytes?: number;
  /** Only calls about files with this in their path. */
  readonly within?: string;
}

/** Passes calls on to a disk, counts them and lets some fail. */
export class FailingDisk {
  readonly calls: CallName[] = [];
  readonly files: LogFileSystem;
  #matched = 0;
  readonly #paths = new Map<number, string>();
  readonly #disk: LogFileSystem;
  readonly #fault: Fault | null;

  constructor(disk: LogFileSystem, fault: Fault | null) {
    this.#disk = disk;
    this.#fault = fault;
    const call =
      <A extends unknown[], R>(name: CallName, run: (...args: A) => R) =>
      (...args: A): R => {
        const [first] = args as unknown as [string | number];
        const path = typeof first === 'number' ? this.#paths.get(first) : first;
        this.calls.push(name);
        const due = this.#due(name, path);
        if (due !== null) this.#fail(due, name, run, args);
        const answer = run.apply(disk, args);
        if (name === 'openSync') this.#paths.set(answer as number, first as string);
        return answer;
      };
    this.files = {
      openSync: call('openSync', disk.openSync),
      closeSync: call('closeSync', disk.closeSync),
      readSync: call('readSync', disk.readSync),
      writeSync: call('writeSync', disk.writeSync),
      fdatasyncSync: call('fdatasyncSync', disk.fdatasyncSync),
      fdatasync: (fd, done) => {
        this.calls.push('fdatasync');
        const due = this.#due('fdatasync', this.#paths.get(fd));
        if (due === null) disk.fdatasync(fd, done);
        else setImmediate(() => done(errno(due.code, String(fd))));
      },
      fsyncSync: call('fsyncSync', disk.fsyncSync),
      ftruncateSync: call('ftruncateSync', disk.ftruncateSync),
      sizeSync: call('sizeSync', disk.sizeSync),
      readFileSync: call('readFileSync', disk.readFileSync),
      readdirSync: call('readdirSync', disk.readdirSync),
      mkdirSync: call('mkdirSync', disk.mkdirSync),
      renameSync: call('renameSync', disk.renameSync),
      linkSync: call('linkSync', disk.linkSync),
      unlinkSync: call('unlinkSync', disk.unlinkSync),
    };
  }

  /** How many calls there were that could have failed. */
  get matched(): number {
    return this.#matched;
  }

  #due(name: CallName, path = ''): Fault | null {
    const fault = this.#fault;
    if (fault === null || !fault.calls.includes(name) || !path.includes(fault.within ?? '')) return null;
    this.#matched++;
    if (this.#matched < fault.nth || (fault.once === true && this.#matched > fault.nth)) return null;
    return fault;
  }

  #fail<A extends unknown[]>(fault: Fault, name: CallName, run: (...args: A) => unknown, args: A): void {
    if (name === 'writeSync' && fault.shortBytes !== undefined && this.#matched === fault.nth) {
      const [fd, buffer, offset, length, position] = args as unknown as [number, Buffer, number, number, number];
      if (length > fault.shortBytes)
        run.apply(this.#disk, [fd, buffer, offset, fault.shortBytes, position] as unknown as A);
    }
    throw errno(fault.code, name);
  }
}
