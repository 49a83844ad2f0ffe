import { type ContainerView, kindOf } from '../../index.ts';
import { formatTime } from './time.ts';

/** A file's attributes as an object. */
export function nodeRow(fs: ContainerView['fs'], path: string) {
  const node = fs.lstatSync(path, { bigint: true });
  const mode = Number(node.mode);
  const type = kindOf(mode);
  return {
    path,
    type,
    mode: (mode & 0o7777).toString(8).padStart(4, '0'),
    uid: Number(node.uid),
    gid: Number(node.gid),
    size: Number(node.size),
    nlink: Number(node.nlink),
    ino: Number(node.ino),
    blocks: Number(node.blocks),
    atime: formatTime(node.atimeNs),
    mtime: formatTime(node.mtimeNs),
    ctime: formatTime(node.ctimeNs),
    ...(type === 'symlink' && { linkname: fs.readlinkSync(path) }),
  };
}
