import { mkdir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { BlobCompression } from './blob-writer.ts';
import { partDirectoryName, writePieces } from './export-target.ts';
import { saveLayout } from './save-layout.ts';
import type { ImageToSave, SavedImage } from './save-layout.ts';
import { streamTar } from './tar-stream.ts';
import type { TarItem } from './tar-stream.ts';
import { storeError } from '../events/log-error.ts';

/**
 * `oci-layout`: a directory. `oci-archive`: the same in a tar. `docker-archive`: the same with Docker's own manifest.json, as
 * Docker 25 and later write it, so that every `docker load` and every reader of OCI archives takes it.
 */
export type SaveFormat = 'oci-layout' | 'oci-archive' | 'docker-archive';

/**
 * Writes images to a path, which they get when they are whole.
 *
 * @param options.compression - Of the layers. Default: `gzip`, in a docker-archive `none`, as Docker and podman write it.
 * @throws `ERR_CONFLICT` when a layout is to replace a directory that is not empty; `ERR_INVALID_ARGUMENT` when an archive is to
 *   replace a directory; what the layers and the file system throw. No part stays behind.
 */
export async function saveArchive(
  path: string,
  images: readonly ImageToSave[],
  options: { format: SaveFormat; compression?: BlobCompression | undefined },
): Promise<SavedImage[]> {
  const { format } = options;
  const docker = format === 'docker-archive';
  const compression = options.compression ?? (docker ? 'none' : 'gzip');
  const isLayout = format === 'oci-layout';
  await expectFree(path, isLayout);
  const part = partDirectoryName(path);
  await mkdir(part);
  try {
    const saved = await saveLayout(part, images, { compression, docker });
    if (isLayout) await takeName(part, path);
    else await writePieces(path, streamTar(filesOf(part), 'plain'));
    return saved;
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}

async function expectFree(path: string, isLayout: boolean): Promise<void> {
  const status = await stat(path).catch(() => null);
  const detail = { file: path };
  if (status === null) return;
  if (!isLayout) {
    if (status.isDirectory()) throw storeError('ERR_INVALID_ARGUMENT', `${path} is a directory`, { detail });
    return;
  }
  if (!status.isDirectory()) throw storeError('ERR_CONFLICT', `${path} is there and is not a directory`, { detail });
  if ((await readdir(path)).length > 0)
    throw storeError('ERR_CONFLICT', `the directory ${path} is not empty`, { detail });
}

/** Puts a directory in the place of an empty one, or of nothing. */
export async function takeName(part: string, path: string): Promise<void> {
  await rmdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await rename(part, path);
}

/** The files of a layout, sorted by path, as entries that tell nothing of the disk that they lay on. */
async function* filesOf(directory: string, path = ''): AsyncGenerator<TarItem> {
  const attributes = { uid: 0, gid: 0, mtimeNs: 0n, xattrs: [] };
  const found = await readdir(join(directory, path), { withFileTypes: true });
  for (const each of found.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = path === '' ? each.name : `${path}/${each.name}`;
    if (each.isDirectory()) {
      yield { entry: { kind: 'dir', path: name, size: 0, mode: 0o755, ...attributes } };
      yield* filesOf(directory, name);
      continue;
    }
    const { size } = await stat(join(directory, name));
    const content = createReadStream(join(directory, name), { highWaterMark: 256 * 2 ** 10 });
    yield { entry: { kind: 'file', path: name, size, mode: 0o644, ...attributes }, content };
  }
}
