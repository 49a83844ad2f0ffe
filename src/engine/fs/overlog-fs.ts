import type * as nodeFs from 'node:fs';
import type { DescriptorCallName, PathCallName } from './call-table.ts';
import type { LinuxFs } from './linux.ts';

/** The callback names of node:fs that the façade has. */
type CallbackName = PathCallName | DescriptorCallName | 'exists';
type SyncName = `${CallbackName}Sync`;
type OtherName =
  | 'constants'
  | 'createReadStream'
  | 'createWriteStream'
  | 'Dir'
  | 'Dirent'
  | 'openAsBlob'
  | 'ReadStream'
  | 'Stats'
  | 'unwatchFile'
  | 'watch'
  | 'watchFile'
  | 'WriteStream';

/** The functions of node:fs/promises that the façade has. */
type PromiseName = PathCallName | 'constants' | 'open' | 'watch';

/**
 * node:fs over a container: same names, arguments, results and errors; only the file system is another one.
 *
 * `Stats`, `Dirent`, `Dir` and `FileHandle` are classes of the façade's own: they have node:fs's fields and methods but
 * are not `instanceof` its classes.
 */
export type OverlogFs = Pick<typeof nodeFs, CallbackName | SyncName | OtherName> & {
  readonly promises: OverlogPromises;
  /** What Linux has beyond node:fs. */
  readonly linux: LinuxFs;
};

export type OverlogPromises = Pick<typeof nodeFs.promises, PromiseName>;
