import type { LayerSink } from '../engine/layer-sink.ts';
import type { LayerStreamResult } from './layer-stream.ts';
import type { LayerDialect } from './layer-reader.ts';
import type { TarLimits } from './limits.ts';
import type { SourceWarning, WarningHandler } from './source-warning.ts';

/** The form in which images came. */
export type ImageSourceKind = 'oci-layout' | 'oci-archive' | 'docker-archive' | 'tar' | 'directory';

/** A layer as an image names it. */
export interface SourceLayer {
  /** Its place in the image; the lowest is 1. */
  readonly number: number;
  /** What the config says; {@link ImageSource.readLayer} verifies it. */
  readonly diffId: string;
  /** As the manifest says; null where the form has none. It is never trusted. */
  readonly mediaType: string | null;
  /** Digest of the stored blob, null where the form has none. */
  readonly digest: string | null;
  /** Bytes as stored, compressed or not. */
  readonly size: number;
}

/** An image in a source. */
export interface SourceImage {
  /** Names as the archive writes them: `localhost/app:1`, or only a tag where an OCI layout holds no more. Possibly none. */
  readonly tags: readonly string[];
  /** Null where the form has no manifest with a digest. */
  readonly manifestDigest: string | null;
  /** SHA-256 of the config's bytes: the image id. */
  readonly configDigest: string;
  readonly configBytes: Buffer;
  /** From the lowest to the uppermost. */
  readonly layers: readonly SourceLayer[];
}

/** What reading a layer takes besides the sink. */
export interface ReadLayerOptions {
  /** Called now and then with the stored bytes read so far. */
  readonly onProgress?: ((progress: { bytes: number; totalBytes: number }) => void) | undefined;
}

/** Images that can be read, wherever they lie. Close it when done. */
export interface ImageSource {
  /** `stack`: several sources on top of each other. */
  readonly kind: ImageSourceKind | 'stack';
  /** The path that was opened; of a stack the uppermost. */
  readonly file: string;
  readonly images: readonly SourceImage[];
  /** What was odd so far, in opening and in every layer read. */
  readonly warnings: readonly SourceWarning[];
  /**
   * Reads a layer into a sink and verifies the digest of its blob and its diffID.
   *
   * @param layer - One of this source's own.
   * @throws StoreError `ERR_OCI_DIGEST`, `ERR_OCI_CORRUPT` or `ERR_OCI_UNSUPPORTED`, naming file, layer and entry. The sink has
   *   then got a part of a layer, which the caller throws away.
   */
  readLayer(layer: SourceLayer, sink: LayerSink, options?: ReadLayerOptions): Promise<LayerStreamResult>;
  /**
   * Reads a layer for its errors, which are those of {@link readLayer}, and for its entries; warnings wait for that. Of what is no
   * archive the content is not read, and not handed on.
   *
   * @returns Entries of its tar; 0 for what is none.
   */
  checkLayer(layer: SourceLayer, sink: LayerSink, options?: ReadLayerOptions): Promise<number>;
  close(): Promise<void>;
}

/** How a source is opened. */
export interface ImageSourceOptions {
  /** `os/architecture[/variant]` to choose from an image for several platforms; default `linux/amd64`, or the only one there is. */
  readonly platform?: string | undefined;
  /** For plain tars and directories: how they say that something is gone. Default `oci`; `overlay` for upper directories. */
  readonly dialect?: LayerDialect | undefined;
  /** For plain tars and directories: creation time in the config, RFC 3339. Default `1970-01-01T00:00:00Z`. */
  readonly created?: string | undefined;
  /** For plain tars and directories: names of the image. */
  readonly tags?: readonly string[] | undefined;
  /** Takes a source for what it is not recognised as, such as a root file system that holds a `manifest.json`. */
  readonly kind?: ImageSourceKind | undefined;
  readonly limits?: Partial<TarLimits> | undefined;
  /** Where a compressed archive is unpacked while it is open; default the system's temporary directory. */
  readonly tempDirectory?: string | undefined;
  readonly onWarning?: WarningHandler | undefined;
}
