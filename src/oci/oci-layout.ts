import { readWhole } from './blob.ts';
import type { Blob, ImageFiles } from './blob.ts';
import type { BlobImage } from './blob-image-source.ts';
import { digestAlgorithm, digestOf } from './digest.ts';
import { readImageConfig, imageId } from './image-config.ts';
import type { ImageSourceOptions, SourceLayer } from './image-source.ts';
import { CONFIG_BYTES_MAX, MANIFEST_BYTES_MAX, jsonArray, jsonString, parseJsonObject } from './json.ts';
import type { JsonObject } from './json.ts';
import { blobPath, descriptorTags, isAttestation, readDescriptor } from './oci-descriptor.ts';
import type { Descriptor } from './oci-descriptor.ts';
import { DEFAULT_PLATFORM, descriptorPlatform, fitOfPlatform, formatPlatform, parsePlatform } from './platform.ts';
import type { Platform } from './platform.ts';
import { sourceError } from './source-place.ts';
import type { SourcePlace } from './source-place.ts';
import type { WarningHandler } from './source-warning.ts';
import { storeError } from '../events/log-error.ts';

/** Indexes inside indexes. */
const INDEX_DEPTH_MAX = 8;

/** Manifests read for one layout, so that an index full of indexes ends. */
const MANIFESTS_MAX = 10_000;

/**
 * Finds the images of an OCI layout (image-spec, image-layout.md).
 *
 * `index.json` may name images, or indexes of one image for several platforms; each name gives one image. Of several platforms
 * the wanted one is taken, or the only one whose manifest is there.
 *
 * @throws StoreError `ERR_OCI_CORRUPT`, `ERR_OCI_DIGEST` or `ERR_OCI_UNSUPPORTED`.
 */
export async function readOciLayout(
  files: ImageFiles,
  options: ImageSourceOptions,
  onWarning: WarningHandler,
): Promise<BlobImage[]> {
  return new LayoutReader(files, wantedPlatform(options), onWarning).read();
}

function wantedPlatform(options: ImageSourceOptions): { platform: Platform; isAsked: boolean } {
  const platform = parsePlatform(options.platform ?? DEFAULT_PLATFORM);
  if (platform === null) {
    throw storeError(
      'ERR_INVALID_ARGUMENT',
      `platform "${options.platform}" is not of the form os/architecture[/variant]`,
    );
  }
  return { platform, isAsked: options.platform !== undefined };
}

interface FoundManifest {
  readonly descriptor: Descriptor;
  readonly manifest: JsonObject;
  readonly tags: readonly string[];
}

class LayoutReader {
  readonly #files: ImageFiles;
  readonly #place: SourcePlace;
  readonly #wanted: { platform: Platform; isAsked: boolean };
  readonly #onWarning: WarningHandler;
  #manifestsRead = 0;
  /** What a descriptor at a depth led to: an index may name another one as often as it likes. */
  readonly #followed = new Map<string, readonly FoundManifest[]>();

  constructor(files: ImageFiles, wanted: { platform: Platform; isAsked: boolean }, onWarning: WarningHandler) {
    this.#files = files;
    this.#place = { file: files.file };
    this.#wanted = wanted;
    this.#onWarning = onWarning;
  }

