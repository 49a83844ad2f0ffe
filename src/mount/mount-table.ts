/** The kernel's table of mounts, /proc/self/mountinfo (proc_pid_mountinfo(5)). */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { decodeName } from '../events/name.ts';

export interface MountEntry {
  /** Major and minor device number, `0:52`. */
  readonly device: string;
  readonly directory: string;
  readonly type: string;
  readonly source: string;
  readonly readOnly: boolean;
}

/** Mounts of one file system type, in the order in which they were made. */
export const mountsOf = (type: string): MountEntry[] => mountTable().filter((mount) => mount.type === type);

/** Whether something is mounted on a directory, given by its real path. */
export const isMounted = (directory: string): boolean => mountTable().some((mount) => mount.directory === directory);

/** A process that has to do with a mount. */
export interface MountHolder {
  readonly pid: number;
  /** What the process is called (proc_pid_comm(5)). */
  readonly name: string;
}

/**
 * A process in another mount namespace that has a copy of a mount.
 *
 * @returns Null when there is none that may be looked at.
 */
export function foreignHolder({ device, source }: MountEntry): MountHolder | null {
  const seen = new Set([namespaceOf('self')]);
  for (const name of processes()) {
    const namespace = namespaceOf(name);
    if (namespace === null || seen.has(namespace)) continue;
    seen.add(namespace);
    try {
      if (!mountTable(name).some((mount) => mount.device === device && mount.source === source)) continue;
      return holderOf(name);
    } catch {
      // It has ended meanwhile.
    }
  }
  return null;
}

/**
 * A process that works in a mount, has it as its root directory, or a file of it open.
 *
 * @param directory - Real path of the mount point.
 * @returns Null when none is seen; one may have a file mapped alone.
 */
export function processIn(directory: string): MountHolder | null {
  const isIn = (path: string): boolean => path === directory || path.startsWith(`${directory}/`);
  for (const name of processes()) {
    try {
      const files = readdirSync(`/proc/${name}/fd`).map((file) => `fd/${file}`);
      if (['cwd', 'root', 'exe', ...files].some((link) => isIn(target(`/proc/${name}/${link}`)))) return holderOf(name);
    } catch {
      // It has ended meanwhile, or is not ours.
    }
  }
  return null;
}

/** Of a descriptor that was closed meanwhile: ''. */
function target(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}

/** Oldest numbers first. */
const processes = (): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .toSorted((a, b) => Number(a) - Number(b));

const holderOf = (process: string): MountHolder => ({
  pid: Number(process),
  name: readFileSync(`/proc/${process}/comm`, 'utf8').trimEnd(),
});

function namespaceOf(process: string): string | null {
  try {
    return readlinkSync(`/proc/${process}/ns/mnt`);
  } catch {
    return null;
  }
}

function mountTable(process = 'self'): MountEntry[] {
  const lines = decodeName(readFileSync(`/proc/${process}/mountinfo`)).split('\n');
  return lines.filter((line) => line !== '').map(parseLine);
}

/** `36 35 0:52 / /mnt rw,noatime shared:1 - type source options` */
function parseLine(line: string): MountEntry {
  const words = line.split(' ');
  const dash = words.indexOf('-', 6);
  return {
    device: words[2],
    directory: unescapeOctal(words[4]),
    type: words[dash + 1],
    source: unescapeOctal(words[dash + 2]),
    readOnly: words[5].split(',').includes('ro'),
  };
}

/** Space, tab, newline and backslash stand as `\040` and so on. */
const unescapeOctal = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
