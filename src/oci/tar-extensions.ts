import { decodeName } from '../events/name.ts';
import { addPaxRecords, emptyPaxRecords, isPaxKeyLost, paxRecordBytes } from './pax.ts';
import type { PaxRecords } from './pax.ts';
import { TAR_BLOCK_BYTES } from './tar-header.ts';
import type { TarHeader } from './tar-header.ts';

/** Type flags of headers that only say something about the entry behind them, or about all entries (`g`). */
export const EXTENSION_TYPEFLAGS: ReadonlySet<string> = new Set([
  'x',
  'g',
  'L',
  'K',
  'X', // Solaris tar's extended header, of the same form as `x` (tar(5) of libarchive)
]);

/**
 * Collects the extension headers in front of an entry: PAX records, local and global, and GNU long names.
 *
 * Methods that can refuse return in words what is wrong, null if nothing is. At most `bytesMax` bytes of bodies are held, and as
 * many of global records.
 */
export class TarExtensions {
  longName: string | null = null;
  longLink: string | null = null;
  readonly #bytesMax: number;
  #global: PaxRecords = emptyPaxRecords();
  #local: PaxRecords = emptyPaxRecords();
  #bytes = 0;
  #typeflag = '';
  #size = 0;
  #body: Buffer = Buffer.alloc(0);
  /** Holds the bodies that fit, which is nearly all: a buffer for each made the collector the reader's greatest cost. */
  readonly #scratch = Buffer.allocUnsafe(SCRATCH_BYTES);
  #fill = 0;
  readonly #lostKeys = new Set<string>();

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Whether anything but global records was collected since the last entry. */
  get isPending(): boolean {
    return (
      this.longName !== null || this.longLink !== null || this.#local.values.size + this.#local.sparsePairs.length > 0
    );
  }

  /** Global records overlaid with the entry's own. */
  get pax(): PaxRecords {
    if (this.#global.values.size === 0) return this.#local;
    return { values: new Map([...this.#global.values, ...this.#local.values]), sparsePairs: this.#local.sparsePairs };
  }

  /** Begins the body of an extension header. */
  start(header: TarHeader): string | null {
    this.#bytes += header.size;
    if (this.#bytes > this.#bytesMax) return `its extension headers are longer than ${this.#bytesMax} bytes`;
    this.#typeflag = header.typeflag;
    this.#size = header.size;
    const bytes = Math.ceil(header.size / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES;
    this.#body = bytes <= SCRATCH_BYTES ? this.#scratch.subarray(0, bytes) : Buffer.allocUnsafe(bytes);
    this.#fill = 0;
    return null;
  }

  /** Whether the body and its padding are complete. */
  get isComplete(): boolean {
    return this.#fill === this.#body.length;
  }

  /** Takes body bytes from `at` on; returns how many. */
  take(bytes: Buffer, at: number): number {
    const length = Math.min(this.#body.length - this.#fill, bytes.length - at);
    bytes.copy(this.#body, this.#fill, at, at + length);
    this.#fill += length;
    return length;
  }

  /** Reads the complete body. */
  finish(): string | null {
    const content = this.#body.subarray(0, this.#size);
    switch (this.#typeflag) {
      case 'L':
        this.longName = gnuLongText(content);
        return null;
      case 'K':
        this.longLink = gnuLongText(content);
        return null;
      case 'g': {
        const fault = addPaxRecords(this.#global, content);
        this.#global.sparsePairs.length = 0;
        if (!this.isPending) this.#bytes = 0;
        if (fault !== null || paxRecordBytes(this.#global) <= this.#bytesMax) return fault;
        return `the global PAX records are longer than ${this.#bytesMax} bytes`;
      }
      default:
        return addPaxRecords(this.#local, content);
    }
  }

  /** PAX keys seen for the first time that an entry cannot keep, {@link LOST_KEYS_MAX} in all. */
  takeLostKeys(): string[] {
    const keys: string[] = [];
    for (const records of [this.#global, this.#local]) {
      for (const key of records.values.keys()) {
        if (!isPaxKeyLost(key) || this.#lostKeys.has(key) || this.#lostKeys.size >= LOST_KEYS_MAX) continue;
        this.#lostKeys.add(key);
        keys.push(key);
      }
    }
    return keys;
  }

  /** Forgets what belonged to the last entry. */
  clear(): void {
    if (this.#bytes === 0) return;
    this.#local = emptyPaxRecords();
    this.longName = null;
    this.longLink = null;
    this.#bytes = 0;
  }
}

const SCRATCH_BYTES = 4096;

/** How many unknown PAX keys are told; each is told once. */
const LOST_KEYS_MAX = 50;

/** The text of a GNU `L` or `K` header: up to its NUL; null if it is empty. */
function gnuLongText(content: Buffer): string | null {
  const end = content.indexOf(0);
  return decodeName(end === -1 ? content : content.subarray(0, end)) || null;
}
