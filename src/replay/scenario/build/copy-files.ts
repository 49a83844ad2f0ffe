/** COPY and ADD: files from the end of the scenario on their way into an image. */

import { posix } from 'node:path';
import { isDirectoryMode } from '../../../events/mode.ts';
import { encodeName } from '../../../events/name.ts';
import type { CopySource, ScenarioFile } from '../scenario.ts';
import { filesOf } from './files-of.ts';
import { joinPath, type Shell } from '../verbs/shell.ts';
import { fillPieces } from '../verbs/write-verbs.ts';

/** @param workdir - Absolute; relative targets start there. */
export function copyIntoImage(shell: Shell, copy: CopySource, files: readonly ScenarioFile[], workdir: string): void {
  shell.verb = 'COPY';
  // A dot at the end names a directory as a slash does.
  const named = /(^|\/)\.\.?$/.test(copy.target) ? `${copy.target}/` : copy.target;
  const target = posix.normalize(named.startsWith('/') ? named : joinPath(workdir, named));
  if (copy.kind === 'fill') {
    makeDirectories(shell, parentOf(target));
    writeFile(shell, target, fillPieces(copy.size, encodeName(copy.pattern)), 0o644);
    return;
  }
  for (const source of copy.sources) {
    for (const { file, below } of filesOf(files, source)) copyOne(shell, copy, target, file, below);
  }
}

type FileCopy = Extract<CopySource, { kind: 'files' }>;

function copyOne(shell: Shell, copy: FileCopy, target: string, file: ScenarioFile, below: string): void {
  const isSelf = below === '';
  const isInto = target.endsWith('/') || copy.sources.length > 1 || isDirectory(shell, target);
  const name = isSelf && !file.isDirectory && isInto ? file.path.slice(file.path.lastIndexOf('/') + 1) : below;
  const path = name === '' ? target : joinPath(target, name);
  if (file.isDirectory) {
    makeDirectories(shell, path);
    if (!isSelf && (file.mode !== null || copy.mode !== null)) shell.chmod(path, copy.mode ?? file.mode ?? 0o755);
  } else {
    makeDirectories(shell, parentOf(path));
    writeFile(shell, path, [file.content], copy.mode ?? file.mode ?? 0o644);
  }
  if (copy.owner !== null && !(isSelf && file.isDirectory)) shell.chown(path, copy.owner.uid, copy.owner.gid, false);
}

function writeFile(shell: Shell, path: string, content: Iterable<Uint8Array>, mode: number): void {
  // As Docker does: what stood there is replaced, not written into.
  if (typeof shell.tryStat(path, false) !== 'number') shell.unlink(path);
  shell.write(path, content, false, mode);
  shell.chmod(path, mode);
}

function makeDirectories(shell: Shell, path: string): void {
  let made = '/';
  for (const part of path.split('/').filter((each) => each !== '')) {
    made = joinPath(made, part);
    if (!isDirectory(shell, made)) shell.mkdir(made, 0o755);
  }
}

function isDirectory(shell: Shell, path: string): boolean {
  const node = shell.tryStat(path);
  return typeof node !== 'number' && isDirectoryMode(node.mode);
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));
