import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ApplyResult } from '../../../src/store/apply/apply-changes.ts';
import type { Container } from '../../../src/store/container.ts';
import { openStore } from '../../../src/store/open-store.ts';
import type { Store } from '../../../src/store/store.ts';

const OLD = 1_600_000_000;

let folder: string;
let store: Store;
let work: Container;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'overlog-apply-'));
  mkdirSync(at('sub/deep'), { recursive: true });
  for (const [path, content] of [
    ['kept', 'kept'],
    ['changed', 'before'],
    ['sub/one', 'one'],
    ['sub/deep/two', 'two'],
  ]) {
    writeFileSync(at(path), content);
    utimesSync(at(path), OLD, OLD);
  }
  symlinkSync('kept', at('link'));
  store = await openStore();
  await store.images.load(folder, { tag: 'project' });
  work = await store.containers.create({ name: 'work', image: 'project' });
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const at = (path: string): string => join(folder, path);

/** A letter and a path for what was done; path and reason for what was not. */
function lines({ applied, refused }: ApplyResult): string[] {
  return [
    ...applied.map(({ change, path }) => `${change[0]} ${path}`),
    ...refused.map(({ path, reason }) => `- ${path} ${reason}`),
  ];
}

/** What a dry run says, which changes nothing, and what is then done: the same. */
function apply(): string[] {
  const before = listing();
  const foretold = lines(work.apply(folder, { dryRun: true }));
  expect(listing()).toEqual(before);
  const done = lines(work.apply(folder));
  expect(done).toEqual(foretold);
  return done;
}

const listing = (): string[] =>
  (readdirSync(folder, { recursive: true }) as string[])
    .toSorted()
    .map((path) => `${path} ${lstatSync(at(path)).mode} ${lstatSync(at(path)).mtimeMs}`);

describe('apply', () => {
  test('a container that has changed nothing writes nothing, not even the time of the directory', () => {
    const { mtimeMs } = statSync(folder);
    expect(apply()).toEqual([]);
    expect(statSync(folder).mtimeMs).toBe(mtimeMs);
  });

  test('writes contents, modes, times, links and removals, and a second time finds nothing to do', () => {
    const { fs } = work;
    fs.writeFileSync('/changed', 'after');
    fs.chmodSync('/kept', 0o600);
    fs.rmSync('/sub', { recursive: true });
    fs.unlinkSync('/link');
    fs.symlinkSync('changed', '/link');
    fs.mkdirSync('/new');
    fs.writeFileSync('/new/a', 'a');
    fs.linkSync('/new/a', '/new/b');
    fs.utimesSync('/new/a', OLD, OLD);
    expect(apply()).toEqual([
      'R /sub/one',
      'R /sub/deep/two',
      'R /sub/deep',
      'R /sub',
      'M /changed',
      'M /kept',
      'M /link',
      'A /new',
      'A /new/a',
      'A /new/b',
    ]);
    expect(readFileSync(at('changed'), 'utf8')).toBe('after');
    expect(statSync(at('kept')).mode & 0o777).toBe(0o600);
    expect(readlinkSync(at('link'))).toBe('changed');
    expect(existsSync(at('sub'))).toBe(false);
    expect(statSync(at('new/b'))).toMatchObject({ ino: statSync(at('new/a')).ino, nlink: 2, mtimeMs: OLD * 1000 });
    expect(apply()).toEqual([]);
  });

  test('a time alone is a change', () => {
    work.fs.utimesSync('/kept', OLD + 1, OLD + 1);
    expect(apply()).toEqual(['M /kept']);
    expect(statSync(at('kept')).mtimeMs).toBe((OLD + 1) * 1000);
    expect(apply()).toEqual([]);
  });

  test('what has drifted is left as it is, and what stands below it too', () => {
    const { fs } = work;
    fs.writeFileSync('/changed', 'after');
    fs.writeFileSync('/sub/one', 'mine');
    fs.unlinkSync('/sub/deep/two');
    fs.chmodSync('/kept', 0o600);
    fs.mkdirSync('/new');
    fs.writeFileSync('/new/a', 'a');
    writeFileSync(at('changed'), 'theirs');
    rmSync(at('sub/one'));
    writeFileSync(at('sub/deep/two'), '2');
    chmodSync(at('kept'), 0o640);
    writeFileSync(at('new'), 'a file');
    expect(apply()).toEqual([
      '- /sub/deep/two has other content there',
      '- /changed has other content there',
      '- /kept has another mode there',
      '- /new is there already',
      '- /new/a /new was refused',
      '- /sub/one is gone there',
    ]);
    expect(readFileSync(at('changed'), 'utf8')).toBe('theirs');
    expect(readFileSync(at('sub/deep/two'), 'utf8')).toBe('2');
  });

  test('a directory with something else in it stays', () => {
    work.fs.rmSync('/sub', { recursive: true });
    work.fs.writeFileSync('/sub', 'a file now');
    writeFileSync(at('sub/deep/theirs'), '');
    expect(apply()).toEqual([
      'R /sub/one',
      'R /sub/deep/two',
      '- /sub/deep holds theirs, which stays',
      '- /sub holds deep, which stays',
    ]);
    expect(readdirSync(at('sub/deep'))).toEqual(['theirs']);
  });

  test('a directory becomes a file, and a file a directory', () => {
    const { fs } = work;
    fs.rmSync('/sub', { recursive: true });
    fs.writeFileSync('/sub', 'a file now');
    fs.unlinkSync('/kept');
    fs.mkdirSync('/kept');
    fs.writeFileSync('/kept/in', 'in');
    apply();
    expect(readFileSync(at('sub'), 'utf8')).toBe('a file now');
    expect(readFileSync(at('kept/in'), 'utf8')).toBe('in');
    expect(apply()).toEqual([]);
  });

  test('what a directory of the host is not given is named beforehand, too', () => {
    const { linux } = work.fs;
    linux.mknodSync('/pipe', 0o10644);
    linux.setxattrSync('/kept', 'user.one', '1');
    expect(apply()).toEqual([
      '- /kept has extended attributes, which are not written',
      '- /pipe is a fifo, which is not written: mknod(1) makes it',
    ]);
  });

  test('a directory that something is written into keeps the mode that the host has given it', () => {
    work.fs.writeFileSync('/sub/one', 'mine');
    work.fs.writeFileSync('/changed', 'after');
    chmodSync(at('sub'), 0o700);
    chmodSync(folder, 0o710);
    expect(apply()).toEqual(['M /changed', 'M /sub/one']);
    expect([statSync(at('sub')).mode & 0o777, statSync(folder).mode & 0o777]).toEqual([0o700, 0o710]);
  });

  test('what is no directory is refused', () => {
    for (const path of ['kept', 'missing']) {
      expect(() => work.apply(at(path))).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }));
    }
  });
});
