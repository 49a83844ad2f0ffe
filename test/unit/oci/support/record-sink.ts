import { createHash } from 'node:crypto';
import type { LayerEntry, LayerSink } from '../../../../src/engine/layer-sink.ts';

/** An entry and what came after it. */
export interface RecordedEntry {
  readonly entry: LayerEntry;
  readonly content: Buffer;
}

/** Keeps all that a layer reader gives, and checks that contents have the sizes announced. */
export class RecordSink implements LayerSink {
  readonly recorded: RecordedEntry[] = [];
  #pieces: Buffer[] = [];
  #left = 0;

  entry(entry: LayerEntry): void {
    this.#close();
    this.recorded.push({ entry, content: Buffer.alloc(0) });
    this.#left = entry.kind === 'file' ? entry.size : 0;
  }

  data(bytes: Uint8Array): void {
    this.#take(Buffer.from(bytes));
  }

  hole(length: number): void {
    this.#take(Buffer.alloc(length));
  }

  /** The entries; ends the last one. */
  finish(): RecordedEntry[] {
    this.#close();
    return this.recorded;
  }

  /** The entries with digests in place of contents. */
  summary(): unknown[] {
    return this.finish().map(({ entry, content }) => ({
      ...entry,
      ...('xattrs' in entry
        ? { xattrs: entry.xattrs.map(([name, value]) => [name, Buffer.from(value).toString('hex')]) }
        : {}),
      ...('mtimeNs' in entry ? { mtimeNs: String(entry.mtimeNs) } : {}),
      sha256: createHash('sha256').update(content).digest('hex'),
    }));
  }

  #take(bytes: Buffer): void {
    this.#left -= bytes.length;
    if (this.#left < 0) throw new Error('more content than announced');
    this.#pieces.push(bytes);
  }

  #close(): void {
    const last = this.recorded.at(-1);
    if (last === undefined) return;
    if (this.#left !== 0) throw new Error(`${this.#left} bytes of content are missing`);
    if (this.#pieces.length === 0) return;
    this.recorded[this.recorded.length - 1] = { entry: last.entry, content: Buffer.concat(this.#pieces) };
    this.#pieces = [];
  }
}
