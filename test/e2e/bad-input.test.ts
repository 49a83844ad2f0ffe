import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryFile, runCommand, temporaryDirectory } from './command.ts';

const HOSTILE = repositoryFile('test/fixtures/images/hostile');
const EDGE = repositoryFile('examples/images/edge-oci-archive.tar');

/** Hostile archives that have to be refused, and what the error names. */
const REFUSED: readonly [file: string, names: RegExp][] = [
  ['layer-digest.tar', /layer 1 of 1: the blob is sha256:/],
  ['truncated-gzip.tar', /layer 1 of 1: the gzip data is truncated/],
  ['tar-checksum.tar', /layer 2 of 2, entry 1, byte 0/],
  ['missing-blob.tar', /sha256:[0-9a-f]{64} \(the image config\) is missing/],
  ['index-not-json.tar', /index\.json is not JSON/],
];

describe('a damaged archive', () => {
  it.each(REFUSED)('%s ends with 3 and one sentence, and leaves no store behind', async (file, names) => {
    const store = join(temporaryDirectory(), 'store');
    const { exitCode, stderr } = await runCommand(['--store', store, 'load', join(HOSTILE, file)]);
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(names);
    expect(stderr).toContain(file);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(existsSync(store)).toBe(false);
  });

  it.each(REFUSED)('%s leaves a store with content as it was', async (file) => {
    const store = join(temporaryDirectory(), 'store');
    await runCommand(['--store', store, 'load', EDGE]);
    const before = await runCommand(['--store', store, 'log']);
    expect((await runCommand(['--store', store, 'load', join(HOSTILE, file)])).exitCode).toBe(3);
    expect((await runCommand(['--store', store, 'log'])).stdout).toBe(before.stdout);
    expect((await runCommand(['--store', store, 'verify'])).exitCode).toBe(0);
  });
});

it('a log of an unknown format is told apart from a damaged one', async () => {
  const directory = temporaryDirectory();
  const store = join(directory, 'store');
  await runCommand(['--store', store, 'init']);
  const segments = readdirSync(join(store, 'log')).filter((name) => name.endsWith('.seg'));
  writeFileSync(join(store, 'log', segments[0]), 'not a segment at all, but long enough to be one by its length......');
  const { exitCode, stderr } = await runCommand(['--store', store, 'ps']);
  expect(exitCode).toBe(3);
  expect(stderr).toContain(segments[0]);
});

it('a scenario with a syntax error is named with file and line', async () => {
  const file = join(temporaryDirectory(), 'broken.scn');
  writeFileSync(file, 'image a:1\n  FROM scratch\n  FLY away\nend\n');
  const { exitCode, stderr } = await runCommand(['replay', '--scratch', file]);
  expect(exitCode).toBe(3);
  expect(stderr).toContain(`${file}:3`);
});
