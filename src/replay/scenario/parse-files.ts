/** The files at the end of a scenario, as in txtar: `-- path [mode=…] --`, then the content up to the next such line. */

import { encodeName } from '../../events/name.ts';
import { PERMISSION_BITS } from '../../events/mode.ts';
import type { ScenarioFile } from './scenario.ts';
import type { SourceLines } from './source-lines.ts';
import { type SourcePlace, syntaxError } from './syntax-error.ts';

/** Whether a line begins a file. */
export const isFileHeader = (line: string): boolean => /^-- .*--\s*$/.test(line) || /^--\s*$/.test(line);

/** Reads all files up to the end of the lines. */
export function parseFiles(lines: SourceLines, files: ScenarioFile[]): void {
  while (lines.next !== undefined) {
    const { place } = lines;
    const header = parseHeader(lines.next, place);
    lines.advance();
    const content: string[] = [];
    for (let line = lines.next; line !== undefined && !isFileHeader(line); line = lines.next) {
      content.push(line);
      lines.advance();
    }
    // The end of the source is not a line of its own.
    if (lines.next === undefined && content.at(-1) === '') content.pop();
    if (header.isDirectory && content.some((line) => line.trim() !== '')) {
      throw syntaxError(
        place,
        'nothing below a directory',
        content.find((line) => line.trim() !== ''),
      );
    }
    const text = content.map((line) => `${line}\n`).join('');
    if (files.some((file) => file.path === header.path)) {
      throw syntaxError(place, 'each file once', header.path);
    }
    files.push({ ...header, content: header.isDirectory ? new Uint8Array() : encodeName(text), line: place.line });
  }
}

function parseHeader(line: string, place: SourcePlace): Pick<ScenarioFile, 'path' | 'isDirectory' | 'mode'> {
  const match = /^-- (.+?)(?: mode=(\S*))? --\s*$/.exec(line);
  if (match === null) throw syntaxError(place, '-- path [mode=0644] --', line);
  const [, path, mode] = match;
  if (mode !== undefined && !/^[0-7]{3,5}$/.test(mode))
    throw syntaxError(place, 'an octal mode such as mode=0644', mode);
  const isDirectory = path.endsWith('/');
  const parts = path.split('/');
  if (isDirectory) parts.pop();
  const isNormal = parts.length > 0 && parts.every((part) => part !== '' && part !== '.' && part !== '..');
  if (!isNormal || path.includes('\0')) throw syntaxError(place, 'a relative path without . and ..', path);
  return {
    path: parts.join('/'),
    isDirectory,
    mode: mode === undefined ? null : Number.parseInt(mode, 8) & PERMISSION_BITS,
  };
}
