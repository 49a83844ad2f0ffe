import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { builtMain, repositoryFile, temporaryDirectory } from '../e2e/command.ts';
import { noMount } from './mounted.ts';

const noBuild = existsSync(builtMain) ? null : 'there is no build: npm run build';
const reason = noMount ?? noBuild ?? (existsSync('/usr/lib/postgresql') ? null : 'no PostgreSQL server');
const title = reason === null ? 'the story of a database' : `the story of a database (skipped: ${reason})`;
const story = repositoryFile('examples/database/story.sh');

describe.skipIf(reason !== null)(title, () => {
  test('rows that went with rm come back, and those of a volume stay', { timeout: 900_000 }, async () => {
    const folder = temporaryDirectory();
    const command = [process.execPath, builtMain].map((word) => `'${word}'`).join(' ');
    writeFileSync(join(folder, 'overlog'), `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
    const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}` };
    const { stdout } = await promisify(execFile)(story, [], { env });
    const [, promised] = readFileSync(story, 'utf8').split('\n# Prints:\n#\n');
    expect(stdout).toBe(promised.replaceAll(/^# {0,3}/gm, ''));
  });
});
