import { stat } from 'node:fs/promises';
import type { LayerSink } from '../engine/layer-sink.ts';
import { storeError } from '../events/log-error.ts';
import { digestOf } from './digest.ts';
import { openImageSource } from './image-archive.ts';
import type {
  ImageSource,
  ImageSourceKind,
  ImageSourceOptions,
  ReadLayerOptions,
  SourceImage,
  SourceLayer,
} from './image-source.ts';
import { isJsonObject, jsonArray, parseJsonObject } from './json.ts';
import type { JsonObject } from './json.ts';
import type { LayerStreamResult } from './layer-stream.ts';
import type { SourceWarning } from './source-warning.ts';

/**
 * The parts of `lower:lower:upper`, lowest first; null if the text is the path of something, or holds no colon.
 *
 * Note that mount(8) has the topmost first in `lowerdir=`.
 */
export async function stackParts(path: string): Promise<string[] | null> {
  if (!path.includes(':')) return null;
  const parts = path.split(':');
  if (parts.includes('') || (await stat(path).catch(() => null)) !== null) return null;
  return parts;
}

/**
 * Several sources on top of each other as one image: directories and tars are a layer each, an image is all of its layers.
 *
 * What is said of overlays holds for directories and tars, unless `dialect` is given: char 0:0 nodes and overlay's xattrs are
 * marks. The config is that of the lowest part, with the layers and the history of all.
 */
export class StackSource implements ImageSource {
  readonly kind = 'stack';
  readonly file: string;
  readonly images: readonly SourceImage[];
  readonly #parts: readonly ImageSource[];
  readonly #places = new Map<SourceLayer, { readonly part: ImageSource; readonly layer: SourceLayer }>();

  private constructor(file: string, parts: readonly ImageSource[], tags: readonly string[]) {
    this.file = file;
    this.#parts = parts;
    const layers: SourceLayer[] = [];
    for (const part of parts) {
      for (const layer of part.images[0].layers) {
        const placed = { ...layer, number: layers.length + 1 };
        layers.push(placed);
        this.#places.set(placed, { part, layer });
      }
    }
    const configBytes = joinConfigs(parts);
    this.images = [{ tags, manifestDigest: null, configDigest: digestOf(configBytes), configBytes, layers }];
  }

  /**
   * @param paths - Lowest first; each holds one image.
   * @param kind - What each of them is; left out: its content tells.
   * @throws As `openImageSource`; `ERR_INVALID_ARGUMENT` for a part of several images.
   */
  static async open(
    paths: readonly string[],
    options: ImageSourceOptions,
    kind?: ImageSourceKind,
  ): Promise<StackSource> {
    const { tags = [], kind: _, ...shared } = options;
    const parts: ImageSource[] = [];
    try {
      for (const path of paths) {
        const part = await openImageSource(path, { dialect: 'overlay', ...shared, kind });
        parts.push(part);
        if (part.images.length === 1) continue;
        const message = `${path} holds ${part.images.length} images; a part of a stack is one`;
        throw storeError('ERR_INVALID_ARGUMENT', message, { detail: { file: path } });
      }
    } catch (error) {
      for (const part of parts) await part.close();
      throw error;
    }
    return new StackSource(paths.at(-1) as string, parts, tags);
  }

  get warnings(): readonly SourceWarning[] {
    return this.#parts.flatMap((part) => part.warnings);
  }

  async readLayer(layer: SourceLayer, sink: LayerSink, options: ReadLayerOptions = {}): Promise<LayerStreamResult> {
    const place = this.#placeOf(layer);
    return place.part.readLayer(place.layer, sink, options);
  }

  async checkLayer(layer: SourceLayer, sink: LayerSink, options: ReadLayerOptions = {}): Promise<number> {
    const place = this.#placeOf(layer);
    return place.part.checkLayer(place.layer, sink, options);
  }

  #placeOf(layer: SourceLayer): { readonly part: ImageSource; readonly layer: SourceLayer } {
    const place = this.#places.get(layer);
    if (place === undefined) throw new TypeError('the layer belongs to another source');
    return place;
  }

  async close(): Promise<void> {
    for (const part of this.#parts) await part.close();
  }
}

function joinConfigs(parts: readonly ImageSource[]): Buffer {
  const configs = parts.map((part) => {
    return parseJsonObject(part.images[0].configBytes, 'the image config', { file: part.file });
  });
  const diffIds = parts.flatMap((part) => part.images[0].layers.map(({ diffId }) => diffId));
  const history = parts.flatMap((part, index) => historyOf(configs[index], part));
  return Buffer.from(JSON.stringify({ ...configs[0], rootfs: { type: 'layers', diff_ids: diffIds }, history }));
}

/** A history is optional, but one of the whole must tell of all layers. */
function historyOf(config: JsonObject, { file, images }: ImageSource): readonly unknown[] {
  const history = jsonArray(config, 'history', 'the image config', { file });
  const told = history.filter((step) => !isJsonObject(step) || step['empty_layer'] !== true).length;
  return [...history, ...Array.from({ length: images[0].layers.length - told }, () => ({}))];
}
