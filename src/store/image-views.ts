/** Images: queries. */

import type { LayerRecord } from '../projections/registry.ts';
import { tagsOf } from '../engine/decide/image.ts';
import type { SavedImage } from '../oci/save-layout.ts';
import { type HistoryStep, parseConfig, type ParsedConfig } from './image-config.ts';
import { saveImages, type SaveOptions } from './image-save.ts';
import { imageOf, type Moment } from './moment.ts';

/** A layer of an image. */
export interface LayerInfo {
  readonly diffId: string;
  readonly chainId: string;
  /** By Docker's rule: st_size over non-directories, hard links once. */
  readonly sizeBytes: number;
  /** Names and whiteouts. */
  readonly entries: number;
}

/** An image, as it is at one moment. A value: it does not change later. */
export interface ImageInfo {
  /** `sha256:…` of the config. */
  readonly id: string;
  /** Names, sorted; possibly none. */
  readonly tags: readonly string[];
  /** When the store got it. */
  readonly addedNs: bigint;
  readonly config: ParsedConfig;
  /** The config's bytes. */
  readonly configBytes: Uint8Array;
  /** Lowest first. */
  readonly layers: readonly LayerInfo[];
  /** Sum over its layers. */
  readonly sizeBytes: number;
}

/** A step of an image's history with the layer that it made. */
export interface ImageHistoryStep extends HistoryStep {
  /** 0 for a step without a layer. */
  readonly sizeBytes: number;
  readonly diffId: string | null;
}

/** The images of a store at one moment. */
export class ImageViews {
  readonly #moment: Moment;

  constructor(moment: Moment) {
    this.#moment = moment;
  }

  /** All images, the newest first. */
  list(): ImageInfo[] {
    const ids = [...this.#moment.world.registry.images.values()].toSorted((a, b) => b.seq - a.seq);
    return ids.map((image) => this.#info(image.image));
  }

  has(reference: string): boolean {
    const { registry } = this.#moment.world;
    return registry.images.size > 0 && this.#exists(reference);
  }

  /**
   * @param reference - A name (`app`, `app:1`), an id with or without `sha256:`, or the start of one.
   * @throws `ERR_NOT_FOUND`, `ERR_AMBIGUOUS`.
   */
  get(reference: string): ImageInfo {
    return this.#info(imageOf(this.#moment, reference).image);
  }

  /**
   * How the image came to be, the newest step first, as `docker history` shows it. Throws as {@link ImageViews.get}.
   */
  history(reference: string): ImageHistoryStep[] {
    const image = this.get(reference);
    let layer = 0;
    const steps = image.config.history.map((step): ImageHistoryStep => {
      const made = step.emptyLayer ? undefined : image.layers[layer++];
      return { ...step, sizeBytes: made?.sizeBytes ?? 0, diffId: made?.diffId ?? null };
    });
    // A config may lack a history, or one for every layer.
    for (; layer < image.layers.length; layer++) {
      const { sizeBytes, diffId } = image.layers[layer];
      steps.push({ created: null, createdBy: '', comment: '', author: '', emptyLayer: false, sizeBytes, diffId });
    }
    return steps.toReversed();
  }

  /**
   * Writes images to a file or directory, for other tools and other stores. The same history gives the same bytes.
   *
   * Layers are written in overlog's canonical form. One that was loaded from an archive of other bytes has another diffID
   * then: the config that is saved names the new ones, and {@link SavedImage.id} is not {@link SavedImage.recordedId}.
   *
   * @param references - As {@link ImageViews.get} takes them. Names are saved with the image; an image asked for by id has none.
   * @param path - Replaced when it is a file; a layout's directory must be empty or absent. It appears when it is whole.
   * @throws `ERR_NOT_FOUND`, `ERR_AMBIGUOUS`; `ERR_CONFLICT` for a directory that is not empty; `ERR_OCI_UNSUPPORTED` when a
   *   layer holds what no OCI layer can: a name that starts with `.wh.`. Nothing is written then.
   */
  save(references: string | readonly string[], path: string, options: SaveOptions = {}): Promise<SavedImage[]> {
    return saveImages(this.#moment, typeof references === 'string' ? [references] : references, path, options);
  }

  #exists(reference: string): boolean {
    try {
      imageOf(this.#moment, reference);
      return true;
    } catch {
      return false;
    }
  }

  #info(id: string): ImageInfo {
    const { world } = this.#moment;
    const image = imageOf(this.#moment, id);
    const layers = world.layersOf(id).map(layerInfo);
    return {
      id,
      tags: tagsOf(world.registry, id),
      addedNs: image.timeNs,
      config: parseConfig(image),
      configBytes: image.config,
      layers,
      sizeBytes: layers.reduce((sum, layer) => sum + layer.sizeBytes, 0),
    };
  }
}

function layerInfo(layer: LayerRecord): LayerInfo {
  return { diffId: layer.diffId, chainId: layer.chainId, sizeBytes: layer.bytes, entries: layer.entries };
}
