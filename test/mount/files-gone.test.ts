/** A mount outlives the files of the command that serves it: an update takes them away, and others have other names. */

import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FORWARDED } from '../../src/cli/mounting/forward.ts';
import { builtMain, type CommandResult, repositoryFile } from '../e2e/command.ts';
import { noOverlay, overlayDirectories } from './overlay-directories.ts';

/** A container, image, volume or label that there is not. */
const NOBODY = 'nobody';

/** The arguments of verbs that take more than that. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  exec: ['--begin', '--pid', '1', NOBODY, '--', 'true'],
  fork: [NOBODY, '--as', 'other'],
  rename: [NOBODY, 'other'],
  rewind: [NOBODY, 'now'],
  tag: [NOBODY, 'other:1'],
  volume: ['rm', NOBODY],
};

describe.skipIf(noOverlay !== null)(`files gone${noOverlay === null ? '' : ` (skipped: ${noOverlay})`}`, () => {
  test('a server whose own files are gone runs every verb that is sent to it, and ends in order', () => {
    const { root, lower, upper, merged } = overlayDirectories();
    const own = join(root, 'own');
    cpSync(repositoryFile('package.json'), join(own, 'package.json'));
    cpSync(repositoryFile('dist'), join(own, 'dist'), { recursive: true });
    const run = (main: string, ...argv: readonly string[]): CommandResult => {
      const all = [main, '--store', join(root, 'store'), ...argv];
      const { status, stdout, stderr } = spawnSync(process.execPath, all, { encoding: 'utf8', timeout: 30_000 });
      return { exitCode: status ?? -1, stdout, stderr };
    };
    const mounted = run(join(own, 'dist/cli/main.js'), 'overlay', '--name', 'web', lower, upper, merged);
    expect(mounted).toMatchObject({ exitCode: 0 });
    rmSync(own, { recursive: true });

    writeFileSync(join(merged, 'file'), 'content');
    for (const verb of [...FORWARDED].filter((each) => each !== 'label')) {
      const { exitCode, stderr } = run(builtMain, verb, ...(ARGUMENTS[verb] ?? [NOBODY]));
      expect({ verb, exitCode }).toStrictEqual({ verb, exitCode: 4 });
      expect(stderr).toMatch(new RegExp(`^overlog ${verb}: .*\\b${NOBODY}\\b`));
    }
    expect(run(builtMain, 'label', 'then')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(run(builtMain, 'log').stdout).toContain('label then');
    expect(run(builtMain, 'umount', merged)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(readFileSync(join(upper, 'file'), 'utf8')).toBe('content');
  });
});
