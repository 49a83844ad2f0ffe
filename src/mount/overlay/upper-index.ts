/**
 * The index of an upper: `index` in its work directory, as the kernel keeps it with the option `index` (fs/overlayfs/namei.c
 * and copy_up.c). A hard link of the lower that was copied up has an entry there, named by the lower file's handle, and its
 * names in the upper are links of that entry; so the names that are still lower find it. How many links it has in all is said
 * by `nlink` at it, in relation to what is on the disk.
 */

import { chmodSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { storeError } from '../../events/log-error.ts';
import type { Ino } from '../../events/event.ts';
import { unpackList, type HostCalls } from './host-calls.ts';
import { HANDLE_OF_UPPER, type LayerHandles } from './layer-handles.ts';

export interface UpperIndexParts {
  readonly work: string;
  readonly upper: string;
  /** Lowest first. */
  readonly lowers: readonly string[];
  readonly calls: HostCalls;
  /** Of the lowers, and behind them the upper. */
  readonly handles: LayerHandles;
  /** Of overlay's attributes. */
  readonly prefix: string;
  readonly readOnly: boolean;
}

export class UpperIndex {
  readonly path: string;
  /** Nodes that were in it when it was read, and their entries. */
  readonly found = new Map<Ino, string>();

  /**
   * Makes it where there is none, and takes away what a mount before has left half way.
   *
   * @throws `ERR_UNSUPPORTED` where a layer's file system has no file handles; `ERR_INVALID_ARGUMENT` where the index, or the
   *   upper, belongs to other directories.
   */
  constructor(parts: UpperIndexParts) {
    const { work, calls, readOnly } = parts;
    this.path = `${work}/index`;
    for (const [layer, directory] of [...parts.lowers, parts.upper].entries()) {
      if (parts.handles.of(layer, [directory])[0] === null)
        throw storeError(
          'ERR_UNSUPPORTED',
          `index=on needs file handles, which the file system of ${directory} has not`,
        );
    }
    if (readOnly) return;
    if (!existsSync(this.path)) mkdirSync(this.path);
    chmodSync(this.path, 0);
    this.#verify(parts);
    for (const name of readdirSync(this.path)) if (name.startsWith('#')) calls.run(['remove', `${this.path}/${name}`]);
  }

  /** Where the entry of a lower file is or comes to be. */
  entryOf(handle: Buffer): string {
    return `${this.path}/${handle.toString('hex')}`;
  }

  /** Names of the entries: lower files' handles. */
  names(): string[] {
    return existsSync(this.path) ? readdirSync(this.path).filter((name) => /^00fb[0-9a-f]+$/.test(name)) : [];
  }

  /** An index and an upper that lay over something else would show files in the wrong places (ovl_verify_set_fh). */
  #verify({ calls, handles, lowers, upper, prefix }: UpperIndexParts): void {
    const lower = handles.of(lowers.length - 1, [lowers.at(-1) as string])[0];
    const own = handles.of(lowers.length, [upper], HANDLE_OF_UPPER)[0];
    const belongs: readonly (readonly [string, string, Buffer | null, string])[] = [
      [upper, 'origin', lower, `upperdir ${upper} was mounted over another lower directory`],
      [this.path, 'upper', own, `${this.path} belongs to another upper directory`],
    ];
    for (const [path, mark, handle, what] of belongs) {
      if (handle === null) continue;
      const there = markOf(calls, path, prefix + mark);
      if (there === null) calls.run(['setxattr', path, prefix + mark, handle]);
      else if (!there.equals(handle))
        throw storeError(
          'ERR_INVALID_ARGUMENT',
          `${what}: with index=on that is refused; leave index off, or empty both`,
        );
    }
  }
}

function markOf(calls: HostCalls, path: string, name: string): Buffer | null {
  const pairs = unpackList(calls.run(['xattrs', path])[0]);
  for (let at = 0; at < pairs.length; at += 2) if (pairs[at].toString('latin1') === name) return pairs[at + 1];
  return null;
}

/** All links of a node, in relation to those on the disk of one that has so many names in the upper (ovl_set_nlink_upper). */
export function linksOverUpper(nlink: number, upperLinks: number): string {
  return linksText('U', nlink - (upperLinks + 1));
}

export function linksText(relation: 'L' | 'U', difference: number): string {
  return `${relation}${difference < 0 ? '' : '+'}${difference}`;
}

/**
 * How many links a node has, by what the mark says (ovl_get_nlink).
 *
 * @returns `upperLinks` where the mark is missing or senseless.
 */
export function linksOf(mark: Uint8Array | undefined, lowerLinks: number, upperLinks: number): number {
  const [, relation, difference] = /^([LU])([+-]\d{1,9})$/.exec(Buffer.from(mark ?? []).toString('latin1')) ?? [];
  if (relation === undefined) return upperLinks;
  const links = (relation === 'L' ? lowerLinks : upperLinks) + Number(difference);
  return links > 0 ? links : upperLinks;
}
