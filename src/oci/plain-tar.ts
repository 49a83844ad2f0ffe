import type { Blob } from './blob.ts';
import type { BlobImage } from './blob-image-source.ts';
import { DigestMeter, digestOf } from './digest.ts';
import { makePlainConfig } from './image-config.ts';
import type { ImageSourceOptions } from './image-source.ts';
import { DEFAULT_PLATFORM } from './platform.ts';

/** Creation time of an image that has none of its own. */
export const PLAIN_CREATED = '1970-01-01T00:00:00Z';

/**
 * Makes an image of one layer from the tar of a root file system, as `docker import` does.
 *
 * @param blob - The uncompressed tar; it is read once for its diffID.
 */
export async function readPlainTar(blob: Blob, options: ImageSourceOptions): Promise<BlobImage> {
  const meter = new DigestMeter();
  for await (const piece of blob.read()) meter.update(piece);
  return { image: plainImage(meter.finish(), blob.size, 'Imported from a tar', options), blobs: [blob] };
}

/** The image around one layer; the same layer and options give the same config. */
export function plainImage(
  diffId: string,
  size: number,
  comment: string,
  options: ImageSourceOptions,
): BlobImage['image'] {
  const configBytes = makePlainConfig({
    diffId,
    comment,
    created: options.created ?? PLAIN_CREATED,
    platform: options.platform ?? DEFAULT_PLATFORM,
  });
  return {
    tags: options.tags ?? [],
    manifestDigest: null,
    configDigest: digestOf(configBytes),
    configBytes,
    layers: [{ number: 1, diffId, mediaType: null, digest: null, size }],
  };
}
