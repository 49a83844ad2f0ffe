import { digestOf, isDigest } from './digest.ts';
import { isJsonObject, jsonArray, jsonMember, jsonString, parseJsonObject } from './json.ts';
import { sourceError } from './source-place.ts';
import type { SourcePlace } from './source-place.ts';

/** What loading needs from an image config (OCI image-spec, config.md). */
export interface ImageConfig {
  readonly diffIds: readonly string[];
  readonly os: string | null;
  readonly architecture: string | null;
  readonly variant: string | null;
}

/**
 * Reads an image config and checks that its parts fit.
 *
 * @param layerCount - Layers that the manifest lists.
 * @throws StoreError `ERR_OCI_CORRUPT` if diff_ids, history (its entries without `empty_layer`) and layers differ in number.
 */
export function readImageConfig(bytes: Uint8Array, layerCount: number, place: SourcePlace): ImageConfig {
  const what = 'the image config';
  const config = parseJsonObject(bytes, what, place);
  const diffIds = jsonArray(jsonMember(config, 'rootfs'), 'diff_ids', `${what}, rootfs`, place);
  for (const diffId of diffIds) {
    if (isDigest(diffId) && diffId.startsWith('sha256:')) continue;
    throw sourceError('ERR_OCI_CORRUPT', `${what} has a diff_id that is no SHA-256 digest`, place);
  }
  if (diffIds.length !== layerCount) {
    throw sourceError('ERR_OCI_CORRUPT', `${what} has ${diffIds.length} diff_ids for ${layerCount} layers`, place);
  }
  const history = jsonArray(config, 'history', what, place);
  const withLayer = history.filter((step) => !isJsonObject(step) || step['empty_layer'] !== true).length;
  // History is optional; one that is there must account for every layer.
  if (history.length > 0 && withLayer !== layerCount) {
    throw sourceError(
      'ERR_OCI_CORRUPT',
      `${what} has a history of ${withLayer} layers for ${layerCount} layers`,
      place,
    );
  }
  return {
    diffIds: diffIds as string[],
    os: jsonString(config, 'os'),
    architecture: jsonString(config, 'architecture'),
    variant: jsonString(config, 'variant'),
  };
}

/** Makes the config of an image that is one tree: the same tree gives the same bytes. */
export function makePlainConfig(options: {
  diffId: string;
  created: string;
  comment: string;
  platform: string;
}): Buffer {
  const [os, architecture, variant] = options.platform.split('/');
  const config = {
    created: options.created,
    architecture: architecture ?? 'amd64',
    ...(variant === undefined ? {} : { variant }),
    os,
    config: {},
    rootfs: { type: 'layers', diff_ids: [options.diffId] },
    history: [{ created: options.created, comment: options.comment }],
  };
  return Buffer.from(JSON.stringify(config));
}

/** The image id: SHA-256 of the config's bytes. */
export function imageId(configBytes: Uint8Array): string {
  return digestOf(configBytes);
}
