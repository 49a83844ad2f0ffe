/** Loading images from files and directories. */

import { basename } from 'node:path';
import { storeError } from '../events/log-error.ts';
import { checkReference, imageIdOf, isReference, LAYERS_MAX } from '../engine/decide/image.ts';
import { openImageSource } from '../oci/image-archive.ts';
import type { ImageSource, ImageSourceOptions, SourceImage } from '../oci/image-source.ts';
import { sourceError } from '../oci/source-place.ts';
import { StackSource, stackParts } from '../oci/stack-source.ts';
import { addPrepared, type NewImage, type PreparedImage, type PreparedLayer, prepareImage } from './image-build.ts';
import { checkSource, placed } from './image-check.ts';
import type { LoadOptions } from './load-options.ts';
import type { LiveMoment } from './moment.ts';

export interface LoadedImage {
  /** `sha256:…` of the config. */
  readonly id: string;
  readonly tags: readonly string[];
  /** The store had the image before. */
  readonly wasKnown: boolean;
}

/** Reads all images of a source, then adds them in one transaction. */
export async function loadImages(live: LiveMoment, path: string, options: LoadOptions): Promise<LoadedImage[]> {
  const parts = await stackParts(path);
  const sourceOptions = sourceOptionsOf(options);
  const source = await (parts === null ? openImageSource(path, sourceOptions) : StackSource.open(parts, sourceOptions));
  return loadSource(live, path, source, options);
}

/**
 * The same of directories that lie over one another, whatever is in them.
 *
 * @param paths - Lowest first.
 */
export async function loadDirectories(
  live: LiveMoment,
  paths: readonly string[],
  options: LoadOptions,
): Promise<LoadedImage> {
  const source = await StackSource.open(paths, sourceOptionsOf(options), 'directory');
  const [image] = await loadSource(live, paths.join(':'), source, options);
  return image;
}

function sourceOptionsOf(options: LoadOptions): ImageSourceOptions {
  const { tag: _, onProgress: __, compat: ___, ...sourceOptions } = options;
  return sourceOptions;
}

async function loadSource(
  live: LiveMoment,
  path: string,
  source: ImageSource,
  options: LoadOptions,
): Promise<LoadedImage[]> {
  const { tag } = options;
  const tags = tag === undefined ? undefined : typeof tag === 'string' ? [tag] : tag;
  try {
    if (tags !== undefined && source.images.length !== 1) {
      const held = source.images.map((image) => image.tags.join(', ')).join('; ');
      const message = `${path} holds ${source.images.length} images (${held}): one name is not for all`;
      throw storeError('ERR_INVALID_ARGUMENT', message);
    }
    const names = source.images.map((image) => namesOf(source, image, tags));
    if (names.flat().length > NAMES_MAX) {
      throw sourceError('ERR_OCI_UNSUPPORTED', `it has more than ${NAMES_MAX} names for images`, { file: source.file });
    }
    for (const { layers } of source.images) {
      if (layers.length <= LAYERS_MAX) continue;
      const message = `an image of ${layers.length} layers; at most ${LAYERS_MAX} are stacked, as in the kernel`;
      throw sourceError('ERR_OCI_UNSUPPORTED', message, { file: source.file });
    }
    await checkSource(live, source, options);
    const built = new Map<string, PreparedLayer>();
    const images: PreparedImage[] = [];
    for (const [index, image] of source.images.entries()) {
      const wanted = newImage(source, image, names[index], options);
      const prepared = prepareImage(live, wanted.image, built).catch((error: unknown) => {
        throw placed(error, source.file, wanted.place());
      });
      images.push(await prepared);
    }
    const known = images.map(({ config }) => live.world.registry.images.has(imageIdOf(config)));
    const ids = await addPrepared(live, images, built);
    return ids.map((id, index) => ({ id, tags: images[index].references, wasKnown: known[index] }));
  } finally {
    await source.close();
  }
}

/** Each is an event of one transaction. */
const NAMES_MAX = 1000;

/** A source's image, with a function for each layer that reads it; and which layer was read last. */
function newImage(
  source: ImageSource,
  image: SourceImage,
  tags: readonly string[],
  options: LoadOptions,
): { image: NewImage; place: () => string } {
  const { onProgress, onWarning, compat } = options;
  const layers = image.layers.length;
  let number = 0;
  const place = (): string => `layer ${number} of ${layers}`;
  const wanted: NewImage = {
    config: image.configBytes,
    tags,
    ...(compat !== undefined && { compat }),
    layers: image.layers.map((layer) => async (sink) => {
      number = layer.number;
      await source.readLayer(layer, sink, {
        onProgress: ({ bytes, totalBytes }) =>
          onProgress?.({ phase: 'storing', layer: number, layers, bytes, totalBytes }),
      });
    }),
    warn: (entry, message) => {
      onWarning?.({ file: source.file, layer: place(), entry, message });
    },
  };
  return { image: wanted, place };
}

/**
 * The names that an image gets. Where the source has only a tag for it, or nothing at all, the file's own name stands in:
 * `app.oci.tar` with the tag `1` is `app:1`.
 */
function namesOf(source: ImageSource, image: SourceImage, asked: readonly string[] | undefined): string[] {
  if (asked !== undefined) return asked.map(checkReference);
  const stem = basename(source.file).toLowerCase().replace(FILE_ENDINGS, '');
  const tags = image.tags.length === 0 && source.images.length === 1 ? ['latest'] : image.tags;
  const names = tags.map((tag) => (/[:/@]/.test(tag) ? tag : `${stem}:${tag}`));
  return names.filter((name) => isReference(name)).map(checkReference);
}

const FILE_ENDINGS = /(?:[._-]?(?:oci|docker|archive|tar|tgz|gz|zst))+$/;
