import { describe, expect, it } from 'vitest';
import { openStore } from '../../../src/store/open-store.ts';
import type { Store } from '../../../src/store/store.ts';
import { sampleImages } from '../../../src/testing/sample-images.ts';

/** A container `c` of an image: /a/a, /a/b/b/a, /b/a, … */
async function open() {
  const store = await openStore();
  for (const image of sampleImages()) await store.images.add(image);
  const { fs } = await store.containers.create({ image: 'app:1', name: 'c' });
  return { store, fs, container: store.containers.get('c') };
}

const messageOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'nothing was thrown',
    (error: Error) => error.message,
  );

describe('undoing a group', () => {
  it('takes back its own changes and leaves what others did afterwards', async () => {
    const { store, fs, container } = await open();
    store.group('one', () => {
      fs.writeFileSync('/a/a', 'by one');
      fs.rmSync('/b', { recursive: true });
      fs.mkdirSync('/new');
    });
    store.group('two', () => fs.writeFileSync('/d/two', 'by two'));
    const { conflicts, changes } = await store.containers.undo('c', 'one');
    expect(conflicts).toEqual([]);
    expect(changes.map(({ change, path }) => `${change} ${path}`)).toContain('Removed /new');
    expect(fs.readFileSync('/a/a', 'utf8')).toBe('second');
    expect(fs.statSync('/b/a').size).toBe(70_000);
    expect(fs.readFileSync('/d/two', 'utf8')).toBe('by two');
    // What it had copied up lies in its layer again.
    expect(container.diff().map(({ kind, path }) => `${kind} ${path}`)).toEqual(['C /d', 'A /d/two']);
    expect(container.sizes().sizeRwBytes).toBe('by two'.length);
  });

  it('names what others changed afterwards and changes nothing; by force that goes too', async () => {
    const { store, fs } = await open();
    store.group('one', () => {
      fs.writeFileSync('/a/a', 'by one');
      fs.mkdirSync('/made');
    });
    store.group('two', () => {
      fs.appendFileSync('/a/a', ' and two');
      fs.writeFileSync('/made/inside', 'by two');
    });
    const { seq } = store;
    expect(store.containers.planUndo('c', 'one').conflicts).toMatchObject([
      { path: '/made/inside', what: 'inside', by: { group: 'two' } },
      { path: '/a/a', what: 'node', by: { group: 'two', cause: ['appendFile', '/a/a'] } },
    ]);
    expect(await messageOf(store.containers.undo('c', 'one'))).toBe(
      'group "one" can\'t be undone alone: group "two" changed /made/inside afterwards, and 1 more',
    );
    expect(store.seq).toBe(seq);
    await store.containers.undo('c', 'one', { force: true });
    expect(fs.readFileSync('/a/a', 'utf8')).toBe('second');
    expect(fs.existsSync('/made')).toBe(false);
  });

  it('has nothing to do with what others have put right already', async () => {
    const { store, fs } = await open();
    store.group('one', () => fs.mkdirSync('/made'));
    store.group('two', () => fs.rmdirSync('/made'));
    expect(await store.containers.undo('c', 'one')).toMatchObject({ conflicts: [] });
    expect(fs.existsSync('/made')).toBe(false);
  });

  it('is a group of its own, and so can be undone', async () => {
    const { store, fs } = await open();
    store.group('one', () => fs.renameSync('/a/a', '/moved'));
    await store.containers.undo('c', 'one');
    expect([fs.existsSync('/moved'), fs.existsSync('/a/a')]).toEqual([false, true]);
    await store.containers.undo('c', 'undo one');
    expect([fs.existsSync('/moved'), fs.existsSync('/a/a')]).toEqual([true, false]);
  });

  it('ignores what a rewind has taken away already', async () => {
    const { store, fs } = await open();
    const { seq } = store;
    store.group('one', () => fs.writeFileSync('/a/a', 'by one'));
    await store.rewind('c', seq);
    fs.writeFileSync('/a/a', 'later');
    expect(await store.containers.undo('c', 'one')).toMatchObject({ conflicts: [], changes: [] });
    expect(fs.readFileSync('/a/a', 'utf8')).toBe('later');
  });

  it('that never was is refused', async () => {
    const { store } = await open();
    await expect(store.containers.undo('c', 'none')).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
  });
});

describe('going back with one path', () => {
  const asOf = async (store: Store, path: string, seq: number): Promise<string> =>
    messageOf(store.containers.rewindPath('c', seq, path));

  it('brings a removed directory back with all that was in it, and changes nothing else', async () => {
    const { store, fs } = await open();
    fs.writeFileSync('/a/b/mine', 'mine');
    const { seq } = store;
    fs.rmSync('/a/b', { recursive: true });
    fs.writeFileSync('/a/a', 'stays');
    await store.containers.rewindPath('c', seq, '/a/b');
    expect(fs.readFileSync('/a/b/mine', 'utf8')).toBe('mine');
    expect(fs.statSync('/a/b/b/a').size).toBe(20_000);
    expect(fs.readFileSync('/a/a', 'utf8')).toBe('stays');
  });

  it('to when a directory above was gone hides what the lower has there', async () => {
    const { store, container, fs } = await open();
    const { seq } = store;
    fs.rmSync('/a', { recursive: true });
    const gone = store.seq;
    await store.rewind('c', seq);
    await store.containers.rewindPath('c', gone, '/a/a');
    await container.commit({ tag: 'changed:1' });
    const { fs: of } = await store.containers.create({ image: 'changed:1' });
    expect([of.existsSync('/a/a'), of.existsSync('/a/b')]).toEqual([false, true]);
  });

  it('gives a copy of a file that has another place now', async () => {
    const { store, fs } = await open();
    fs.writeFileSync('/file', 'once');
    const { seq } = store;
    fs.renameSync('/file', '/elsewhere');
    fs.writeFileSync('/elsewhere', 'changed');
    await store.containers.rewindPath('c', seq, '/file');
    expect([fs.readFileSync('/file', 'utf8'), fs.readFileSync('/elsewhere', 'utf8')]).toEqual(['once', 'changed']);
    expect(fs.statSync('/file').ino).not.toBe(fs.statSync('/elsewhere').ino);
  });

  it('is refused for the root, and where the directory is gone', async () => {
    const { store, fs } = await open();
    const { seq } = store;
    fs.rmSync('/a', { recursive: true });
    expect(await asOf(store, '/', seq)).toBe('a whole container goes back with rewind, without a path');
    expect(await asOf(store, '/a/a', seq)).toBe('/a is not there now, so /a/a has no place');
  });
});
