/** How the model resolves paths (path_resolution(7)). */

import { isLink, type ModelNode, Refused } from './model-node.ts';

/** Where a path leads: the node or null, and the directory that holds its last name. */
export interface Place {
  readonly node: ModelNode | null;
  readonly parent: ModelNode;
  readonly name: string;
  readonly last: 'name' | 'dot' | 'dotdot' | 'root';
  readonly hasSlash: boolean;
}

export interface WalkOptions {
  /** Follow a symbolic link under the last name. */
  readonly follow?: boolean;
  /** The last name need not exist. */
  readonly wantParent?: boolean;
  /** A slash behind the last name is EISDIR: it is to be made, and as a file. */
  readonly noSlash?: boolean;
}

/** Links that one walk follows at most (MAXSYMLINKS). */
const LINKS_MAX = 40;

/** @throws {@link Refused} with the code that Linux gives. */
export function walk(root: ModelNode, path: string, options: WalkOptions): Place {
  return walkFrom(root, root, path, options, 0);
}

function walkFrom(root: ModelNode, start: ModelNode, path: string, options: WalkOptions, followed: number): Place {
  const { follow = false, wantParent = false, noSlash = false } = options;
  if (path === '') throw new Refused('ENOENT');
  const names = path.split('/').filter((name) => name !== '');
  const hasSlash = path.endsWith('/');
  let at = path.startsWith('/') ? root : start;
  if (names.length === 0) return { node: at, parent: at, name: '', last: 'root', hasSlash: false };
  for (const [index, name] of names.entries()) {
    const isLast = index === names.length - 1;
    if (at.children === null) throw new Refused('ENOTDIR');
    if (name === '.' || name === '..') {
      const to = name === '..' ? (at.parent ?? at) : at;
      if (isLast) return { node: to, parent: at, name, last: name === '.' ? 'dot' : 'dotdot', hasSlash };
      at = to;
      continue;
    }
    if (isLast && hasSlash && noSlash) throw new Refused('EISDIR');
    const child = at.children.get(name) ?? null;
    if (child === null) {
      if (!isLast || !wantParent) throw new Refused('ENOENT');
      return { node: null, parent: at, name, last: 'name', hasSlash };
    }
    if (isLink(child) && (!isLast || follow || (hasSlash && !wantParent))) {
      if (followed === LINKS_MAX) throw new Refused('ELOOP');
      const rest = names.slice(index + 1).join('/');
      const target = `${child.target}${isLast ? '' : `/${rest}`}${hasSlash ? '/' : ''}`;
      return walkFrom(root, at, target, options, followed + 1);
    }
    if (isLast) {
      if (hasSlash && !wantParent && child.children === null) throw new Refused('ENOTDIR');
      return { node: child, parent: at, name, last: 'name', hasSlash };
    }
    at = child;
  }
  throw new Error('model: a path without a last name');
}
