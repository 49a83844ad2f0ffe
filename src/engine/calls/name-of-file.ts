import type { Ino } from '../../events/event.ts';
import { namesOf } from '../../projections/tree/names-of.ts';
import type { Named } from '../decide/copy-up.ts';
import type { Mount } from '../namespace.ts';
import type { OpenFile } from '../open-files.ts';

/**
 * The name by which an open file's node is copied up: the one it was opened by, as long as that still stands.
 *
 * A rewind may have given the node another name. One name of a lower hard link does not stand for another one: copying up
 * breaks the link (H1), so a file whose own name is gone has none.
 */
export function nameOfFile(file: OpenFile): Named {
  const { tree } = file.mount.overlay;
  if (file.parent !== 0 && tree.lookup(file.parent, file.name) === file.ino) return file;
  return nameOfNode(file.mount, file.ino);
}

/**
 * The name by which a node is copied up of which only the number is known: its one name, or none. Where the names of a lower
 * hard link stay together (`index`), each of them does: without a name the copy would be a node of its own.
 */
export function nameOfNode(mount: Mount, ino: Ino): Named {
  const { tree, profile } = mount.overlay;
  const inode = tree.at(ino);
  const isLink = inode.dir === null && inode.nlink > 1;
  if (!isLink || profile.index) {
    const { parent, name } = inode;
    if (parent !== 0 && tree.lookup(parent, name) === ino) return { parent, name, ino };
  }
  const [other] = isLink && profile.index ? namesOf(tree, ino) : [];
  return other === undefined ? { parent: 0, name: '', ino } : { parent: other.parent, name: other.name, ino };
}
