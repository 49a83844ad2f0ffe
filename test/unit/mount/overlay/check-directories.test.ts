import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkDirectories } from '../../../../src/mount/overlay/check-directories.ts';
import { parseOverlayOptions } from '../../../../src/mount/overlay/overlay-options.ts';

/** Checks directories of a fresh folder, named in it. */
function check(lowers: string, upper: string, work: string) {
  const root = mkdtempSync(join(tmpdir(), 'overlog-check-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const name of ['a/in', 'b', 'u/in', 'w', 'full/work', join('risky', 'work', 'incompat', 'volatile')])
    mkdirSync(join(root, name), { recursive: true });
  writeFileSync(join(root, 'file'), '');
  writeFileSync(join(root, 'full/letter'), '');
  symlinkSync('a', join(root, 'link'));
  const paths = lowers.split(':').map((name) => join(root, name));
  const list = `lowerdir=${paths.join(':')},upperdir=${join(root, upper)},workdir=${join(root, work)}`;
  return checkDirectories(parseOverlayOptions([list]));
}

describe('the directories of an overlay', () => {
  it('are found by their real paths, lowers from the bottom up', () => {
    const found = check('b:link', 'u', 'w');
    expect([...found.lowers, found.upper, found.work].map((path) => path?.split('/').at(-1))).toEqual([
      'a',
      'b',
      'u',
      'w',
    ]);
  });

  it.each([
    ['missing', 'u', 'w', /lowerdir .*missing is not there/],
    ['file', 'u', 'w', /lowerdir .*file is not a directory/],
    ['a:b:link', 'u', 'w', /a is a lowerdir twice/],
    ['a', 'a', 'w', /is upperdir and lowerdir/],
    ['a', 'a/in', 'w', /upperdir .* lies in lowerdir/],
    ['u/in', 'u', 'w', /lowerdir .* lies in upperdir/],
    ['a', 'u', 'a/in', /workdir .* lies in lowerdir/],
    ['a', 'u', 'u', /have to be two directories/],
    ['a', 'u', 'u/in', /have to be two directories/],
    ['a', 'u', 'full', /full holds "letter"/],
    ['a', 'u', 'risky', /was mounted with volatile/],
  ])('are refused with a sentence: %s under %s with %s', (lowers, upper, work, said) => {
    expect(() => check(lowers, upper, work)).toThrow(said);
  });
});
