/** The content of files that a recording's archive of changes holds. */

import { createReadStream } from 'node:fs';
import { decompress } from '../oci/decompress.ts';
import { normalizePath } from '../oci/layer-path.ts';
import { TarReader } from '../oci/tar-reader.ts';
import type { ContentSink } from '../replay/strace/recording-host.ts';

/**
 * Hands the content of the files of a tar to a sink, in the order of the archive.
 *
 * @throws `ERR_OCI_CORRUPT` for a damaged archive; what was handed over before stays.
 */
export async function readContents(archive: string, sink: ContentSink): Promise<void> {
  const place = { file: archive };
  const reader = new TarReader(
    {
      entry: ({ kind, path, size }) => kind === 'file' && sink.file(`/${normalizePath(path)}`, size),
      data: (bytes) => sink.data(bytes),
      hole: (length) => sink.hole(length),
    },
    place,
  );
  for await (const piece of decompress(createReadStream(archive), place)) reader.push(piece);
  reader.end();
}
