/**
 * The last page of a file that was written and closed, for the kernel's page cache.
 *
 * Of what a program writes the page cache keeps the pages that were written whole (fs/fuse/file.c, fuse_fill_write_pages).
 * A file seldom ends where a page does, so the first one to read it again would ask for its last page; of a small file that
 * is all of it. Handing that page over behind the close, for which nobody waits, costs less than the question, for which
 * somebody does.
 *
 * This notice is written by the thread that serves, in its place among the answers: behind a later write it would bring back
 * what was there before. The kernel takes the lock of the page for it, so it is written only where nobody can hold that lock
 * and wait for an answer: when no open file of the node is left (a mapping counts as one).
 */

import type { ChunkReader } from '../events/chunk-store.ts';
import { readContent } from '../projections/tree/content.ts';
import type { Inode } from '../projections/tree/inode.ts';
import { FUSE_NOTIFY_STORE, OUT_HEADER_BYTES } from './protocol.ts';

const PAGE_BYTES = 4096;
/** fuse_notify_store_out: node id u64, offset u64, size u32, padding u32. */
const STORE_BYTES = 24;
const DATA_AT = OUT_HEADER_BYTES + STORE_BYTES;

export class LastPage {
  readonly #notice = Buffer.alloc(DATA_AT + PAGE_BYTES);
  #length = 0;

  /**
   * Makes the notice for a file; none where it ends with a page.
   *
   * @param id - By which the kernel knows the node.
   * @throws As the reading of content.
   */
  fill(id: number, { size, content }: Inode, chunks: ChunkReader): void {
    const length = size % PAGE_BYTES;
    if (length === 0) return;
    const position = size - length;
    const notice = this.#notice;
    readContent(content, chunks, position, notice, DATA_AT, length);
    this.#length = DATA_AT + length;
    notice.writeUInt32LE(this.#length, 0);
    notice.writeInt32LE(FUSE_NOTIFY_STORE, 4);
    notice.writeBigUInt64LE(BigInt(id), OUT_HEADER_BYTES);
    notice.writeBigUInt64LE(BigInt(position), OUT_HEADER_BYTES + 8);
    notice.writeUInt32LE(length, OUT_HEADER_BYTES + 16);
  }

  /** The notice that waits, valid until the next one is made; null: there is none. */
  take(): Buffer | null {
    const length = this.#length;
    this.#length = 0;
    return length === 0 ? null : this.#notice.subarray(0, length);
  }
}
