/** Committing a container: its upper becomes a layer on top of its image. */

import { buildFromUpper } from '../engine/commit-upper.ts';
import { chainIdOf, checkReference, imageIdOf, type NewLayer } from '../engine/decide/image.ts';
import { commitContainer } from '../engine/decide/image-commit.ts';
import type { RunConfigJson } from '../engine/run-config.ts';
import type { ContainerRecord } from '../projections/registry.ts';
import { mergeLayer } from '../projections/tree/merge.ts';
import { changedConfig } from './change-instructions.ts';
import { containerCmd, containerConfig } from './container-config.ts';
import { extendConfig, formatTime } from './image-config.ts';
import { layerDiffId } from './layer-tar.ts';
import type { LiveMoment } from './moment.ts';

export interface CommitOptions {
  /** Names for the image. */
  readonly tag?: string | readonly string[];
  readonly author?: string;
  /** A note for the history. */
  readonly message?: string;
  /** What the history says made the layer. Default: the container's command, without its entrypoint. */
  readonly createdBy?: string;
  /**
   * Instructions of a Dockerfile for the config, `ENV A=1`, `CMD ["sh"]`; or members of it to set, in Docker's spelling:
   * `{ Cmd: ['sh'], Env: ['A=1'] }`.
   */
  readonly changes?: readonly string[] | Readonly<Record<string, unknown>>;
  /** Pause a running container meanwhile. Default true. */
  readonly pause?: boolean;
}

/** Does it; gives the image's id. An upper with nothing in it makes a history step without a layer. */
export function commit(live: LiveMoment, container: ContainerRecord, options: CommitOptions, timeNs: bigint): string {
  const { world, engine } = live;
  const { tag = [], author = '', message = '', changes = [], pause = true } = options;
  const references = (typeof tag === 'string' ? [tag] : tag).map(checkReference);
  const image = container.image === null ? undefined : world.registry.images.get(container.image);
  const overlay = world.overlay(container.container);
  if (overlay === undefined) throw new Error(`commit: there is no tree of container ${container.container}`);
  const { tree, lower } = overlay;
  const below = lower ?? world.lowers.empty;
  const layers: NewLayer[] = (image?.layers ?? []).map((chainId) => {
    const { diffId = '', parent = null } = world.registry.layers.get(chainId) ?? {};
    return { diffId, chainId, parent, built: null };
  });
  const run = changed(containerConfig(world.registry, container), changes);
  const built = buildFromUpper({ tree, lower: below }, engine.log.chunks);
  const isEmpty = built.entries === 0;
  const diffId = isEmpty ? null : layerDiffId(built.tree, engine.log.chunks);
  if (diffId !== null) {
    const parent = layers.at(-1)?.chainId ?? null;
    const chainId = chainIdOf(parent, diffId);
    world.lowers.remember(chainId, mergeLayer(below, built.tree, layers.length));
    layers.push({ diffId, chainId, parent, built });
  }
  const config = extendConfig(image?.config ?? null, {
    created: formatTime(timeNs),
    createdBy: options.createdBy ?? containerCmd(world.registry, container).join(' '),
    comment: message,
    author,
    diffId,
    config: run,
  });
  live.commit(container.container, commitContainer(world.registry, container, { config, layers, references, pause }));
  return imageIdOf(config);
}

const changed = (config: RunConfigJson, changes: NonNullable<CommitOptions['changes']>): RunConfigJson =>
  isList(changes) ? changedConfig(config, changes) : { ...config, ...changes };

const isList = (value: NonNullable<CommitOptions['changes']>): value is readonly string[] => Array.isArray(value);
