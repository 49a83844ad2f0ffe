import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BlobWriter } from './blob-writer.ts';
import type { BlobCompression, WrittenBlob } from './blob-writer.ts';
import { digestOf } from './digest.ts';
import { jsonMember, parseJsonObject } from './json.ts';
import { blobPath } from './oci-descriptor.ts';

/** A layer to write. */
export interface LayerToSave {
  /** Tells which layers are one and the same: the chainID. */
  readonly key: string;
  /** What the image's config says. */
  readonly diffId: string;
  /** Its tar. */
  pieces(): Iterable<Uint8Array>;
}

export interface ImageToSave {
  /** Whole names, `app:1`; possibly none. */
  readonly tags: readonly string[];
  readonly config: Uint8Array;
  /** Lowest first. */
  readonly layers: readonly LayerToSave[];
}

export interface SavedLayer {
  /** Of the tar that was written. */
  readonly diffId: string;
  /** What the image's config said. Another one: the layer came from an archive whose bytes were others. */
  readonly recordedDiffId: string;
  /** Of the blob as stored, and its length. */
  readonly digest: string;
  readonly size: number;
}

export interface SavedImage {
  /** The image id under which others will know it: SHA-256 of the config that was written. */
  readonly id: string;
  /** The id that it has here. */
  readonly recordedId: string;
  readonly tags: readonly string[];
  readonly manifestDigest: string;
  readonly layers: readonly SavedLayer[];
}

/**
 * Writes images as an OCI layout (image-layout.md): blobs, `index.json`, `oci-layout`. The same images give the same bytes.
 *
 * A config whose diff_ids are those of the tars stays as it is, byte by byte. In another one the diff_ids are set right, all
 * else stays, and the image has a new id.
 *
 * @param directory - Is there and empty.
 * @param options.docker - Adds the `manifest.json` by which `docker load` of any version finds its way (as Docker 25 and later).
 */
export async function saveLayout(
  directory: string,
  images: readonly ImageToSave[],
  options: { compression: BlobCompression; docker: boolean },
): Promise<SavedImage[]> {
  const blobs = await BlobWriter.create(directory);
  const layers = new Map<string, WrittenBlob>();
  const saved: SavedImage[] = [];
  const descriptors: object[] = [];
  for (const image of images) {
    for (const layer of image.layers) {
      if (!layers.has(layer.key)) layers.set(layer.key, await blobs.write(layer.pieces(), options.compression));
    }
    const written = image.layers.map(({ key, diffId }): SavedLayer => {
      const { digest, size, contentDigest } = layers.get(key) as WrittenBlob;
      return { diffId: contentDigest, recordedDiffId: diffId, digest, size };
    });
    const config = await blobs.write([configOf(image, written)], 'none');
    const manifest = await blobs.write([manifestOf(config, written, options.compression)], 'none');
    descriptors.push(...descriptorsOf(manifest, image.tags));
    const ids = { id: config.digest, recordedId: digestOf(image.config), manifestDigest: manifest.digest };
    saved.push({ ...ids, tags: image.tags, layers: written });
  }
  await writeFile(join(directory, 'oci-layout'), toJson({ imageLayoutVersion: '1.0.0' }));
  await writeFile(
    join(directory, 'index.json'),
    toJson({ schemaVersion: 2, mediaType: INDEX, manifests: descriptors }),
  );
  if (options.docker) await writeFile(join(directory, 'manifest.json'), toJson(saved.map(dockerManifest)));
  return saved;
}

const INDEX = 'application/vnd.oci.image.index.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';

function configOf({ config }: ImageToSave, layers: readonly SavedLayer[]): Uint8Array {
  if (layers.every(({ diffId, recordedDiffId }) => diffId === recordedDiffId)) return config;
  const json = parseJsonObject(config, 'the image config', { file: digestOf(config) });
  const rootfs = { ...jsonMember(json, 'rootfs'), diff_ids: layers.map(({ diffId }) => diffId) };
  return toJson({ ...json, rootfs });
}

function manifestOf(config: WrittenBlob, layers: readonly SavedLayer[], compression: BlobCompression): Buffer {
  const mediaType = compression === 'gzip' ? `${LAYER}+gzip` : LAYER;
  return toJson({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: CONFIG, digest: config.digest, size: config.size },
    layers: layers.map(({ digest, size }) => ({ mediaType, digest, size })),
  });
}

/** One for each name; the name is whole, as skopeo and podman write it. */
function descriptorsOf({ digest, size }: WrittenBlob, tags: readonly string[]): object[] {
  const descriptor = { mediaType: MANIFEST, digest, size };
  if (tags.length === 0) return [descriptor];
  return tags.map((tag) => ({ ...descriptor, annotations: { 'org.opencontainers.image.ref.name': tag } }));
}

/** RepoTags is null for an image without a name, as Docker writes it. */
const dockerManifest = ({ id, tags, layers }: SavedImage): object => ({
  Config: blobPath(id),
  RepoTags: tags.length === 0 ? null : tags,
  Layers: layers.map(({ digest }) => blobPath(digest)),
});

const toJson = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
