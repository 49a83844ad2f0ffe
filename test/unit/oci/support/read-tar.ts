import { TarReader } from '../../../../src/oci/tar-reader.ts';
import type { TarReaderOptions } from '../../../../src/oci/tar-reader.ts';
import type { TarEntry } from '../../../../src/oci/tar-entry.ts';

export interface ReadEntry {
  readonly entry: TarEntry;
  content: Buffer;
  holes: number[];
}

/** Reads a whole tar, in pieces of the given size. */
export function readTar(
  bytes: Buffer,
  options: { pieceBytes?: number } & Partial<TarReaderOptions> = {},
): { entries: ReadEntry[]; warnings: string[] } {
  const entries: ReadEntry[] = [];
  const warnings: string[] = [];
  const last = (): ReadEntry => entries.at(-1) as ReadEntry;
  const reader = new TarReader(
    {
      entry: (entry) => entries.push({ entry, content: Buffer.alloc(0), holes: [] }) > 0,
      data: (piece) => void (last().content = Buffer.concat([last().content, piece])),
      hole: (length) => {
        last().content = Buffer.concat([last().content, Buffer.alloc(length)]);
        last().holes.push(length);
      },
      warning: (message) => warnings.push(message),
    },
    { file: 'test.tar', ...options },
  );
  const pieceBytes = options.pieceBytes ?? bytes.length;
  for (let at = 0; at < bytes.length; at += pieceBytes) reader.push(bytes.subarray(at, at + pieceBytes));
  reader.end();
  return { entries, warnings };
}
