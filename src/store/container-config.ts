/**
 * The config that a container runs with, in Docker's spelling: its image's, and over that what it was made with. It is what
 * `docker inspect` shows as `Config`, and what a commit starts from (moby v20.10.24, daemon/commit.go merge).
 */

import { asSet, type RunConfigJson } from '../engine/run-config.ts';
import type { ContainerRecord, ImageRecord, Registry } from '../projections/registry.ts';
import { parseConfig, parseConfigJson } from './image-config.ts';

/**
 * @returns Members that the image's config does not have and the container does not set are left out. Triggers for builds
 *   (`OnBuild`) are not handed on, nor is what names the container that the image was made of.
 */
export function containerConfig(registry: Registry, container: ContainerRecord): RunConfigJson {
  const image = imageOf(registry, container);
  const config = image === null ? {} : (parseConfigJson(image.config)['config'] as RunConfigJson | null | undefined);
  const { OnBuild: _, Hostname: __, Domainname: ___, Image: ____, ...inherited } = config ?? {};
  const cmd = containerCmd(registry, container);
  const labels = Object.fromEntries(container.labels);
  const volumes = [...(image === null ? [] : parseConfig(image).run.volumes), ...anonymousTargets(registry, container)];
  return {
    ...inherited,
    ...(cmd.length > 0 && { Cmd: cmd }),
    ...(volumes.length > 0 && { Volumes: asSet(volumes) }),
    ...(container.labels.length > 0 && { Labels: labels }),
  };
}

/** What stands behind the entrypoint in a container's command. */
export function containerCmd(registry: Registry, container: ContainerRecord): readonly string[] {
  const image = imageOf(registry, container);
  const entrypoint = image === null ? [] : parseConfig(image).run.entrypoint;
  const { command } = container;
  return entrypoint.every((word, index) => word === command[index]) ? command.slice(entrypoint.length) : command;
}

const imageOf = (registry: Registry, { image }: ContainerRecord): ImageRecord | null =>
  image === null ? null : (registry.images.get(image) ?? null);

function anonymousTargets(registry: Registry, { mounts }: ContainerRecord): string[] {
  return mounts.flatMap(({ volume, target }) => {
    const record = registry.volumes.get(volume);
    return record?.kind === 'volume' && record.anonymous ? [target] : [];
  });
}
