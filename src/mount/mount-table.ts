/** The kernel's table of mounts, /proc/self/mountinfo (proc_pid_mountinfo(5)). */

import { readFileSync } from 'node:fs';
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

function mountTable(): MountEntry[] {
  const lines = decodeName(readFileSync('/proc/self/mountinfo')).split('\n');
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
