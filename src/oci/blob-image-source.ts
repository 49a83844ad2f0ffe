import type { LayerSink } from '../engine/layer-sink.ts';
import { isStoreError } from '../events/log-error.ts';
import type { Blob, ImageFiles } from './blob.ts';
import { DigestMeter, digestAlgorithm } from './digest.ts';
import type {
  ImageSource,
  ImageSourceKind,
  ImageSourceOptions,
  ReadLayerOptions,
  SourceImage,
  SourceLayer,
} from './image-source.ts';
import { readLayerStream } from './layer-stream.ts';
import type { LayerStreamResult } from './layer-stream.ts';
import type { LayerDialect } from './layer-reader.ts';
import { sourceError } from './source-place.ts';
import type { SourcePlace } from './source-place.ts';
import { WarningList } from './source-warning.ts';
import type { SourceWarning, WarningHandler } from './source-warning.ts';

/** An image and where its layers are stored. */
export interface BlobImage {
  readonly image: SourceImage;
  /** One for each of `image.layers`. */
  readonly blobs: readonly Blob[];
}

/** Images whose layers are tars, compressed or not, in {@link ImageFiles}. */
export class BlobImageSource implements ImageSource {
  readonly kind: ImageSourceKind;
  readonly file: string;
  readonly images: readonly SourceImage[];
  readonly #files: ImageFiles;
  readonly #warnings: WarningList;
  readonly #options: ImageSourceOptions;
  readonly #dialect: LayerDialect;
  readonly #stored = new Map<SourceLayer, { blob: Blob; layerCount: number }>();

  /** @param parts.files - Closed by {@link close}. */
  constructor(
    parts: {
      kind: ImageSourceKind;
      files: ImageFiles;
      images: readonly BlobImage[];
      warnings: WarningList;
      dialect?: LayerDialect;
    },
    options: ImageSourceOptions,
  ) {
    this.kind = parts.kind;
    this.file = parts.files.file;
    this.images = parts.images.map(({ image }) => image);
    this.#files = parts.files;
    this.#warnings = parts.warnings;
    this.#options = options;
    this.#dialect = parts.dialect ?? 'oci';
    for (const { image, blobs } of parts.images) {
      image.layers.forEach((layer, index) => {
        this.#stored.set(layer, { blob: blobs[index], layerCount: image.layers.length });
      });
    }
  }

  get warnings(): readonly SourceWarning[] {
    return this.#warnings.list();
  }

  readLayer(layer: SourceLayer, sink: LayerSink, options: ReadLayerOptions = {}): Promise<LayerStreamResult> {
    return this.#read(layer, sink, { ...options, onWarning: this.#warnings.add });
  }

  async checkLayer(layer: SourceLayer, sink: LayerSink, options: ReadLayerOptions = {}): Promise<number> {
    return (await this.#read(layer, sink, options)).entries;
  }

  async #read(
    layer: SourceLayer,
    sink: LayerSink,
    options: ReadLayerOptions & { readonly onWarning?: WarningHandler },
  ): Promise<LayerStreamResult> {
    const stored = this.#stored.get(layer);
    if (stored === undefined) throw new TypeError('the layer belongs to another source');
    const place = { file: this.file, layer: `layer ${layer.number} of ${stored.layerCount}` };
    if (stored.blob.size !== layer.size) {
      throw sourceError(
        'ERR_OCI_DIGEST',
        `the blob has ${stored.blob.size} bytes, the manifest says ${layer.size}`,
        place,
      );
    }
    const meter = new BlobMeter(stored.blob, layer, place);
    const { limits } = this.#options;
    const reading = { ...place, dialect: this.#dialect, limits, onWarning: options.onWarning };
    let result: LayerStreamResult;
    try {
      result = await readLayerStream(meter.read(options.onProgress), sink, reading);
    } catch (error) {
      // Damage shows in many ways; a wrong digest is the plainest word for it.
      if (isStoreError(error, 'ERR_OCI_CORRUPT')) await meter.verify(error);
      throw error;
    }
    await meter.verify();
    if (result.diffId !== layer.diffId) {
      const message = `the uncompressed layer is ${result.diffId}, the config says ${layer.diffId}`;
      throw sourceError('ERR_OCI_DIGEST', message, place);
    }
    return result;
  }

  async close(): Promise<void> {
    await this.#files.close();
  }
}

/** Computes the digest of a blob while it is read, and of the part that was left unread. */
class BlobMeter {
  readonly #blob: Blob;
  readonly #expected: string | null;
  readonly #meter: DigestMeter;
  #bytes = 0;
  readonly #place: SourcePlace;

  constructor(blob: Blob, layer: SourceLayer, place: SourcePlace) {
    this.#blob = blob;
    this.#expected = layer.digest;
    this.#meter = new DigestMeter(layer.digest === null ? 'sha256' : digestAlgorithm(layer.digest));
    this.#place = place;
  }

  async *read(onProgress: ReadLayerOptions['onProgress']): AsyncGenerator<Uint8Array> {
    const totalBytes = this.#blob.size;
    for await (const piece of this.#blob.read()) {
      if (this.#expected !== null) this.#meter.update(piece);
      this.#bytes += piece.length;
      yield piece;
      onProgress?.({ bytes: this.#bytes, totalBytes });
    }
  }

  /** @param cause - The error that made the reading stop early. */
  async verify(cause?: unknown): Promise<void> {
    if (this.#expected === null) return;
    for await (const piece of this.#blob.read(this.#bytes)) this.#meter.update(piece);
    const digest = this.#meter.finish();
    if (digest === this.#expected) return;
    throw sourceError(
      'ERR_OCI_DIGEST',
      `the blob is ${digest}, the manifest says ${this.#expected}`,
      this.#place,
      cause,
    );
  }
}
