/**
 * Where `cp` puts what it copies and what it refuses, as `docker cp` (docs.docker.com/reference/cli/docker/container/cp; moby
 * v20.10.24, pkg/archive copy.go PrepareArchiveCopy and archive.go Unpack). The refusals are Docker's, word for word.
 */

import { basename, dirname, join, resolve } from 'node:path';
import type { Place } from './place.ts';

/** The calls that both sides have: node:fs of the host, and a container's. */
type Looking = Pick<Place['fs'], 'statSync' | 'lstatSync' | 'readlinkSync'>;

export interface CopyOptions {
  /** Out of a container: owner and group of the source, too. */
  readonly archive: boolean;
  /** A source that is a symbolic link is what it leads to. */
  readonly followLink: boolean;
}

/** Things that were copied, and things that could not be. */
export interface CopyCount {
  copied: number;
  /** Paths of the source. */
  readonly left: string[];
}

export interface CopyTarget {
  /** The path that the source gets. */
  readonly path: string;
  /** A directory takes what is in the source, and stays as it is itself. */
  readonly takesContent: boolean;
}

/** @param target - A directory that is there takes the source in, or with a source that ends in `/.` its content. */
export function copyTarget(fs: Looking, source: { path: string; isDirectory: boolean }, target: string): CopyTarget {
  const there = fs.statSync(target, { throwIfNoEntry: false });
  if (there?.isDirectory() === true) {
    const name = basename(source.path);
    const takesContent = source.isDirectory && (name === '' || /(?:^|\/)\.{1,2}$/.test(source.path));
    return { path: takesContent ? target : join(target, name), takesContent };
  }
  if (there !== undefined && source.isDirectory) throw refusal('cannot copy directory');
  if (!source.isDirectory && /\/\.?$/.test(target)) throw refusal('no such directory');
  return { path: linkEnd(fs, target.length > 1 ? target.replace(/\/+$/, '') : target), takesContent: false };
}

/** Links followed for one target (linux/namei.h MAXSYMLINKS); with more it is refused when it is opened. */
const LINKS_MAX = 40;

/** What a target leads to that is a symbolic link itself, be it there or not. */
function linkEnd(fs: Looking, target: string): string {
  let path = target;
  for (let links = 0; links < LINKS_MAX; links++) {
    if (fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) break;
    path = resolve(dirname(path), fs.readlinkSync(path));
  }
  return path;
}

/**
 * What is to become of what stands at a path: `keep` a directory that takes another one's content, `replace` anything else.
 *
 * A link that stands there is not followed: an archive's directory never lands where a link leads.
 */
export function overwriting(fs: Looking, path: string, isDirectory: boolean): 'nothing' | 'keep' | 'replace' {
  const there = fs.lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined) return 'nothing';
  if (there.isDirectory() && !isDirectory) {
    throw refusal(`cannot overwrite directory "${path}" with non-directory`);
  }
  if (!there.isDirectory() && isDirectory) {
    throw refusal(`cannot overwrite non-directory "${path}" with directory`);
  }
  return isDirectory ? 'keep' : 'replace';
}

/**
 * Refuses a symbolic link that leads out of the directory that is copied into, by its text: a later copy through it would land
 * elsewhere. An absolute target counts as one below the link.
 */
export function checkLink(target: CopyTarget, path: string, leadsTo: string): void {
  const directory = resolve(target.takesContent ? target.path : dirname(target.path));
  const end = resolve(join(dirname(path), leadsTo));
  if (end === directory || end.startsWith(directory === '/' ? '/' : `${directory}/`)) return;
  throw refusal(`invalid symlink "${path}" -> "${leadsTo}"`);
}

const refusal = (message: string): Error => Object.assign(new Error(message), { exitCode: 1 });
