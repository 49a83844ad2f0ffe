/**
 * Paths of archive entries, resolved inside the image: through symbolic links of this layer and of the lower ones, never
 * out of the root. A link to nowhere names the directory that it would name if it were there.
 */

import { type Ino, ROOT_INO } from '../events/event.ts';
import { storeError } from '../events/log-error.ts';
import { isSymlinkMode } from '../events/mode.ts';
import { printableName } from '../events/name.ts';
import type { LayerWriter, Place } from './layer-writer.ts';

/** Links followed for one path (linux/namei.h MAXSYMLINKS). */
const LINKS_MAX = 40;

/**
 * Directories inside each other: as many as a path of PATH_MAX bytes can name. Links lead deeper, and nothing that goes through a
 * tree takes more than this.
 */
const DEPTH_MAX = 2048;

/** Names walked for one path, those of links included: 40 links to paths of PATH_MAX bytes would be 80,000, for every entry. */
const NAMES_MAX = 8192;

/** One directory on the way. `layer` and `below` 0: there is nothing (yet). */
interface Step {
  name: string;
  layer: Ino;
  below: Ino;
  isDirectory: boolean;
}

/**
 * Finds a directory without making anything.
 *
 * @returns null when there is nothing, `not-a-directory` when something else stands on the way.
 * @throws `ERR_OCI_CORRUPT` for a loop of links, or what lies too deep.
 */
export function findDirectory(writer: LayerWriter, path: string): Place | 'not-a-directory' | null {
  const steps = walk(writer, path);
  const last = steps.at(-1) as Step;
  if (steps.some((step) => !step.isDirectory && (step.layer !== 0 || step.below !== 0))) return 'not-a-directory';
  return last.isDirectory ? last : null;
}

/**
 * Makes sure that the layer holds a directory: parents that no entry describes copy the attributes of the one below.
 *
 * @param replaced - Told the path when a node of this layer that is no directory had to go.
 * @throws `ERR_OCI_CORRUPT` for a loop of links, or what lies too deep.
 */
export function ensureDirectory(writer: LayerWriter, path: string, replaced: () => void): Ino {
  const steps = walk(writer, path);
  let parent: Ino = ROOT_INO;
  for (const step of steps.slice(1)) {
    if (step.layer !== 0 && step.isDirectory) parent = step.layer;
    else {
      if (step.layer !== 0) replaced();
      parent = writer.createDirectory(parent, step.name, null);
    }
  }
  return parent;
}

function walk(writer: LayerWriter, path: string): Step[] {
  const root: Step = { name: '', layer: ROOT_INO, below: writer.belowOf(ROOT_INO), isDirectory: true };
  let steps: Step[] = [root];
  const rest = path.split('/').reverse();
  let links = 0;
  let walked = 0;
  for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (steps.length > 1) steps.pop();
      continue;
    }
    const top = steps.at(-1) as Step;
    const place = top.isDirectory ? writer.lookup(top, name) : null;
    const node = place === null ? null : writer.nodeAt(place);
    if (node !== null && isSymlinkMode(node.mode)) {
      if (++links > LINKS_MAX) throw refused(path, 'too many symbolic links on its way');
      const names = node.target.split('/');
      walked += names.length;
      if (walked > NAMES_MAX) throw refused(path, `links on its way lead through more than ${NAMES_MAX} names`);
      if (node.target.startsWith('/')) steps = [root];
      rest.push(...names.reverse());
      continue;
    }
    if (steps.length > DEPTH_MAX) throw refused(path, `more than ${DEPTH_MAX} directories inside each other`);
    steps.push({ name, layer: place?.layer ?? 0, below: place?.below ?? 0, isDirectory: node?.dir != null });
  }
  return steps;
}

function refused(path: string, message: string): Error {
  const entry = printableName(path);
  return storeError('ERR_OCI_CORRUPT', `entry "${entry}": ${message}`, { detail: { entry } });
}
