/**
 * What `docker inspect` says of containers and images, in its shape (moby v20.10.24, api/types): identity, state, mounts, sizes
 * and graph driver data. What only a running system has (networks, processes, limits) is left out.
 *
 * The paths are where Docker would keep these things below its root; overlog keeps them in its log, and nothing lies there.
 */

import { createHash } from 'node:crypto';
import { containerConfig } from './container-config.ts';
import type { ContainerView, MountInfo } from './container-view.ts';
import { formatTime, parseConfigJson } from './image-config.ts';
import type { ImageInfo, LayerInfo } from './image-views.ts';
import type { StoreQueries } from './store-view.ts';

/** Where Docker keeps its data unless told otherwise. */
const DOCKER_ROOT = '/var/lib/docker';

export interface GraphDriver {
  readonly Name: 'overlay2';
  readonly Data: {
    /** Top first, the container's init layer in front; absent for an image of one layer. */
    readonly LowerDir?: string;
    readonly MergedDir: string;
    readonly UpperDir: string;
    readonly WorkDir: string;
  };
}

export interface DockerMount {
  readonly Type: 'volume' | 'bind' | 'tmpfs';
  readonly Name?: string;
  readonly Source: string;
  readonly Destination: string;
  readonly Driver?: 'local';
  readonly Mode: string;
  readonly RW: boolean;
  readonly Propagation: string;
}

/** A container as `docker inspect --size` shows it. */
export interface DockerContainer {
  readonly Id: string;
  readonly Created: string;
  readonly Path: string;
  readonly Args: readonly string[];
  readonly State: {
    readonly Status: string;
    readonly Running: boolean;
    readonly Paused: boolean;
    readonly Restarting: false;
    readonly OOMKilled: false;
    readonly Dead: false;
    readonly Pid: 0;
    readonly ExitCode: number;
    readonly Error: '';
    readonly StartedAt: string;
    readonly FinishedAt: string;
  };
  readonly Image: string;
  readonly Name: string;
  readonly RestartCount: 0;
  readonly Driver: 'overlay2';
  readonly Platform: 'linux';
  /** Of programs that run beside its first one. */
  readonly ExecIDs: readonly string[] | null;
  readonly HostConfig: { readonly ReadonlyRootfs: boolean };
  readonly GraphDriver: GraphDriver;
  readonly SizeRw: number;
  readonly SizeRootFs: number;
  readonly Mounts: readonly DockerMount[];
  /** Its image's, and over that what it was made with; in Docker's spelling. */
  readonly Config: {
    readonly Hostname: string;
    readonly Image: string;
    readonly Cmd: readonly string[] | null;
    readonly Labels: Readonly<Record<string, string>>;
    readonly [member: string]: unknown;
  };
}

/** Go's zero time: has not happened. */
const NEVER = '0001-01-01T00:00:00Z';

/** @param moment - The store, or a past moment of it, that has the container. */
export function inspectContainer(moment: Pick<StoreQueries, 'world'>, container: ContainerView): DockerContainer {
  const info = container.inspect();
  const { sizeRwBytes, sizeRootFsBytes } = container.sizes();
  const time = (ns: bigint | null): string => (ns === null ? NEVER : formatTime(ns));
  const isAlive = info.state === 'running' || info.state === 'paused';
  const layers = info.image === null ? [] : moment.world.layersOf(info.image);
  return {
    Id: info.id,
    Created: formatTime(info.createdNs),
    Path: info.command[0] ?? '',
    Args: info.command.slice(1),
    State: {
      Status: info.state,
      Running: isAlive,
      Paused: info.state === 'paused',
      Restarting: false,
      OOMKilled: false,
      Dead: false,
      Pid: 0,
      ExitCode: isAlive ? 0 : info.exitCode,
      Error: '',
      StartedAt: time(info.startedNs),
      FinishedAt: time(info.finishedNs),
    },
    Image: info.image ?? '',
    Name: `/${info.name}`,
    RestartCount: 0,
    Driver: 'overlay2',
    Platform: 'linux',
    ExecIDs: info.execs.length === 0 ? null : info.execs.map(({ id }) => id),
    HostConfig: { ReadonlyRootfs: info.readOnly },
    GraphDriver: graphDriver(info.id, [`${info.id}-init`, ...layers.map(cacheId).toReversed()]),
    SizeRw: sizeRwBytes,
    SizeRootFs: sizeRootFsBytes,
    Mounts: info.mounts.map(dockerMount),
    Config: {
      Cmd: null,
      ...containerConfig(moment.world.registry, container.record),
      Hostname: info.id.slice(0, 12),
      Image: info.imageReference,
      Labels: info.labels,
    },
  };
}

