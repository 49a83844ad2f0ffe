/** Reading a source through once before anything of it is stored: the log is only appended to, and a refusal shall leave nothing. */

import { createHash } from 'node:crypto';
import type { ChunkStore } from '../events/chunk-store.ts';
import { isStoreError, storeError } from '../events/log-error.ts';
import { chainIdsOf } from '../engine/decide/image.ts';
import { dockerLayerChecker } from '../engine/docker-layer-builder.ts';
import { layerChecker } from '../engine/layer-builder.ts';
import type { LayerSink } from '../engine/layer-sink.ts';
import type { ImageSource, SourceImage, SourceLayer } from '../oci/image-source.ts';
import { tarLimits } from '../oci/limits.ts';
import { sourceError } from '../oci/source-place.ts';
import { mergeLayer } from '../projections/tree/merge.ts';
import type { Tree } from '../projections/tree/tree.ts';
import { builderFor, expectSameLayer, NOWHERE, viewOf } from './image-build.ts';
import type { LoadOptions } from './load-options.ts';
import type { LiveMoment } from './moment.ts';

/**
 * Finds what would be refused: in the archives, and in what their entries would make of one another. Names and attributes of all
 * layers are in memory meanwhile, content is not. A source of which the store has everything is not read.
 *
 * @throws As `readLayer`; as the builders of layers; `ERR_CONFLICT` when the store has a layer as the other rules read it;
 *   `ERR_OCI_UNSUPPORTED` for more entries than fit in memory.
 */
export async function checkSource(live: LiveMoment, source: ImageSource, options: LoadOptions): Promise<void> {
  if (options.compat !== 'docker' && source.images.every((image) => isKnown(live, image))) return;
  const { entriesMax } = tarLimits(options.limits);
  const checked = new Map<string, Tree>();
  let entries = 0;
  for (const image of source.images) {
    const chain = chainOf(image);
    let below = live.world.lowers.empty;
    for (const [index, layer] of image.layers.entries()) {
      const chainId = chain[index];
      const known = checked.get(chainId);
      if (known !== undefined) {
        below = known;
        continue;
      }
      const place = { file: source.file, layer: `layer ${layer.number} of ${image.layers.length}` };
      const check = checkFor(live, { chain: chain.slice(0, index + 1), index, below }, options);
      try {
        entries += await readForErrors(source, layer, check.sink, image, options);
        below = check.finish();
      } catch (error) {
        throw placed(error, place.file, place.layer);
      }
      checked.set(chainId, below);
      if (entries <= entriesMax) continue;
      throw sourceError('ERR_OCI_UNSUPPORTED', `the layers up to this one have more than ${entriesMax} entries`, place);
    }
  }
}

const chainOf = ({ layers }: SourceImage): string[] => chainIdsOf(layers.map(({ diffId }) => diffId));

const isKnown = (live: LiveMoment, image: SourceImage): boolean =>
  chainOf(image).every((chainId) => live.world.registry.layers.has(chainId));

function readForErrors(
  source: ImageSource,
  layer: SourceLayer,
  sink: LayerSink,
  { layers }: SourceImage,
  { onProgress }: LoadOptions,
): Promise<number> {
  return source.checkLayer(layer, sink, {
    onProgress: (done) => onProgress?.({ phase: 'checking', layer: layer.number, layers: layers.length, ...done }),
  });
}

/** What takes the entries of a layer, and then gives the view of the stack that it is the top of. */
interface LayerCheck {
  readonly sink: LayerSink;
  readonly finish: () => Tree;
}

/** @param at.chain - Of the stack up to the layer, whose place in it is `index`; `below` is the view of those under it. */
function checkFor(
  live: LiveMoment,
  { chain, index, below }: { chain: readonly string[]; index: number; below: Tree },
  { compat }: LoadOptions,
): LayerCheck {
  const stored = viewOf(live, chain);
  if (stored !== undefined && compat !== 'docker') return { sink: NOWHERE, finish: () => stored };
  if (stored !== undefined) {
    const builder = builderFor(new ChunkDigests(), { compat: 'docker' }, below);
    const finish = (): Tree => {
      expectSameLayer(live, chain[index], builder.finish());
      return stored;
    };
    return { sink: builder, finish };
  }
  const checker = compat === 'docker' ? dockerLayerChecker() : layerChecker(below);
  return { sink: checker, finish: () => mergeLayer(below, checker.finish(), index) };
}

const NOT_KEPT = new Error('content of a layer that is only checked is not kept');

/** Chunks of which the digests alone are kept: enough for the Merkle root of a tree. */
class ChunkDigests implements ChunkStore {
  readonly #digests: Buffer[] = [];
  readonly #lengths: number[] = [];

  get head(): number {
    return this.#digests.length;
  }

  put(bytes: Uint8Array): number {
    this.#lengths.push(bytes.length);
    return this.#digests.push(createHash('sha256').update(bytes).digest());
  }

  byteLength(chunk: number): number {
    return this.#lengths[chunk - 1];
  }

  digest(chunk: number): Uint8Array {
    return this.#digests[chunk - 1];
  }

  sum(): never {
    throw NOT_KEPT;
  }

  get(): never {
    throw NOT_KEPT;
  }

  putDropped(): never {
    throw new Error('a layer that is only checked has no dropped chunks');
  }
}

/** What a layer's builder refuses knows the entry; where that is, is known here. */
export function placed(error: unknown, file: string, layer: string): unknown {
  if (!isStoreError(error) || !error.code.startsWith('ERR_OCI_') || 'file' in error.detail) return error;
  const detail = { ...error.detail, file, layer };
  return storeError(error.code, `${file}, ${layer}, ${error.message}`, { detail, cause: error });
}
