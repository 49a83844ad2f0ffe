import { isStoreError } from '../events/log-error.ts';
import { printableName } from '../events/name.ts';
import { readWhole } from './blob.ts';
import type { Blob, ImageFiles } from './blob.ts';
import type { BlobImage } from './blob-image-source.ts';
import { digestOf } from './digest.ts';
import { imageId, readImageConfig } from './image-config.ts';
import type { SourceLayer } from './image-source.ts';
import { CONFIG_BYTES_MAX, MANIFEST_BYTES_MAX, isJsonObject, jsonArray, jsonString, parseJson } from './json.ts';
import type { JsonObject } from './json.ts';
import { normalizePath } from './layer-path.ts';
import { readOciLayout } from './oci-layout.ts';
import { sourceError } from './source-place.ts';
import type { SourcePlace } from './source-place.ts';
import type { WarningHandler } from './source-warning.ts';

/**
 * Finds the images of a `docker save` archive by its `manifest.json`: a list of `{Config, RepoTags, Layers}` with paths in
 * the archive.
 *
 * Layers lie at `<id>/layer.tar` (Docker to 24), `<diffID>.tar` with links from the former (skopeo, podman) or
 * `blobs/sha256/<digest>` (Docker 25 on, beside an OCI layout); the manifest tells. The name of a blob is verified as its digest.
 *
 * @throws StoreError `ERR_OCI_CORRUPT` or `ERR_OCI_DIGEST`.
 */
export async function readDockerArchive(files: ImageFiles, onWarning: WarningHandler): Promise<BlobImage[]> {
  const place = { file: files.file };
  const blob = await files.find('manifest.json');
  if (blob === null) throw sourceError('ERR_OCI_CORRUPT', 'manifest.json is missing', place);
  const bytes = await readWhole(blob, MANIFEST_BYTES_MAX, 'manifest.json', place);
  const manifest = parseJson(bytes, 'manifest.json', place);
  if (!isDockerManifest(manifest)) throw sourceError('ERR_OCI_CORRUPT', 'manifest.json is not a list of images', place);
  if (manifest.length === 0) throw sourceError('ERR_OCI_CORRUPT', 'manifest.json names no image', place);
  if (manifest.length > IMAGES_MAX) {
    throw sourceError('ERR_OCI_CORRUPT', `manifest.json names more than ${IMAGES_MAX} images`, place);
  }
  const images = new Map<string, { one: BlobImage; tags: Set<string> }>();
  const read = new Map<string, BlobImage>();
  for (const item of manifest) {
    // One image may be named again and again, and its config may be large.
    const key = JSON.stringify([item['Config'], item['Layers']]);
    const one = read.get(key) ?? (await readImage(files, item, onWarning));
    read.set(key, one);
    const { configDigest } = one.image;
    const tags = images.get(configDigest)?.tags ?? new Set();
    for (const tag of tagsOf(item, place)) tags.add(tag);
    images.set(configDigest, { one, tags });
  }
  const found = [...images.values()].map(({ one, tags }) => ({ ...one, image: { ...one.image, tags: [...tags] } }));
  return addManifestDigests(found, files, onWarning);
}

/** Each is read to the end before anything is stored. */
const IMAGES_MAX = 10_000;

const tagsOf = (item: JsonObject, place: SourcePlace): string[] =>
  jsonArray(item, 'RepoTags', 'manifest.json', place).filter((tag) => typeof tag === 'string');

/** Docker 25 and later put an OCI layout beside their own manifest; it has the digests that images were pulled by. */
async function addManifestDigests(
  images: readonly BlobImage[],
  files: ImageFiles,
  onWarning: WarningHandler,
): Promise<BlobImage[]> {
  const digests = new Map<string, string | null>();
  if ((await files.find('oci-layout')) !== null && (await files.find('index.json')) !== null) {
    try {
      const found = await readOciLayout(files, {}, onWarning);
      for (const { image } of found) digests.set(image.configDigest, image.manifestDigest);
    } catch (error) {
      if (!isStoreError(error)) throw error;
      onWarning({ file: files.file, layer: null, entry: 'index.json', message: `not used: ${error.message}` });
    }
  }
  return images.map(({ image, blobs }) => {
    return { image: { ...image, manifestDigest: digests.get(image.configDigest) ?? null }, blobs };
  });
}

/** Whether a parsed `manifest.json` is meant as Docker's, be it damaged; other tools use the name for other things. */
export function claimsToBeDockers(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  return value.length === 0 || value.some((item) => isJsonObject(item) && ('Config' in item || 'Layers' in item));
}

/** Whether a parsed `manifest.json` is Docker's. */
export function isDockerManifest(value: unknown): value is readonly JsonObject[] {
  if (!Array.isArray(value)) return false;
  return value.every((item) => isJsonObject(item) && typeof item['Config'] === 'string' && 'Layers' in item);
}

async function readImage(files: ImageFiles, item: JsonObject, onWarning: WarningHandler): Promise<BlobImage> {
  const place = { file: files.file };
  const configPath = jsonString(item, 'Config') as string;
  const config = await files.find(configPath);
  if (config === null)
    throw sourceError('ERR_OCI_CORRUPT', `the config ${printableName(configPath)} is missing`, place);
  const configBytes = await readWhole(config, CONFIG_BYTES_MAX, 'the image config', place);
  checkConfigName(configPath, configBytes, place, onWarning);
  const paths = jsonArray(item, 'Layers', 'manifest.json', place);
  const { diffIds } = readImageConfig(configBytes, paths.length, place);
  const layers: SourceLayer[] = [];
  const blobs: Blob[] = [];
  for (const [at, path] of paths.entries()) {
    const layerPlace = { ...place, layer: `layer ${at + 1} of ${paths.length}` };
    if (typeof path !== 'string') throw sourceError('ERR_OCI_CORRUPT', 'its path is not a text', layerPlace);
    const blob = await files.find(path);
    if (blob === null) throw sourceError('ERR_OCI_CORRUPT', `the file ${printableName(path)} is missing`, layerPlace);
    blobs.push(blob);
    layers.push({ number: at + 1, diffId: diffIds[at], mediaType: null, digest: blobName(path), size: blob.size });
  }
  return { image: { tags: [], manifestDigest: null, configDigest: imageId(configBytes), configBytes, layers }, blobs };
}

/** The digest that a path of the form `blobs/sha256/<hex>` promises, or null. */
function blobName(path: string): string | null {
  const match = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(normalizePath(path));
  return match === null ? null : `sha256:${match[1]}`;
}

/** A config is named after its digest. In a blob folder that binds; as `<hex>.json` it is custom, which some tools break. */
function checkConfigName(path: string, bytes: Uint8Array, place: SourcePlace, onWarning: WarningHandler): void {
  const promised = blobName(path) ?? /^([0-9a-f]{64})\.json$/.exec(path)?.[1]?.replace(/^/, 'sha256:') ?? null;
  const actual = digestOf(bytes);
  if (promised === null || promised === actual) return;
  const message = `the image config is ${actual}, its name says ${promised}`;
  if (blobName(path) !== null) throw sourceError('ERR_OCI_DIGEST', message, place);
  onWarning({ file: place.file, layer: null, entry: path, message });
}
