import { EBADF, EINVAL, EIO } from '../errno.ts';
import { O_PATH, type OpenFile } from '../open-files.ts';

/** fsync(2) and fdatasync(2): everything that was written so far is on the disk. EIO after a failed write of the store. */
export function fsync(file: OpenFile): number {
  if (file.flags & O_PATH) return EBADF;
  if (file.isClosed) return EINVAL;
  const { engine } = file.namespace;
  if (engine === null || engine.log.readOnly) return 0;
  if (engine.log.failed) return EIO;
  engine.log.syncSync();
  return 0;
}
