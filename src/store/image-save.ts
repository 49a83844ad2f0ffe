/** Saving images: the layers' canonical tars, in the forms that other tools load. */

import { framedTar } from '../engine/layer-framing.ts';
import { storeError } from '../events/log-error.ts';
import { tagsOf } from '../engine/decide/image.ts';
import type { BlobCompression } from '../oci/blob-writer.ts';
import { saveArchive, type SaveFormat } from '../oci/save-archive.ts';
import type { ImageToSave, LayerToSave, SavedImage } from '../oci/save-layout.ts';
import { type ImageRecord, normalizeReference } from '../projections/registry.ts';
import { layerTarPieces } from './layer-tar.ts';
import { imageOf, type Moment } from './moment.ts';

export interface SaveProgress {
  /** Which of the layers that are written, from 1; a layer that several images have is written once. */
  readonly layer: number;
  readonly layers: number;
  /** Bytes of the layer's tar so far. */
  readonly bytes: number;
}

export interface SaveOptions {
  /** Default `oci-archive`. */
  readonly format?: SaveFormat;
  /** Of the layers. Default: `gzip`, in a docker-archive `none`. Blobs of `none` are the same bytes on every machine. */
  readonly compression?: BlobCompression;
  readonly onProgress?: (progress: SaveProgress) => void;
}

/** Saves images, each once, under the names by which they were asked for; one that was asked for by id has none. */
export async function saveImages(
  moment: Moment,
  references: readonly string[],
  path: string,
  options: SaveOptions,
): Promise<SavedImage[]> {
  if (references.length === 0) throw storeError('ERR_INVALID_ARGUMENT', 'no image is named');
  const asked = new Map<string, { readonly record: ImageRecord; readonly tags: Set<string> }>();
  for (const reference of references) {
    const record = imageOf(moment, reference);
    const { tags } = asked.get(record.image) ?? { tags: new Set<string>() };
    const name = normalizeReference(reference);
    if (tagsOf(moment.world.registry, record.image).includes(name)) tags.add(name);
    asked.set(record.image, { record, tags });
  }
  const chains = new Set([...asked.values()].flatMap(({ record }) => record.layers));
  const saving: Saving = { moment, layers: chains.size, started: 0, onProgress: options.onProgress };
  const images = [...asked.values()].map(({ record, tags }): ImageToSave => {
    return { tags: [...tags], config: record.config, layers: layersToSave(saving, record) };
  });
  return saveArchive(path, images, { format: options.format ?? 'oci-archive', compression: options.compression });
}

interface Saving {
  readonly moment: Moment;
  readonly layers: number;
  started: number;
  readonly onProgress: SaveOptions['onProgress'];
}

function layersToSave(saving: Saving, { image }: ImageRecord): LayerToSave[] {
  const { world, chunks } = saving.moment;
  const records = world.layersOf(image);
  return records.map((record, index) => ({
    key: record.chainId,
    diffId: record.diffId,
    *pieces() {
      const layer = ++saving.started;
      const below = world.lowers.stack(records.slice(0, index));
      let bytes = 0;
      const tree = world.lowers.layer(record);
      const isFramed = record.framing.length > 0;
      for (const piece of isFramed ? framedTar(record.framing, tree, chunks) : layerTarPieces(tree, chunks, below)) {
        bytes += piece.length;
        saving.onProgress?.({ layer, layers: saving.layers, bytes });
        yield piece;
      }
    },
  }));
}
