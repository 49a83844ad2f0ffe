/**
 * A tar put into a directory of a container, as `docker cp - CONTAINER:DIR` does it (moby v20.10.24, pkg/archive/archive.go Untar
 * and createTarFile). What Docker refuses is refused, in its words.
 */

import { dirname, join, normalize } from 'node:path/posix';
import { formatBits, makeDevice, PERMISSION_BITS } from '../events/mode.ts';
import { printableName } from '../events/name.ts';
import { storeError } from '../events/log-error.ts';
import type { OverlogFs } from '../engine/fs/overlog-fs.ts';
import { sourceError } from '../oci/source-place.ts';
import type { SpooledTar } from '../oci/spooled-tar.ts';
import type { TarEntry } from '../oci/tar-entry.ts';
import type { TarHandler } from '../oci/tar-reader.ts';

const TIME_NS_MAX = 2n ** 63n - 1n;

/**
 * Puts the entries of a tar below a directory, with owners, modes, times and attributes. A directory that is there stays and takes
 * what is in the entry's; anything else is replaced. When an entry is refused, those before it stay.
 *
 * @param directory - A directory of `fs`; absolute.
 * @returns How many entries were taken.
 * @throws StoreError `ERR_OCI_CORRUPT` for an entry that leads out of the directory, `ERR_CONFLICT` for a directory over something
 *   else or the other way round; what the calls of `fs` throw.
 */
export function extractTar(fs: OverlogFs, directory: string, tar: SpooledTar): number {
  const extraction = new Extraction(fs, directory, tar.file);
  try {
    tar.read(extraction);
    extraction.end();
    return extraction.entries;
  } finally {
    extraction.close();
  }
}

class Extraction implements TarHandler {
  entries = 0;
  readonly #fs: OverlogFs;
  readonly #directory: string;
  readonly #file: string;
  /** Making what is in them changes their times. */
  readonly #directories: { readonly path: string; readonly entry: TarEntry }[] = [];
  #open: { readonly fd: number; readonly path: string; readonly entry: TarEntry; offset: number } | null = null;

  constructor(fs: OverlogFs, directory: string, file: string) {
    this.#fs = fs;
    this.#directory = normalize(directory).replace(/(?<=.)\/$/, '');
    this.#file = file;
  }

  entry(entry: TarEntry): boolean {
    this.#finishFile();
    const path = this.#inside(join(this.#directory, entry.path), entry, `"${printableName(entry.path)}" is outside`);
    if (path === this.#directory) return false;
    this.entries++;
    this.#fs.mkdirSync(dirname(path), { recursive: true });
    this.#makeRoom(path, entry);
    return this.#make(path, entry);
  }

  data(bytes: Uint8Array): void {
    const open = this.#open;
    if (open === null) return;
    for (let done = 0; done < bytes.byteLength;) {
      const left = bytes.byteLength - done;
      done += this.#fs.writeSync(open.fd, bytes, done, left, open.offset + done);
    }
    open.offset += bytes.byteLength;
  }

  hole(length: number): void {
    if (this.#open !== null) this.#open.offset += length;
  }

  end(): void {
    this.#finishFile();
    for (const { path, entry } of this.#directories.splice(0).toReversed()) this.#setTime(path, entry);
  }

  /** Lets go of a file that is not whole. */
  close(): void {
    if (this.#open !== null) this.#fs.closeSync(this.#open.fd);
    this.#open = null;
  }

  /** Whether an entry's file, or what a link names, is below the directory goes by the text, as Docker does it. */
  #inside(path: string, entry: TarEntry, message: string): string {
    const whole = path.replace(/(?<=.)\/+$/, '');
    const root = this.#directory === '/' ? '/' : `${this.#directory}/`;
    if (whole === this.#directory || whole.startsWith(root)) return whole;
    throw sourceError('ERR_OCI_CORRUPT', `${message} of "${printableName(this.#directory)}"`, {
      file: this.#file,
      entry: entry.path,
      ordinal: entry.ordinal,
      offset: entry.headerOffset,
    });
  }

  #makeRoom(path: string, entry: TarEntry): void {
    const there = this.#fs.lstatSync(path, { throwIfNoEntry: false });
    if (there === undefined) return;
    const [isThere, isDirectory] = [there.isDirectory(), entry.kind === 'dir'];
    const at = `"${printableName(path)}"`;
    if (isThere && !isDirectory) throw conflict(`cannot overwrite directory ${at} with non-directory`, path);
    if (!isThere && isDirectory) throw conflict(`cannot overwrite non-directory ${at} with directory`, path);
    if (!isThere) this.#fs.unlinkSync(path);
  }

  #make(path: string, entry: TarEntry): boolean {
    const fs = this.#fs;
    switch (entry.kind) {
      case 'file':
        this.#open = { fd: fs.openSync(path, 'wx', 0o600), path, entry, offset: 0 };
        return true;
      case 'dir':
        if (fs.lstatSync(path, { throwIfNoEntry: false }) === undefined) fs.mkdirSync(path);
        this.#directories.push({ path, entry });
        break;
      case 'hardlink': {
        const [link, target] = [printableName(path), printableName(entry.target)];
        const told = `invalid hardlink "${link}" -> "${target}": it is outside`;
        fs.linkSync(this.#inside(join(this.#directory, entry.target), entry, told), path);
        return false; // the file has its attributes already
      }
      case 'symlink': {
        const [link, target] = [printableName(path), printableName(entry.target)];
        this.#inside(
          join(dirname(path), entry.target),
          entry,
          `invalid symlink "${link}" -> "${target}": it is outside`,
        );
        fs.symlinkSync(entry.target, path);
        break;
      }
      case 'chr':
      case 'blk':
      case 'fifo':
        fs.linux.mknodSync(path, formatBits(entry.kind) | 0o600, makeDevice(entry.major, entry.minor));
    }
    this.#setAttributes(path, entry);
    return false;
  }

  #finishFile(): void {
    const open = this.#open;
    if (open === null) return;
    this.#open = null;
    try {
      this.#fs.ftruncateSync(open.fd, open.entry.size);
    } finally {
      this.#fs.closeSync(open.fd);
    }
    this.#setAttributes(open.path, open.entry);
  }

  #setAttributes(path: string, entry: TarEntry): void {
    const fs = this.#fs;
    fs.lchownSync(path, entry.uid, entry.gid);
    if (entry.kind !== 'symlink') fs.chmodSync(path, entry.mode & PERMISSION_BITS);
    for (const [name, value] of entry.xattrs) fs.linux.setxattrSync(path, name, value, { follow: false });
    this.#setTime(path, entry);
  }

  /** Times of a container are int64 nanoseconds; what lies beyond is set to the nearest. */
  #setTime(path: string, { mtimeNs }: TarEntry): void {
    const past = mtimeNs < -TIME_NS_MAX ? -TIME_NS_MAX : mtimeNs;
    const time = past > TIME_NS_MAX ? TIME_NS_MAX : past;
    this.#fs.linux.utimensSync(path, time, time, { follow: false });
  }
}

const conflict = (message: string, path: string): Error =>
  storeError('ERR_CONFLICT', message, { detail: { entry: path } });
