/** What directories look like from outside: the same as long as nobody has changed anything in them. */

import { createHash } from 'node:crypto';
import { type BigIntStats, lstatSync, readdirSync } from 'node:fs';
import { hostPath } from '../../engine/bind-mirror-scan.ts';
import { decodeName, encodeName } from '../../events/name.ts';

/**
 * Digest of all names and attributes, and of what each file system says of when things changed; no data is read. A change of
 * content, attributes or names makes another one (ctime can't be set), a read does not.
 *
 * @returns 64 hex digits.
 */
export function layerFingerprint(directories: readonly string[]): string {
  const hash = createHash('sha256');
  for (const directory of directories) {
    hash.update(`\0${directory}\0`);
    const pending = [directory];
    for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
      const names = readdirSync(hostPath(path), { encoding: 'buffer' }).map(decodeName);
      for (const name of names.toSorted()) {
        const child = `${path}/${name}`;
        const status = lstatSync(hostPath(child), { bigint: true });
        hash.update(encodeName(child)).update(textOf(status));
        if (status.isDirectory()) pending.push(child);
      }
    }
    hash.update(textOf(lstatSync(hostPath(directory), { bigint: true })));
  }
  return hash.digest('hex');
}

const textOf = ({ dev, ino, mode, nlink, uid, gid, rdev, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  `\0${[dev, ino, mode, nlink, uid, gid, rdev, size, mtimeNs, ctimeNs].join()}\0`;
