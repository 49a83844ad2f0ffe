import { TarWriter } from './tar-writer.ts';
import type { TarWriteEntry, TarWriterDialect } from './tar-writer.ts';

/** An entry with the content of a file; a number stands for that many zeros. */
export interface TarItem {
  readonly entry: TarWriteEntry;
  readonly content?: Iterable<Uint8Array | number> | AsyncIterable<Uint8Array | number>;
}

/**
 * Writes entries as the bytes of a tar, as they are asked for: no more than one piece of content is held.
 *
 * Pieces of content come out as they went in (the same memory); long holes come out in pieces of 64 KiB that are shared and must
 * not be changed. Errors as {@link TarWriter}.
 */
export async function* streamTar(
  items: Iterable<TarItem> | AsyncIterable<TarItem>,
  dialect: TarWriterDialect = 'oci',
): AsyncGenerator<Uint8Array> {
  const pending: Uint8Array[] = [];
  const writer = new TarWriter((bytes) => pending.push(bytes), dialect);
  const take = (): Uint8Array[] => pending.splice(0);
  for await (const { entry, content } of items) {
    writer.entry(entry);
    yield* take();
    for await (const piece of content ?? []) {
      if (typeof piece === 'number') writer.hole(piece);
      else writer.data(piece);
      yield* take();
    }
  }
  writer.end();
  yield* take();
}
