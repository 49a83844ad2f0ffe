/** Attributes of a node for people: what `stat -c` and `ls -l` print. */

import { deviceMajor, deviceMinor, kindOf, type NodeKind } from '../../../events/mode.ts';
import type { NodeStat } from '../../../engine/calls/stat.ts';

const LETTERS: Readonly<Record<NodeKind, string>> = {
  file: '-',
  dir: 'd',
  symlink: 'l',
  fifo: 'p',
  chr: 'c',
  blk: 'b',
  sock: 's',
};

const KINDS: Readonly<Record<NodeKind, string>> = {
  file: 'regular file',
  dir: 'directory',
  symlink: 'symbolic link',
  fifo: 'fifo',
  chr: 'character special file',
  blk: 'block special file',
  sock: 'socket',
};

/** The directives of coreutils' `stat -c`; an unknown one stays as it stands. */
export function formatStat(format: string, path: string, node: NodeStat, target: string | null): string {
  const kind = kindOf(node.mode);
  return format.replaceAll(/%(.)|\\(.)/gs, (whole, directive: string | undefined, escape: string | undefined) => {
    if (escape !== undefined) return { n: '\n', t: '\t', '\\': '\\' }[escape] ?? whole;
    switch (directive) {
      case 'a':
        return (node.mode & 0o7777).toString(8);
      case 'A':
        return modeText(node.mode);
      case 'b':
        return String(node.blocks);
      case 'B':
        return '512';
      case 'f':
        return node.mode.toString(16);
      case 'F':
        return kind === 'file' && node.size === 0 ? 'regular empty file' : KINDS[kind];
      case 'g':
        return String(node.gid);
      case 'h':
        return String(node.nlink);
      case 'i':
        return String(node.ino);
      case 'n':
        return path;
      case 'N':
        return target === null ? `'${path}'` : `'${path}' -> '${target}'`;
      case 's':
        return String(node.size);
      case 't':
        return deviceMajor(node.rdev).toString(16);
      case 'T':
        return deviceMinor(node.rdev).toString(16);
      case 'u':
        return String(node.uid);
      case 'X':
        return seconds(node.atimeNs);
      case 'Y':
        return seconds(node.mtimeNs);
      case 'Z':
        return seconds(node.ctimeNs);
      case 'x':
        return timeText(node.atimeNs);
      case 'y':
        return timeText(node.mtimeNs);
      case 'z':
        return timeText(node.ctimeNs);
      case '%':
        return '%';
      default:
        return whole;
    }
  });
}

/** One line of `ls -l`: mode, links, owner, group, size or device, time, name. */
export function formatListing(name: string, node: NodeStat, target: string | null): string {
  const kind = kindOf(node.mode);
  const isDevice = kind === 'chr' || kind === 'blk';
  const size = isDevice ? `${deviceMajor(node.rdev)}, ${deviceMinor(node.rdev)}` : String(node.size);
  const shown = target === null ? name : `${name} -> ${target}`;
  return [modeText(node.mode), node.nlink, node.uid, node.gid, size, timeText(node.mtimeNs).slice(0, 19), shown].join(
    ' ',
  );
}

/** `-rwsr-x--t`, as ls(1) shows a mode. */
export function modeText(mode: number): string {
  const bits = [0o400, 0o200, 0o100, 0o040, 0o020, 0o010, 0o004, 0o002, 0o001];
  const text = bits.map((bit, index) => (mode & bit ? 'rwx'[index % 3] : '-'));
  const special = (at: number, bit: number, letter: string): void => {
    if (mode & bit) text[at] = text[at] === 'x' ? letter : letter.toUpperCase();
  };
  special(2, 0o4000, 's');
  special(5, 0o2000, 's');
  special(8, 0o1000, 't');
  return LETTERS[kindOf(mode)] + text.join('');
}

function seconds(ns: bigint): string {
  const rest = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return String((ns - rest) / 1_000_000_000n);
}

/** `2026-01-02 03:04:05.000000000 +0000`. */
export function timeText(ns: bigint): string {
  const second = Number(seconds(ns));
  const date = new Date(second * 1000);
  if (Number.isNaN(date.getTime())) return `@${second}`;
  const nanos = String(ns - BigInt(second) * 1_000_000_000n).padStart(9, '0');
  return `${date.toISOString().slice(0, 19).replace('T', ' ')}.${nanos} +0000`;
}
