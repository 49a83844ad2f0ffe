/** A directory of the host in the form of {@link listTree}, for comparing a tree with what was really there. */

import { createHash } from 'node:crypto';
import { createReadStream, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { kindOf, PERMISSION_BITS } from '../events/mode.ts';
import { decodeName, encodeName, isUtf8Name } from '../events/name.ts';
import { scanXattrs, type Xattrs } from '../oci/xattr-scan.ts';
import type { ListingEntry } from '../replay/listing.ts';

/**
 * Lists a directory: depth first, children by the bytes of their names, the directory itself first as `/`.
 *
 * @throws errors of node:fs; what changes while it is listed is listed as it is met.
 */
export async function* listDirectory(directory: string): AsyncGenerator<ListingEntry, void> {
  const xattrs = (await scanXattrs(directory)) ?? new Map<string, Xattrs>();
  const firstPaths = new Map<string, string>();
  const pending: Buffer[] = [Buffer.alloc(0)];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const full = Buffer.concat([Buffer.from(directory), path]);
    const status = lstatSync(full, { bigint: true });
    const mode = Number(status.mode);
    const type = kindOf(mode);
    const name = decodeName(path);
    const entry: Record<string, unknown> = {
      ...text('path', name === '' ? '/' : name),
      type,
      mode: (mode & PERMISSION_BITS).toString(8).padStart(4, '0'),
      uid: Number(status.uid),
      gid: Number(status.gid),
    };
    if (type === 'file') entry['size'] = Number(status.size);
    if (type === 'symlink') Object.assign(entry, text('linkname', decodeName(readlinkSync(full, 'buffer'))));
    entry['mtime_ns'] = String(status.mtimeNs);
    if (type === 'chr' || type === 'blk') entry['rdev'] = device(status.rdev);
    if (type === 'file') entry['sha256'] = await digestOf(full);
    if (type !== 'dir' && status.nlink > 1n) {
      entry['nlink'] = Number(status.nlink);
      const first = firstPaths.get(`${status.dev}:${status.ino}`);
      if (first === undefined) firstPaths.set(`${status.dev}:${status.ino}`, String(entry['path']));
      else entry['hardlink'] = first;
    }
    const own = xattrs.get(name.slice(1));
    if (own !== undefined && own.length > 0) {
      entry['xattrs'] = Object.fromEntries(own.map(([key, value]) => [key, Buffer.from(value).toString('base64')]));
    }
    yield entry as unknown as ListingEntry;
    if (type !== 'dir') continue;
    const names = readdirSync(full, { encoding: 'buffer' }).toSorted((a, b) => Buffer.compare(b, a));
    pending.push(...names.map((child) => Buffer.concat([path, Buffer.from('/'), child])));
  }
}

/** Linux's encoding of a 64-bit dev_t in `stat` (glibc gnu_dev_major). */
function device(rdev: bigint): string {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

async function digestOf(file: Buffer): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file)) hash.update(piece as Buffer);
  return hash.digest('hex');
}

function text(member: 'path' | 'linkname', value: string): Record<string, string> {
  if (isUtf8Name(value)) return { [member]: value };
  const bytes = encodeName(value);
  const shown = value.replaceAll(/[\udc80-\udcff]/g, (unit) => `\\x${(unit.charCodeAt(0) & 0xff).toString(16)}`);
  return { [member]: shown, [`${member}_b64`]: bytes.toString('base64') };
}
