import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkInvariants } from '../../../src/replay/invariants.ts';
import { openStore } from '../../../src/store/open-store.ts';
import { sampleImages } from '../../../src/testing/sample-images.ts';

async function open() {
  const store = await openStore();
  for (const image of sampleImages()) await store.images.add(image);
  const container = await store.containers.create({ image: 'app:1', name: 'c' });
  return { store, container, fs: container.fs, past: store.past };
}

describe('blame', () => {
  it('goes through copy-up and rename down to the image layer', async () => {
    const { store, fs, past } = await open();
    fs.appendFileSync('/a/a', '\nadded\n');
    const { seq } = store;
    fs.renameSync('/a/a', '/moved');
    const { lines, spans } = past.blame('c', '/moved');
    expect(lines.map(({ line, seq: by, layer }) => [line, by, layer])).toEqual([
      [1, seq, null],
      [2, seq, null],
    ]);
    expect(spans[0]).toEqual({ start: 0, end: 'second'.length, seq: null, layer: 1 });
  });

  it('of a file that an undo put back is of its layer again', async () => {
    const { store, fs, past } = await open();
    store.group('g', () => fs.writeFileSync('/a/a', 'other'));
    await store.containers.undo('c', 'g');
    expect(past.blame('c', '/a/a').spans).toEqual([{ start: 0, end: 6, seq: null, layer: 1 }]);
  });

  it('of a file that came back with its path knows who wrote it', async () => {
    const { store, fs, past } = await open();
    fs.writeFileSync('/file', 'one');
    const { seq } = store;
    fs.writeFileSync('/file', 'two, longer');
    await store.containers.rewindPath('c', seq, '/file');
    expect(past.blame('c', '/file').spans).toEqual([{ start: 0, end: 3, seq, layer: null }]);
  });

  it('is refused where there is no file', async () => {
    const { past } = await open();
    expect(() => past.blame('c', '/none')).toThrow(expect.objectContaining({ code: 'ERR_NOT_FOUND' }) as Error);
    expect(() => past.blame('c', '/a')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }) as Error);
  });
});

describe('versions and undelete', () => {
  it('list what stood at a path, under the names that it had', async () => {
    const { fs, past } = await open();
    fs.writeFileSync('/one', 'a');
    fs.renameSync('/one', '/two');
    fs.appendFileSync('/two', 'b');
    fs.chmodSync('/two', 0o600);
    fs.unlinkSync('/two');
    expect(past.versions('c', '/two').map(({ path, kind, sizeBytes, what }) => [path, kind, sizeBytes, what])).toEqual([
      ['/one', 'file', 1, []],
      ['/two', 'file', 2, ['content', 'mtime']],
      ['/two', 'file', 2, ['mode']],
      ['/two', null, 0, []],
    ]);
  });

  it('of a fork begin with those of its source', async () => {
    const { store, fs, past } = await open();
    fs.appendFileSync('/a/a', 'one');
    const fork = await store.containers.fork('c', { name: 'f' });
    fs.appendFileSync('/a/a', 'not in the fork');
    fork.fs.appendFileSync('/a/a', 'more');
    expect(past.versions('f', '/a/a').map(({ kind, sizeBytes, what }) => [kind, sizeBytes, what])).toEqual([
      ['file', 6, []],
      ['file', 9, ['content', 'mtime']],
      ['file', 13, ['content', 'mtime']],
    ]);
  });

  it('bring back what was removed last, unless something is there', async () => {
    const { store, fs, past } = await open();
    fs.writeFileSync('/a/b/new', 'kept');
    const { seq } = store;
    fs.rmSync('/a/b', { recursive: true });
    expect(await past.undelete('c', '/a/b')).toBeGreaterThanOrEqual(seq);
    await expect(past.undelete('c', '/a/b')).rejects.toMatchObject({ code: 'ERR_CONFLICT' });
    await expect(past.undelete('c', '/never')).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
    expect(fs.existsSync('/a/b')).toBe(true);
  });

  it('and blame are asked of a volume by itself', async () => {
    const { store, past } = await open();
    await store.volumes.create('v');
    const fs = store.volumes.fs('v');
    fs.writeFileSync('/file', 'one\n');
    const { seq: first } = store;
    fs.appendFileSync('/file', 'two\n');
    const of = { volume: 'v' };
    expect(past.versions(of, '/file').map(({ sizeBytes }) => sizeBytes)).toEqual([4, 8]);
    expect(past.blame(of, '/file').lines.map(({ seq }) => seq)).toEqual([first, store.seq]);
    expect(past.blame(of, '/file', first).lines.map(({ seq }) => seq)).toEqual([first]);
    expect(store.history(of, '/file').map(({ cause }) => cause[0])).toEqual(['writeFile', 'appendFile']);
    expect(() => past.versions({ volume: 'none' }, '/file')).toThrow(/there is no volume "none"/);
  });

  it('bring back what was in a volume, for all who have it mounted', async () => {
    const { store, past } = await open();
    await store.volumes.create('v');
    const other = await store.containers.create({
      name: 'other',
      mounts: [{ type: 'volume', source: 'v', target: '/data' }],
    });
    const fs = store.volumes.fs('v');
    fs.mkdirSync('/dir');
    fs.writeFileSync('/dir/file', 'one\n');
    const { seq } = store;
    fs.appendFileSync('/dir/file', 'two\n');
    fs.rmSync('/dir', { recursive: true });
    const of = { volume: 'v' };
    await past.undelete(of, '/dir');
    expect(other.fs.readFileSync('/data/dir/file', 'utf8')).toBe('one\ntwo\n');
    await store.volumes.rewindPath('v', seq, '/dir/file');
    expect(other.fs.readFileSync('/data/dir/file', 'utf8')).toBe('one\n');
    expect(past.blame(of, '/dir/file').lines.map((line) => line.seq)).toEqual([seq]);
    expect(past.versions(of, '/dir/file').at(-1)).toMatchObject({ kind: 'file', sizeBytes: 4 });
    await expect(past.undelete(of, '/dir')).rejects.toMatchObject({ code: 'ERR_CONFLICT' });
    expect(() => store.volumes.planRewindPath('v', 1, '/dir')).toThrow(/volume "v" was not there yet after event 1/);
    expect(checkInvariants(store.world, store.engine.log)).toEqual([]);
  });

  it('bring back in a fork what its source removed before it was made, and a fork of that fork too', async () => {
    const { store, container, fs, past } = await open();
    fs.mkdirSync('/dir');
    fs.writeFileSync('/dir/file', 'first line\n');
    const { seq: written } = store;
    fs.appendFileSync('/a/a', '\nadded\n');
    fs.rmSync('/dir', { recursive: true });
    fs.unlinkSync('/a/a');
    await store.containers.fork('c', { name: 'f' });
    const second = await store.containers.fork('f', { name: 'ff' });
    second.fs.writeFileSync('/new', 'takes the next number');
    await container.remove({ force: true });
    expect(past.versions('ff', '/dir/file').map(({ kind }) => kind)).toEqual(['file', null]);
    await past.undelete('ff', '/dir');
    await past.undelete('ff', '/a/a');
    expect(second.fs.readFileSync('/dir/file', 'utf8')).toBe('first line\n');
    expect(second.fs.readFileSync('/a/a', 'utf8')).toBe('second\nadded\n');
    expect(past.blame('ff', '/dir/file').spans).toEqual([{ start: 0, end: 11, seq: written, layer: null }]);
    expect(past.blame('ff', '/a/a').spans[0]).toEqual({ start: 0, end: 6, seq: null, layer: 1 });
    expect(store.at('now').containers.get('ff').fs.readFileSync('/dir/file', 'utf8')).toBe('first line\n');
    expect(checkInvariants(store.world, store.engine.log)).toEqual([]);
    for (const { containers } of store.storageBills({}))
      expect(containers.every(({ dataBytes }) => dataBytes >= 0)).toBe(true);
  });
});

