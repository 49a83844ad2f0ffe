/** Content and attributes of nodes that lie in the upper: each event as the calls that do it on the host. */

import { ftruncateSync, truncateSync, writeSync } from 'node:fs';
import { hostPath } from '../../engine/bind-mirror-scan.ts';
import type { ChunkReader } from '../../events/chunk-store.ts';
import { isSymlinkMode, PERMISSION_BITS, S_ISGID, S_ISUID } from '../../events/mode.ts';
import type { Inode } from '../../projections/tree/inode.ts';
import { nameInUpper } from '../../projections/tree/overlay-xattr.ts';
import type { EventOf } from './event-list.ts';
import type { HostCall, HostCalls } from './host-calls.ts';
import type { HostFiles } from './host-files.ts';
import { timesCall } from './upper-attributes.ts';
import type { UpperPaths } from './upper-paths.ts';

/** fallocate(2) */
const KEEP_SIZE = 0x1;
const PUNCH_HOLE = 0x2;
const ZERO_RANGE = 0x10;

export class UpperContent {
  readonly #files: HostFiles;
  readonly #paths: UpperPaths;
  readonly #calls: HostCalls;
  readonly #chunks: ChunkReader;

  constructor(files: HostFiles, paths: UpperPaths, calls: HostCalls, chunks: ChunkReader) {
    this.#files = files;
    this.#paths = paths;
    this.#calls = calls;
    this.#chunks = chunks;
  }

  write({ ino, offset, pieces }: EventOf<'Written'>): void {
    const descriptor = this.#files.upper(ino, () => this.#paths.of(ino));
    let at = offset;
    for (let index = 0; index < pieces.length; index += 3) {
      const bytes = this.#chunks.get(pieces[index]);
      const end = pieces[index + 1] + pieces[index + 2];
      for (let from = pieces[index + 1]; from < end;) {
        const written = writeSync(descriptor, bytes, from, end - from, at);
        from += written;
        at += written;
      }
    }
  }

  truncate({ ino, size }: EventOf<'Truncated'>): void {
    const descriptor = this.#files.upperIfOpen(ino);
    if (descriptor === null) truncateSync(hostPath(this.#paths.of(ino)), size);
    else ftruncateSync(descriptor, size);
  }

  allocate(event: EventOf<'Allocated' | 'HolePunched'>): void {
    const { ino, offset, length } = event;
    let mode = PUNCH_HOLE | KEEP_SIZE;
    if (event.type === 'Allocated')
      mode = (event.zeroed ? ZERO_RANGE : 0) | (event.size < offset + length ? KEEP_SIZE : 0);
    this.#calls.run(['fallocate', this.#paths.of(ino), mode, offset, length]);
  }

  /** @param inode - As it is before. A node that the same call has made is not there yet. */
  change(event: EventOf<'AttributesChanged'>, inode: Inode | undefined): void {
    const path = this.#paths.of(event.ino);
    const mode = event.mode ?? inode?.mode ?? 0;
    const calls: HostCall[] = [];
    const isOwner = event.uid !== null || event.gid !== null;
    if (isOwner) calls.push(['chown', path, event.uid ?? -1, event.gid ?? -1]);
    // The host takes these bits away with a change of owner; the events say it where that is wanted.
    const restores = isOwner && (mode & (S_ISUID | S_ISGID)) !== 0;
    if ((event.mode !== null || restores) && !isSymlinkMode(inode?.mode ?? 0))
      calls.push(['chmod', path, mode & PERMISSION_BITS]);
    if (event.atimeNs !== null || event.mtimeNs !== null) calls.push(timesCall(path, event.atimeNs, event.mtimeNs));
    if (calls.length > 0) this.#calls.run(...calls);
  }

  setAttribute({ ino, name, value }: EventOf<'XattrSet'>, prefix: string): void {
    this.#calls.run(['setxattr', this.#paths.of(ino), nameInUpper(name, prefix), value]);
  }

  removeAttribute({ ino, name }: EventOf<'XattrRemoved'>, prefix: string): void {
    this.#calls.run(['removexattr', this.#paths.of(ino), nameInUpper(name, prefix)]);
  }
}
