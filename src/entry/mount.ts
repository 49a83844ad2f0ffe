/** `overlog/mount`: containers served to the kernel as a file system (FUSE). Linux only. */

export {
  abortConnection,
  checkMountPoint,
  closeDevice,
  mountDevice,
  type MountOptions,
  openDevice,
  overlogMountAt,
  unmount,
  type UnmountHow,
} from '../mount/device.ts';
export {
  clearDeadMounts,
  isServed,
  journalStem,
  type MountRecord,
  mountRecords,
  removeMountRecord,
  startOfProcess,
  writeMountRecord,
} from '../mount/mount-records.ts';
export { resend } from '../mount/notices.ts';
export { removeServeJournal } from '../mount/serve-journal.ts';
export { foreignHolder, type MountEntry, type MountHolder, processIn } from '../mount/mount-table.ts';
export { MountServer, type MountServerOptions, type ServeEnd } from '../mount/server.ts';
export { openReader } from '../mount/eager-reader.ts';
export type { RequestReader } from '../mount/request-reader.ts';
export { hostRoom } from '../mount/host-room.ts';
export { pastOperations } from '../mount/operations/past.ts';
export { lookAround, warmUp, type WarmUpFailure } from '../mount/warm-up.ts';
export { type ControlServer, listenForCommands, sendCommand, takesCommands } from '../mount/control-socket.ts';
export { openOverlay, type OpenOverlay } from '../mount/overlay/overlay-mount.ts';
export {
  checkStorePlace,
  imageOfLowers,
  openOverlayContainer,
  type OverlayContainer,
  takeInOverlay,
} from '../store/overlay-container.ts';
export { checkDirectories } from '../mount/overlay/check-directories.ts';
export { type OverlayOptions, parseOverlayOptions } from '../mount/overlay/overlay-options.ts';