describe('bisect', () => {
  it('finds the transaction, and with moments that can not be tested those that it may be', async () => {
    const { store, fs, past } = await open();
    const from = store.seq;
    for (let step = 0; step < 20; step++) fs.appendFileSync('/log', `${step}\n`);
    const has = (seq: number): boolean => {
      const view = store.at(seq).containers.get('c').fs;
      return view.existsSync('/log') && view.readFileSync('/log', 'utf8').includes('13\n');
    };
    const found = await past.bisect('c', { from, to: store.seq, test: has });
    expect(found.candidates).toEqual([found.transaction]);
    expect([has(found.before), has(found.transaction.seq)]).toEqual([false, true]);
    const hidden = found.transaction.seq - 1;
    const unsure = await past.bisect('c', {
      from,
      to: store.seq,
      test: (seq) => (seq === hidden ? 'skip' : has(seq)),
    });
    expect(unsure.candidates.map(({ seq }) => seq)).toEqual([found.transaction.seq - 1, found.transaction.seq]);
  });
});

describe('patches', () => {
  it('are what git apply makes of the one tree the other', async () => {
    const { store, fs, past } = await open();
    const folder = mkdtempSync(join(tmpdir(), 'overlog-patch-'));
    try {
      fs.writeFileSync('/text', 'one\ntwo\nthree\n');
      fs.writeFileSync('/gone', 'no newline');
      fs.mkdirSync('/dir');
      fs.writeFileSync('/dir/move me', '1\n2\n3\n4\n5\n');
      const from = store.seq;
      mkdirSync(join(folder, 'dir'));
      for (const name of ['text', 'gone', 'dir/move me'])
        writeFileSync(join(folder, name), fs.readFileSync(`/${name}`));
      fs.writeFileSync('/text', 'one\n2\nthree\nfour');
      fs.unlinkSync('/gone');
      fs.renameSync('/dir/move me', '/moved');
      fs.appendFileSync('/moved', '6\n');
      fs.writeFileSync('/script', '#!/bin/sh\n', { mode: 0o755 });
      fs.symlinkSync('text', '/link');
      const changes = store.diff(from, 'now', { container: 'c' });
      const patch = past.patches(from, 'now', { container: 'c' }, changes).join('');
      const applied = spawnSync('git', ['apply', '-'], { cwd: folder, input: patch });
      expect(applied.stderr?.toString()).toBe('');
      for (const name of ['text', 'moved', 'script']) {
        expect(readFileSync(join(folder, name), 'utf8')).toBe(fs.readFileSync(`/${name}`, 'utf8'));
      }
      expect(readFileSync(join(folder, 'link'), 'utf8')).toBe(fs.readFileSync('/text', 'utf8'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('name what is not text, and are empty for what is no content', async () => {
    const { store, fs, past } = await open();
    const from = store.seq;
    fs.writeFileSync('/binary', Buffer.from([0, 1, 2]));
    fs.chmodSync('/a/a', 0o600);
    const changes = store.diff(from, 'now', { container: 'c' });
    const patches = past.patches(from, 'now', { container: 'c' }, changes);
    const of = (path: string): string => patches[changes.findIndex((change) => change.path === path)];
    expect(of('/binary')).toContain('Binary files /dev/null and b/binary differ');
    expect(of('/a/a')).toBe('');
  });
});