/** An image as `docker image inspect` shows it. */
export interface DockerImage {
  readonly Id: string;
  readonly RepoTags: readonly string[];
  readonly RepoDigests: readonly string[];
  readonly Comment: string;
  readonly Created: string;
  readonly Author: string;
  readonly Config: unknown;
  readonly Architecture: string;
  readonly Os: string;
  readonly Size: number;
  readonly VirtualSize: number;
  readonly GraphDriver: GraphDriver;
  readonly RootFS: { readonly Type: 'layers'; readonly Layers: readonly string[] };
}

export function inspectImage(image: ImageInfo): DockerImage {
  const [top = '', ...below] = image.layers.map(cacheId).toReversed();
  return {
    Id: image.id,
    RepoTags: image.tags,
    RepoDigests: [],
    Comment: image.config.history.at(-1)?.comment ?? '',
    Created: image.config.created ?? NEVER,
    Author: image.config.author,
    Config: parseConfigJson(image.configBytes)['config'] ?? null,
    Architecture: image.config.architecture,
    Os: image.config.os,
    Size: image.sizeBytes,
    VirtualSize: image.sizeBytes,
    GraphDriver: graphDriver(top, below),
    RootFS: { Type: 'layers', Layers: image.layers.map(({ diffId }) => diffId) },
  };
}

/** Docker names a layer's directory at random; here it follows from the chainID, so that it is the same at every moment. */
const cacheId = ({ chainId }: Pick<LayerInfo, 'chainId'>): string =>
  createHash('sha256').update(`overlay2 ${chainId}`).digest('hex');

function graphDriver(upper: string, lowers: readonly string[]): GraphDriver {
  const directory = (id: string, name: string): string => `${DOCKER_ROOT}/overlay2/${id}/${name}`;
  const LowerDir = lowers.map((id) => directory(id, 'diff')).join(':');
  return {
    Name: 'overlay2',
    Data: {
      ...(LowerDir === '' ? {} : { LowerDir }),
      MergedDir: directory(upper, 'merged'),
      UpperDir: directory(upper, 'diff'),
      WorkDir: directory(upper, 'work'),
    },
  };
}

function dockerMount(mount: MountInfo): DockerMount {
  const { type, source, target, readOnly, noCopy, anonymous } = mount;
  const place = { Destination: target, RW: !readOnly };
  switch (type) {
    case 'volume': {
      const Source = `${DOCKER_ROOT}/volumes/${source}/_data`;
      // Docker marks a named volume as shared unless its option says something else.
      const options = [...(readOnly ? ['ro'] : []), ...(noCopy ? ['nocopy'] : [])].join(',');
      const Mode = options === '' && !anonymous ? 'z' : options;
      return { Type: 'volume', Name: source, Source, Driver: 'local', Mode, Propagation: '', ...place };
    }
    case 'bind':
      return { Type: 'bind', Source: source, Mode: readOnly ? 'ro' : '', Propagation: 'rprivate', ...place };
    case 'tmpfs':
      return { Type: 'tmpfs', Source: '', Mode: '', Propagation: '', ...place };
  }
}
