import { denseUpper, decodeDenseUpper } from './dense-files.ts';
import { brokenLinks, lowerRenames, OVERLAY_RULES, overlayModel } from './overlay.ts';
import type { StorageDriver } from './storage-driver.ts';

/** The overlay in user space, for containers without root. It clones where it can; here the file system below cannot. */
export const fuseOverlayfs: StorageDriver = {
  name: 'fuse-overlayfs',
  title: 'fuse-overlayfs on ext4',
  evidence: 'measured',
  parameters: [],
  rules: {
    ...OVERLAY_RULES,
    firstWrite: {
      formula:
        'copied = st_size, holes written out; taken = that in blocks of 4 KiB; each call goes through user space',
      source: 'containers/fuse-overlayfs main.c copyup (FICLONE, else copy_fd_to_fd); measured',
    },
    container: {
      formula:
        'as overlay2; a whiteout is a character device 0:0, or without the right to make one an empty file `.wh.` and name',
      source: 'containers/fuse-overlayfs README',
    },
    read: {
      formula: 'lookups = layers + 1 as in the kernel; every read passes the FUSE daemon once',
      source: 'kernel fuse.rst',
    },
  },
  limits: [lowerRenames, brokenLinks],
  model: () => ({ ...overlayModel, container: (_, lower) => denseUpper(lower), decodeContainer: decodeDenseUpper }),
};
