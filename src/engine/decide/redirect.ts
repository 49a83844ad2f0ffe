/**
 * Redirects: where in the lower the counterpart of something is that has moved (`redirect_dir`, R13; for files whose data
 * stayed below, `metacopy`).
 */

import { type Ino, ROOT_INO } from '../../events/event.ts';
import { isFileMode } from '../../events/mode.ts';
import { nameBytes } from '../../events/name.ts';
import type { Overlay } from '../../projections/world.ts';
import type { Named } from './copy-up.ts';

/** Longest absolute redirect (the kernel's module parameter `redirect_max` less the end of the text). */
const REDIRECT_BYTES_MAX = 255;

/**
 * The redirect that a node needs to get another name (ovl_set_redirect).
 *
 * @param isSibling - The new name is in the same directory, so that the old one says enough.
 * @returns An absolute path or a sibling's name; '' when the node has one that will do; null when the path is too long.
 */
export function redirectOf(overlay: Overlay, node: Named, isSibling: boolean): string | null {
  const inode = overlay.tree.at(node.ino);
  const current = inode.marks?.redirect ?? '';
  // Names of a hard link may be in different directories.
  const isAbsolute = !isSibling || (inode.dir === null && linksBelow(overlay, node.ino) > 1);
  if (current !== '' && (!isAbsolute || current.startsWith('/'))) return '';
  return isAbsolute ? pathBelow(overlay, node, current) : node.name;
}

/** Whether a file's data will be in the lower once it has been copied up for another name. */
export function isDataBelow(overlay: Overlay, ino: Ino): boolean {
  const inode = overlay.tree.at(ino);
  if (!isFileMode(inode.mode)) return false;
  return inode.isUpper ? inode.isMetacopy : overlay.profile.metacopy;
}

function linksBelow({ tree, lower }: Overlay, ino: Ino): number {
  const inode = tree.at(ino);
  return inode.isUpper ? (lower?.get(inode.marks?.dataIno ?? 0)?.nlink ?? 1) : inode.nlink;
}

/** The path in the lower: names on the way up, or where a directory was redirected, that. */
function pathBelow({ tree }: Overlay, node: Named, redirect: string): string | null {
  let path = redirect === '' ? `/${node.name}` : `/${redirect}`;
  for (let ino = node.parent; ino !== ROOT_INO && ino !== 0;) {
    const inode = tree.at(ino);
    const above = inode.marks?.redirect ?? '';
    if (above.startsWith('/')) {
      path = above + path;
      break;
    }
    path = `/${above === '' ? inode.name : above}${path}`;
    ino = inode.parent;
  }
  return nameBytes(path) > REDIRECT_BYTES_MAX ? null : path;
}
