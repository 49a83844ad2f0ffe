/** Looks at the directories of an overlay before anything is done. */

import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { storeError } from '../../events/log-error.ts';
import type { OverlayOptions } from './overlay-options.ts';

/** The directories' real paths. */
export interface OverlayDirectories {
  /** Lowest first. */
  readonly lowers: readonly string[];
  readonly upper: string | null;
  readonly work: string | null;
}

/**
 * Finds the directories, and refuses what would lose or mix up data.
 *
 * @throws `ERR_INVALID_ARGUMENT` with a sentence that names the directory.
 */
export function checkDirectories(options: OverlayOptions): OverlayDirectories {
  const lowers = options.lowers.map((path) => realDirectory('lowerdir', path)).toReversed();
  const upper = options.upper === null ? null : realDirectory('upperdir', options.upper);
  const work = options.work === null ? null : realDirectory('workdir', options.work);
  const twice = lowers.find((path, index) => lowers.indexOf(path) !== index);
  if (twice !== undefined) throw invalid(`${twice} is a lowerdir twice`);
  if (upper === null || work === null) return { lowers, upper, work };
  for (const lower of lowers) {
    if (lower === upper) throw invalid(`${upper} is upperdir and lowerdir: they have to be two directories`);
    if (isInside(upper, lower))
      throw invalid(`upperdir ${upper} lies in lowerdir ${lower}: its changes would show there`);
    if (isInside(lower, upper)) throw invalid(`lowerdir ${lower} lies in upperdir ${upper}: it would change with it`);
    if (isInside(work, lower) || work === lower) throw invalid(`workdir ${work} lies in lowerdir ${lower}`);
  }
  if (work === upper || isInside(work, upper) || isInside(upper, work))
    throw invalid(`upperdir ${upper} and workdir ${work} have to be two directories, neither of them in the other`);
  if (statSync(upper).dev !== statSync(work).dev)
    throw invalid(
      `workdir ${work} is on another file system than upperdir ${upper}: what is made there is moved into the upper in one step`,
    );
  const other = readdirSync(work).find((name) => name !== 'work' && name !== 'index');
  if (other !== undefined)
    throw invalid(`workdir ${work} holds "${other}", which no overlay has put there: give an empty directory`);
  const incompatible = join(work, 'work', 'incompat');
  if (existsSync(join(incompatible, 'volatile')))
    throw invalid(
      `${upper} was mounted with volatile, so it may have lost what was not on the disk: when it is fine, remove ${incompatible}`,
    );
  return { lowers, upper, work };
}

function realDirectory(option: string, path: string): string {
  let real: string;
  try {
    real = realpathSync(path);
    if (!statSync(real).isDirectory()) throw invalid(`${option} ${path} is not a directory`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw invalid(`${option} ${path} is not there`);
    throw error;
  }
  return real;
}

const isInside = (path: string, directory: string): boolean =>
  path.startsWith(directory === '/' ? '/' : `${directory}/`) && path !== directory;

const invalid = (message: string): Error => storeError('ERR_INVALID_ARGUMENT', message);
