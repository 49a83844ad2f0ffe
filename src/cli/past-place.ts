/** A place whose past is asked about: in a container's own tree, or in the volume that is mounted there. */

import { type ContainerView, printableName, type StoreQueries, type Subject, type Transaction } from '../index.ts';
import { usageError } from './exit-codes.ts';
import { type Options, textOption } from './options.ts';
import { openPlace, type Place } from './place.ts';

export interface PastPlace {
  readonly of: Subject;
  /** What it is called in a sentence. */
  readonly title: string;
  /** Within the tree of the subject. */
  readonly path: string;
  readonly fs: Place['fs'];
}

/**
 * @throws `ERR_NOT_FOUND` when there is no such container or volume; a usage error for an upper, and for a path that a bind
 *   or tmpfs mount covers: its past is not that of the container.
 */
export function pastPlace(view: StoreQueries, text: string): PastPlace {
  const { kind, name, path, container, fs } = openPlace(view, text);
  if (kind === 'upper') throw usageError(`"${text}": the past is asked of NAME:/path, which tells of the upper too`);
  if (container === null) return { of: { volume: name }, title: `volume ${printableName(name)}`, path, fs };
  return pastIn(view, container, path);
}

/** A path of a container, or of the volume that is mounted there. Throws as {@link pastPlace}. */
export function pastIn(view: StoreQueries, { name, mounts, fs }: ContainerView, path: string): PastPlace {
  const covers = ({ target }: { target: string }): boolean => path === target || path.startsWith(`${target}/`);
  const mount = mounts.filter(covers).toSorted((a, b) => b.target.length - a.target.length)[0];
  if (mount === undefined) return { of: { container: name }, title: name, path, fs };
  if (mount.type !== 'volume') {
    throw usageError(`${printableName(path)} is not in ${name} itself: a ${mount.type} is mounted at ${mount.target}`);
  }
  const { source, target } = mount;
  return {
    of: { volume: source },
    title: `volume ${printableName(source)}`,
    path: path.slice(target.length) || '/',
    fs: openPlace(view, `volume(${source})`).fs,
  };
}

/** Options of a verb that lists paths: only those that some transactions touched. */
export const TRANSACTION_OPTIONS = [
  { flags: '--op <operation>', description: 'that this operation touched, such as chmod, under whatever name' },
  { flags: '--group <id>', description: 'that this group touched' },
  { flags: '--actor <name>', description: 'that this actor touched' },
];

/** Whether a transaction is what `--op`, `--group` and `--actor` ask for. */
export function transactionFilter(options: Options): (transaction: Transaction) => boolean {
  const op = textOption(options, 'op');
  const group = textOption(options, 'group');
  const actor = textOption(options, 'actor');
  return (transaction) =>
    (op === undefined || transaction.cause[0] === op) &&
    (group === undefined || transaction.group === group) &&
    (actor === undefined || transaction.actor === actor);
}

/** Whether any of those options is there. */
export const hasTransactionFilter = (options: Options): boolean =>
  ['op', 'group', 'actor'].some((name) => textOption(options, name) !== undefined);
