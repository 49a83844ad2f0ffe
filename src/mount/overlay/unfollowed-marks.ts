/**
 * Marks of layers that the options of a mount do not follow: a redirect is a link without its checks, and who owns a layer could
 * point anywhere with it (fs/overlayfs/namei.c, ovl_lookup). The kernel refuses names that have one (EPERM); here the whole
 * mount is refused, which says what to do.
 */

import { lstatSync } from 'node:fs';
import { hostPath } from '../../engine/bind-mirror-scan.ts';
import { storeError } from '../../events/log-error.ts';
import { decodeName } from '../../events/name.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import { type HostCalls, unpackList } from './host-calls.ts';
import { marksOf } from './marks.ts';

/** What a mount follows into the layers below. */
export interface Follows {
  /** Directories with a redirect. */
  readonly redirects: boolean;
  /** Files that have their attributes only. */
  readonly metacopy: boolean;
}

/** @param found - The tree of the layer alone. @throws `ERR_INVALID_ARGUMENT` with a sentence that names the path. */
export function refuseUnfollowed(directory: string, found: Tree, follows: Follows): void {
  if (follows.redirects && follows.metacopy) return;
  found.inodes.forEach((inode, ino) => {
    const { marks, dir } = inode;
    if (marks === null) return;
    const hasRedirect = dir !== null && !dir.opaque && marks.redirect !== '';
    refuse(`${directory}${found.pathOf(ino) ?? ''}`, hasRedirect, inode.isMetacopy, follows);
  });
}

/**
 * The same for a lower that is in a store, where each of its marks was followed when it was read.
 *
 * @param prefix - Of the marks that count.
 */
export function refuseUnfollowedIn(directory: string, calls: HostCalls, prefix: string, follows: Follows): void {
  const items = unpackList(calls.run(['scan', directory])[0]);
  for (let at = 0; at < items.length; at += 2) {
    const parts = unpackList(items[at + 1]);
    const pairs = parts.flatMap((name, index) =>
      index % 2 === 0 ? [[decodeName(name), parts[index + 1]] as const] : [],
    );
    const path = items[at].length === 0 ? directory : `${directory}/${decodeName(items[at])}`;
    const stranger = pairs.find(([name]) => MARK.test(name) && !name.startsWith(prefix));
    if (stranger !== undefined)
      throw invalid(
        `${path} has ${stranger[0]}, which is no mark for this mount and would be one in the store: mount it without store=`,
      );
    const { redirect, isOpaque, isMetacopy } = marksOf(pairs, prefix);
    if (redirect === '' && !isMetacopy) continue;
    const isDirectory = lstatSync(hostPath(path)).isDirectory();
    refuse(path, isDirectory && !isOpaque && redirect !== '', !isDirectory && isMetacopy, follows);
  }
}

const MARK = /^(trusted|user)\.overlay\.(opaque|whiteout|redirect|metacopy)$/;

function refuse(path: string, hasRedirect: boolean, isMetacopy: boolean, follows: Follows): void {
  if (hasRedirect && !follows.redirects)
    throw invalid(
      `${path} has a redirect, which this mount does not follow: it takes redirect_dir=follow, and no userxattr`,
    );
  if (isMetacopy && !follows.metacopy)
    throw invalid(`${path} has its data in a layer below, which this mount does not follow: it takes metacopy=on`);
}

const invalid = (message: string): Error => storeError('ERR_INVALID_ARGUMENT', message);