  async read(): Promise<BlobImage[]> {
    const index = await this.#files.find('index.json');
    if (index === null) throw this.#corrupt('index.json is missing');
    const bytes = await readWhole(index, MANIFEST_BYTES_MAX, 'index.json', this.#place);
    const entries = this.#manifestsOf(parseJsonObject(bytes, 'index.json', this.#place), 'index.json');
    const found: FoundManifest[] = [];
    for (const group of groupByName(entries)) found.push(...(await this.#choose(group, 1)));
    if (found.length === 0) throw this.#corrupt('index.json names no image');
    const images: BlobImage[] = [];
    for (const one of eachOnce(found)) images.push(await this.#readImage(one));
    return images;
  }

  /** The descriptors of an index. */
  #manifestsOf(index: JsonObject, what: string): Descriptor[] {
    const values = jsonArray(index, 'manifests', what, this.#place);
    return values.map((value, at) => readDescriptor(value, `${what}: manifest ${at + 1}`, this.#place));
  }

  /** Takes from descriptors that are alternatives the ones that are meant, and follows them to image manifests. */
  async #choose(all: readonly Descriptor[], depth: number): Promise<FoundManifest[]> {
    const images = all.filter((descriptor) => !isAttestation(descriptor));
    const present: Descriptor[] = [];
    for (const descriptor of images)
      if ((await this.#files.find(blobPath(descriptor.digest))) !== null) present.push(descriptor);
    if (images.length > 0 && present.length === 0) throw this.#corrupt(`the blob ${images[0].digest} is missing`);
    const platforms = present.map((descriptor) => descriptorPlatform(descriptor.json));
    const isChoice = present.length > 1 && platforms.every((platform) => platform !== null);
    const fits = platforms.map((platform) => (platform === null ? 2 : fitOfPlatform(platform, this.#wanted.platform)));
    const matching = [2, 1].flatMap((fit) => present.filter((_, at) => fits[at] === fit));
    if (matching.length === 0 && (isChoice || (this.#wanted.isAsked && present.length > 0))) {
      const names = platforms.filter((platform) => platform !== null).map(formatPlatform);
      const message = `no image for ${formatPlatform(this.#wanted.platform)}; there are ${names.join(', ')}`;
      throw sourceError('ERR_OCI_UNSUPPORTED', message, this.#place);
    }
    // Images without a name in index.json may be different ones for one platform; elsewhere the first that matches is meant.
    const isOneImage = isChoice && (depth > 1 || descriptorTags(all[0]).length > 0);
    const matched = isOneImage ? matching.slice(0, 1) : matching;
    const taken = matched.length > 0 ? matched : present;
    const found: FoundManifest[] = [];
    for (const descriptor of taken) found.push(...(await this.#follow(descriptor, depth)));
    return eachOnce(found);
  }

  async #follow(descriptor: Descriptor, depth: number): Promise<FoundManifest[]> {
    const key = `${depth} ${descriptor.size} ${descriptor.digest}`;
    const followed = this.#followed.get(key) ?? (await this.#readImages(descriptor, depth));
    this.#followed.set(key, followed);
    const tags = descriptorTags(descriptor);
    return followed.map((one) => ({ ...one, tags: tags.length > 0 ? tags : one.tags }));
  }

  /** Reads the manifest or index that a descriptor points at. Media types may be missing or wrong, so the content tells. */
  async #readImages(descriptor: Descriptor, depth: number): Promise<FoundManifest[]> {
    if (depth > INDEX_DEPTH_MAX) throw this.#corrupt(`indexes are nested deeper than ${INDEX_DEPTH_MAX} levels`);
    if (++this.#manifestsRead > MANIFESTS_MAX) throw this.#corrupt(`more than ${MANIFESTS_MAX} manifests`);
    const what = `manifest ${descriptor.digest}`;
    const bytes = await this.#readVerified(descriptor, MANIFEST_BYTES_MAX, what);
    const manifest = parseJsonObject(bytes, what, this.#place);
    if (Array.isArray(manifest['manifests'])) return this.#choose(this.#manifestsOf(manifest, what), depth + 1);
    const reason = notAnImage(manifest);
    if (reason === null) return [{ descriptor, manifest, tags: [] }];
    if (depth > 1) throw sourceError('ERR_OCI_UNSUPPORTED', `${what} ${reason}`, this.#place);
    this.#onWarning({ file: this.#files.file, layer: null, entry: null, message: `${what} ${reason}; it is left out` });
    return [];
  }

  async #readImage({ descriptor, manifest, tags }: FoundManifest): Promise<BlobImage> {
    const what = `manifest ${descriptor.digest}`;
    const configDescriptor = readDescriptor(manifest['config'], `${what}: config`, this.#place);
    const configBytes = await this.#readVerified(configDescriptor, CONFIG_BYTES_MAX, 'the image config');
    const values = jsonArray(manifest, 'layers', what, this.#place);
    const { diffIds } = readImageConfig(configBytes, values.length, this.#place);
    const layers: SourceLayer[] = [];
    const blobs: Blob[] = [];
    for (const [at, value] of values.entries()) {
      const place = { ...this.#place, layer: `layer ${at + 1} of ${values.length}` };
      const layer = readDescriptor(value, 'its descriptor', place);
      blobs.push(await this.#findLayer(layer, place));
      const { mediaType, digest, size } = layer;
      layers.push({ number: at + 1, diffId: diffIds[at], mediaType, digest, size });
    }
    const manifestDigest = descriptor.digest;
    return { image: { tags, manifestDigest, configDigest: imageId(configBytes), configBytes, layers }, blobs };
  }

  async #findLayer(layer: Descriptor, place: SourcePlace): Promise<Blob> {
    if (layer.mediaType?.endsWith('+encrypted') === true) {
      throw sourceError('ERR_OCI_UNSUPPORTED', 'the layer is encrypted', place);
    }
    const blob = await this.#files.find(blobPath(layer.digest));
    if (blob !== null) return blob;
    const isForeign = layer.hasUrls || /foreign|nondistributable/.test(layer.mediaType ?? '');
    if (isForeign)
      throw sourceError('ERR_OCI_UNSUPPORTED', 'the layer is not in the archive; it is to be fetched elsewhere', place);
    throw sourceError('ERR_OCI_CORRUPT', `the blob ${layer.digest} is missing`, place);
  }

  async #readVerified(descriptor: Descriptor, bytesMax: number, what: string): Promise<Buffer> {
    const { digest, size } = descriptor;
    const blob = await this.#files.find(blobPath(digest));
    if (blob === null) throw this.#corrupt(`the blob ${digest} (${what}) is missing`);
    const bytes = await readWhole(blob, bytesMax, what, this.#place);
    const actual = digestOf(bytes, digestAlgorithm(digest));
    if (actual !== digest) throw sourceError('ERR_OCI_DIGEST', `${what} is ${actual}, not ${digest}`, this.#place);
    if (bytes.length !== size) {
      throw sourceError(
        'ERR_OCI_DIGEST',
        `${what} has ${bytes.length} bytes, its descriptor says ${size}`,
        this.#place,
      );
    }
    return bytes;
  }

  #corrupt(message: string): Error {
    return sourceError('ERR_OCI_CORRUPT', message, this.#place);
  }
}

/** Each manifest once, with all the names that it was found by. */
function eachOnce(all: readonly FoundManifest[]): FoundManifest[] {
  const found = new Map<string, { readonly one: FoundManifest; readonly tags: Set<string> }>();
  for (const one of all) {
    const known = found.get(one.descriptor.digest);
    if (known === undefined) found.set(one.descriptor.digest, { one, tags: new Set(one.tags) });
    else for (const tag of one.tags) known.tags.add(tag);
  }
  return [...found.values()].map(({ one, tags }) => ({ ...one, tags: [...tags] }));
}

/** Descriptors of one name are alternatives (one per platform); those without a name stand each for themselves. */
function groupByName(descriptors: readonly Descriptor[]): Descriptor[][] {
  const groups = new Map<string, Descriptor[]>();
  for (const [at, descriptor] of descriptors.entries()) {
    const name = descriptorTags(descriptor)[0];
    const key = name === undefined ? `#${descriptorPlatform(descriptor.json) === null ? at : 'platforms'}` : `=${name}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [descriptor]);
    else group.push(descriptor);
  }
  return [...groups.values()];
}

/** Why a manifest is no image's: schema 1, or an artifact such as a signature or a chart; null if it is one. */
function notAnImage(manifest: JsonObject): string | null {
  if (manifest['schemaVersion'] === 1) return 'has the schema version 1, which has no config';
  if (typeof manifest['artifactType'] === 'string') return `is an artifact (${manifest['artifactType'].slice(0, 100)})`;
  const config = manifest['config'];
  const type = typeof config === 'object' && config !== null ? jsonString(config as JsonObject, 'mediaType') : null;
  if (type === null || IMAGE_CONFIG_TYPES.has(type)) return null;
  return `is an artifact (its config is ${type.slice(0, 100)})`;
}

const IMAGE_CONFIG_TYPES: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
  'application/octet-stream',
]);
