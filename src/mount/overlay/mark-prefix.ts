import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { storeError } from '../../events/log-error.ts';
import type { OverlayDirectories } from './check-directories.ts';
import type { HostCalls } from './host-calls.ts';
import type { OverlayOptions } from './overlay-options.ts';

/** Which attributes mark the layers: a user without privilege can set only `user.*`. */
export function prefixOf(
  options: Pick<OverlayOptions, 'userXattr'>,
  { work }: Pick<OverlayDirectories, 'work'>,
  calls: HostCalls,
): string {
  if (options.userXattr) return 'user.overlay.';
  if (work === null) return 'trusted.overlay.';
  const tried = `${work}/work`;
  mkdirSync(tried, { recursive: true, mode: 0o700 });
  for (const prefix of ['trusted.overlay.', 'user.overlay.']) {
    try {
      calls.run(['setxattr', tried, `${prefix}opaque`, '0'], ['removexattr', tried, `${prefix}opaque`]);
      return prefix;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPERM') continue;
      rmdirSync(tried);
      throw storeError('ERR_UNSUPPORTED', `the file system of ${work} keeps no extended attributes (${code})`, {
        cause: error,
      });
    }
  }
  throw storeError('ERR_UNSUPPORTED', `${work}: this user may set no extended attributes there`);
}

/** The same where nothing may be written: in a user namespace others can't be set and are not seen (user_namespaces(7)). */
export function prefixForReading(userXattr: boolean): string {
  const isInitial = /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'latin1'));
  return userXattr || !isInitial ? 'user.overlay.' : 'trusted.overlay.';
}
