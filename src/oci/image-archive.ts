import { stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { openRegular, readRange, readWhole } from './blob.ts';
import type { ImageFiles } from './blob.ts';
import { BlobImageSource } from './blob-image-source.ts';
import { SNIFF_BYTES, sniffCompression } from './decompress.ts';
import { DirectoryFiles } from './directory-files.ts';
import { DirectorySource } from './directory-source.ts';
import { claimsToBeDockers, readDockerArchive } from './docker-archive.ts';
import type { ImageSource, ImageSourceKind, ImageSourceOptions } from './image-source.ts';
import { MANIFEST_BYTES_MAX, parseJson } from './json.ts';
import { tarLimits } from './limits.ts';
import { readOciLayout } from './oci-layout.ts';
import { readPlainTar } from './plain-tar.ts';
import { sourceError } from './source-place.ts';
import { type WarningHandler, WarningList } from './source-warning.ts';
import { spoolDecompressed } from './spool.ts';
import { TarFiles } from './tar-files.ts';
import { looksLikeTar, TAR_BLOCK_BYTES } from './tar-header.ts';
import { storeError } from '../events/log-error.ts';

/**
 * Opens whatever holds images: an OCI layout (directory, or in a tar), a `docker save` archive, the tar of a root file system,
 * or a directory that is one. The content tells which; a tar may be compressed by gzip or zstd.
 *
 * Archives are indexed, not unpacked; a compressed one is unpacked into an unnamed temporary file first. Manifests and configs are
 * read and verified here, layers when they are read.
 *
 * @returns The source; close it when done.
 * @throws StoreError `ERR_NOT_FOUND` if there is no such file, `ERR_OCI_CORRUPT`, `ERR_OCI_DIGEST` or `ERR_OCI_UNSUPPORTED`, naming
 *   the file and, where there is one, layer and entry. Nothing stays open then.
 */
export async function openImageSource(path: string, options: ImageSourceOptions = {}): Promise<ImageSource> {
  const status = await stat(path).catch((error: unknown) => {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    throw storeError('ERR_NOT_FOUND', `${path}: no such file or directory`, { detail: { file: path }, cause: error });
  });
  const warnings = new WarningList(options.onWarning);
  if (status.isDirectory()) return openFiles(new DirectoryFiles(path), options, warnings, true);
  const handle = await openRegular(path);
  if (handle === null)
    throw storeError('ERR_OCI_UNSUPPORTED', `${path}: not a file or directory`, { detail: { file: path } });
  const tar = await unpackIfCompressed(path, handle, options);
  try {
    await expectTar(path, tar);
    const files = await TarFiles.index(path, tar, { limits: options.limits, onWarning: warnings.add });
    return await openFiles(files, options, warnings, false);
  } catch (error) {
    await tar.close();
    throw error;
  }
}

/** Tells a damaged tar, which the reader refuses with the place of the damage, from a file that is something else. */
async function expectTar(path: string, handle: FileHandle): Promise<void> {
  const start = Buffer.alloc(TAR_BLOCK_BYTES);
  const { bytesRead } = await handle.read(start, 0, TAR_BLOCK_BYTES, 0);
  if (bytesRead === 0) throw sourceError('ERR_OCI_CORRUPT', 'the file is empty', { file: path });
  if (looksLikeTar(start.subarray(0, bytesRead))) return;
  throw sourceError('ERR_OCI_CORRUPT', 'not an archive: its first bytes are not those of a tar', { file: path });
}

/** The handle itself if it is a plain tar; otherwise one of the uncompressed content, and the given one is closed. */
async function unpackIfCompressed(path: string, handle: FileHandle, options: ImageSourceOptions): Promise<FileHandle> {
  try {
    const start = Buffer.alloc(SNIFF_BYTES);
    await handle.read(start, 0, SNIFF_BYTES, 0);
    if (sniffCompression(start, { file: path }) === 'none') return handle;
    const { size } = await handle.stat();
    const { bytesMax } = tarLimits(options.limits);
    const place = { file: path };
    const spooled = await spoolDecompressed(
      readRange(handle, { start: 0, end: size }, place),
      { directory: options.tempDirectory, bytesMax },
      place,
    );
    await handle.close();
    return spooled;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openFiles(
  files: DirectoryFiles | TarFiles,
  options: ImageSourceOptions,
  warnings: WarningList,
  isDirectory: boolean,
): Promise<ImageSource> {
  const kind = options.kind ?? (await sniffKind(files, isDirectory, warnings.add));
  switch (kind) {
    case 'oci-layout':
    case 'oci-archive': {
      const images = await readOciLayout(files, options, warnings.add);
      return new BlobImageSource({ kind, files, images, warnings }, options);
    }
    case 'docker-archive': {
      const images = await readDockerArchive(files, warnings.add);
      return new BlobImageSource({ kind, files, images, warnings }, options);
    }
    case 'tar': {
      if (!(files instanceof TarFiles))
        throw sourceError('ERR_OCI_UNSUPPORTED', 'a directory is not a tar', { file: files.file });
      const images = [await readPlainTar(files.whole(), options)];
      return new BlobImageSource({ kind, files, images, warnings, dialect: options.dialect ?? 'oci' }, options);
    }
    case 'directory':
      if (files instanceof TarFiles)
        throw sourceError('ERR_OCI_UNSUPPORTED', 'a tar is not a directory', { file: files.file });
      return DirectorySource.open(files.file, options, warnings);
  }
}

/** Docker's manifest comes before an OCI layout: Docker 25 writes both, and only the former has whole names. */
async function sniffKind(files: ImageFiles, isDirectory: boolean, onWarning: WarningHandler): Promise<ImageSourceKind> {
  const place = { file: files.file };
  const isLayout = (await files.find('oci-layout')) !== null;
  const manifest = await files.find('manifest.json');
  let isDamaged = manifest !== null;
  if (manifest !== null && manifest.size <= MANIFEST_BYTES_MAX) {
    const bytes = await readWhole(manifest, MANIFEST_BYTES_MAX, 'manifest.json', place);
    const value = readManifest(bytes);
    if (claimsToBeDockers(value)) return 'docker-archive';
    isDamaged = value === null;
  }
  if (isLayout && (await files.find('index.json')) !== null) return isDirectory ? 'oci-layout' : 'oci-archive';
  if (manifest === null && (await isLegacyDocker(files))) {
    throw sourceError(
      'ERR_OCI_UNSUPPORTED',
      'a docker save archive from before Docker 1.10, without manifest.json',
      place,
    );
  }
  if (isDamaged) {
    const message = 'it is not JSON that an image could have, so this is read as a root file system with such a file';
    onWarning({ file: files.file, layer: null, entry: 'manifest.json', message });
  }
  return isDirectory ? 'directory' : 'tar';
}

/** Whether there is a `repositories` file, `{name: {tag: id}}`, and the layer that it names. */
async function isLegacyDocker(files: ImageFiles): Promise<boolean> {
  const repositories = await files.find('repositories');
  if (repositories === null || repositories.size > MANIFEST_BYTES_MAX) return false;
  const bytes = await readWhole(repositories, MANIFEST_BYTES_MAX, 'repositories', { file: files.file });
  const id = /:\s*"([0-9a-f]{64})"/.exec(bytes.toString('latin1'))?.[1];
  return id !== undefined && (await files.find(`${id}/layer.tar`)) !== null;
}

/** What `manifest.json` holds; null: nothing that can be read. */
function readManifest(bytes: Uint8Array): unknown {
  try {
    return parseJson(bytes, 'manifest.json', { file: '' });
  } catch {
    return null;
  }
}
