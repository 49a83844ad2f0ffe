/** Places in a store as arguments spell them: `NAME:/path`, `upper(NAME):/path`, `volume(NAME):/path`. */

import { isStoreError, type ContainerView, type StoreQueries, type VolumeViews } from '../index.ts';
import { usageError } from './exit-codes.ts';

export interface PlaceName {
  readonly kind: 'container' | 'upper' | 'volume';
  readonly name: string;
  /** Absolute. */
  readonly path: string;
}

/** Where files are: a container, or a volume. */
export interface Place extends PlaceName {
  /** Null: a volume. */
  readonly container: ContainerView | null;
  readonly fs: ContainerView['fs'];
  readonly namespace: ReturnType<ContainerView['namespace']>;
}

const FORM = 'NAME:/path, upper(NAME):/path or volume(NAME):/path';

/** Reads a place; a container's name alone is its root. */
export function parsePlace(text: string): PlaceName {
  const match = /^(?:(upper|volume)\(([^)]+)\)|([^:()]+))(?::(.*))?$/s.exec(text);
  if (match === null) throw usageError(`"${text}" is not a place: ${FORM}`);
  const [, kind, inner, plain, path = '/'] = match;
  return {
    kind: (kind as 'upper' | 'volume' | undefined) ?? 'container',
    name: inner ?? plain,
    path: path.startsWith('/') ? path : `/${path}`,
  };
}

/** Whether a text names a place rather than a file of the host: it has a name before a colon. */
export const isPlace = (text: string): boolean =>
  /^[^/.:][^:/]*(\/[^:/]+)?:/.test(text) || /^(upper|volume)\(/.test(text);

/** @throws `ERR_NOT_FOUND` when there is no such container or volume. */
export function openPlace(view: StoreQueries, text: string): Place {
  const name = parsePlace(text);
  if (name.kind === 'volume') {
    const volumes = view.volumes as VolumeViews;
    return { ...name, container: null, fs: volumes.fs(name.name), namespace: volumes.namespace(name.name) };
  }
  const container = findContainer(view, name.name);
  return { ...name, container, fs: container.fs, namespace: container.namespace() };
}

/** A container by name or id. `BRANCH/NAME` is the container NAME of the branch that `fork AT --as BRANCH` made. */
export function findContainer(view: StoreQueries, name: string): ContainerView {
  try {
    return view.containers.get(name);
  } catch (error) {
    const isBranch = /^[^/]+\/[^/]+$/.test(name) && isStoreError(error, 'ERR_NOT_FOUND');
    if (!isBranch) throw error;
    return view.containers.get(branchName(...(name.split('/') as [string, string])));
  }
}

/** What a container is called in a branch. */
export const branchName = (branch: string, name: string): string => `${branch}-${name}`;
