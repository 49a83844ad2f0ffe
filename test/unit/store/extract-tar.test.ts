import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { extractTar, type OverlogFs, openStore, pathTar, SpooledTar } from '../../../src/index.ts';
import type { TarEntry } from '../../../src/oci/tar-entry.ts';
import { TarReader } from '../../../src/oci/tar-reader.ts';
import { TarWriter, type TarWriteEntry } from '../../../src/oci/tar-writer.ts';

async function root(): Promise<OverlogFs> {
  const store = await openStore();
  return (await store.containers.create({ name: 'c' })).fs;
}

const spooled = (bytes: Uint8Array): Promise<SpooledTar> => SpooledTar.from(Readable.from([bytes]), { file: '<test>' });

async function extract(fs: OverlogFs, directory: string, bytes: Uint8Array): Promise<number> {
  const tar = await spooled(bytes);
  try {
    return extractTar(fs, directory, tar);
  } finally {
    await tar.close();
  }
}

const OWNED = { mode: 0o640, uid: 7, gid: 8, mtimeNs: 1_600_000_000_000_000_000n, xattrs: [] };

function tarOf(...entries: readonly [TarWriteEntry, string?][]): Buffer {
  const pieces: Buffer[] = [];
  const writer = new TarWriter((bytes) => void pieces.push(Buffer.from(bytes)), 'plain');
  for (const [entry, content = ''] of entries) {
    writer.entry(entry);
    writer.data(Buffer.from(content));
  }
  writer.end();
  return Buffer.concat(pieces);
}

/** The entries of a tar; of directories at the top their name alone. */
function entriesOf(tar: Uint8Array): Partial<TarEntry>[] {
  const entries: Partial<TarEntry>[] = [];
  const handler = {
    entry: (entry: TarEntry): boolean => {
      const { path, kind, target, mode, uid, gid, mtimeNs, size, major, minor, xattrs } = entry;
      const whole = { path, kind, target, mode, uid, gid, mtimeNs, size, major, minor, xattrs };
      entries.push(entries.length === 0 ? { path } : whole);
      return false;
    },
    data: () => {},
    hole: () => {},
  };
  const reader = new TarReader(handler, { file: '<test>' });
  reader.push(tar);
  reader.end();
  return entries;
}

describe('a path as a tar, put elsewhere', () => {
  test('keeps links, owners, times to the nanosecond, devices, attributes and names that start with .wh.', async () => {
    const fs = await root();
    fs.mkdirSync('/from/sub', { recursive: true });
    fs.writeFileSync('/from/a', 'content');
    fs.linkSync('/from/a', '/from/sub/b');
    fs.symlinkSync('a', '/from/l');
    fs.linux.mknodSync('/from/null', 0o20666, 259);
    fs.linux.mknodSync('/from/pipe', 0o10600);
    fs.writeFileSync('/from/.wh.plain', '');
    fs.linux.setxattrSync('/from/sub', 'user.k', Buffer.from([0, 255]));
    fs.chmodSync('/from/a', 0o4711);
    fs.lchownSync('/from/l', 3, 4);
    fs.linux.utimensSync('/from/sub', 5n, 1_600_000_000_123_456_789n);
    const tar = Buffer.concat([...pathTar(fs, '/from/.')]);
    fs.mkdirSync('/to');
    expect(await extract(fs, '/to', tar)).toBe(7);
    expect(entriesOf(Buffer.concat([...pathTar(fs, '/to/.')]))).toEqual(entriesOf(tar));
    expect(fs.statSync('/to/a')).toMatchObject({ mode: 0o104711, nlink: 2 });
    expect(fs.statSync('/to/sub', { bigint: true }).mtimeNs).toBe(1_600_000_000_123_456_789n);
  });

  test('has the name of the path in front, of a link that is followed the one that it leads to', async () => {
    const fs = await root();
    fs.mkdirSync('/d');
    fs.symlinkSync('d', '/l');
    const nameOf = (path: string, followLink = false): string | undefined =>
      entriesOf(Buffer.concat([...pathTar(fs, path, { followLink })]))[0]?.path;
    const paths = [nameOf('/d'), nameOf('/l'), nameOf('/l/'), nameOf('/l', true), nameOf('/l/.'), nameOf('/')];
    expect(paths).toEqual(['d/', 'l', 'l/', 'd/', './', './']);
  });
});

describe('a tar put into a directory', () => {
  test('replaces a file, so that its other name keeps what it had', async () => {
    const fs = await root();
    fs.writeFileSync('/x', 'old');
    fs.linkSync('/x', '/y');
    await extract(fs, '/', tarOf([{ kind: 'file', path: 'x', size: 3, ...OWNED }, 'new']));
    expect([fs.readFileSync('/x', 'utf8'), fs.readFileSync('/y', 'utf8')]).toEqual(['new', 'old']);
    expect(fs.statSync('/x')).toMatchObject({ uid: 7, gid: 8, mode: 0o100640 });
  });

  test.each<[string, TarWriteEntry, string]>([
    ['a directory over a file', { kind: 'dir', path: 'file', size: 0, ...OWNED }, 'ERR_CONFLICT'],
    ['a file over a directory', { kind: 'file', path: 'dir', size: 0, ...OWNED }, 'ERR_CONFLICT'],
    ['a link that leads out', { kind: 'symlink', path: 'l', target: '../../etc', ...OWNED }, 'ERR_OCI_CORRUPT'],
    ['a hard link to nothing', { kind: 'hardlink', path: 'h', target: 'none', ...OWNED }, 'ENOENT'],
  ])('refuses %s', async (_, entry, code) => {
    const fs = await root();
    fs.mkdirSync('/in/dir', { recursive: true });
    fs.writeFileSync('/in/file', 'kept');
    await expect(extract(fs, '/in', tarOf([entry]))).rejects.toMatchObject({ code });
    expect(fs.readdirSync('/in')).toEqual(['dir', 'file']);
    expect(fs.readFileSync('/in/file', 'utf8')).toBe('kept');
  });

  test.each(['../out', '../../out', 'a/../../out'])('refuses an entry %s', async (name) => {
    const fs = await root();
    fs.mkdirSync('/in');
    const tar = tarOf([{ kind: 'file', path: 'x'.repeat(name.length), size: 0, ...OWNED }]);
    tar.write(name, 0, 'latin1');
    const sum = [...tar.subarray(0, 512)].reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 32 : byte), 0);
    tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    await expect(extract(fs, '/in', tar)).rejects.toMatchObject({
      code: 'ERR_OCI_CORRUPT',
      message: expect.stringContaining(`"${name}" is outside of "/in"`),
    });
    expect([fs.readdirSync('/'), fs.readdirSync('/in')]).toEqual([['in'], []]);
  });

  test('that is cut anywhere inside an entry is refused before anything is taken', async () => {
    const fs = await root();
    const tar = tarOf([{ kind: 'file', path: 'x', size: 600, ...OWNED }, 'c'.repeat(600)]);
    for (let length = 1; length < 1112; length += 97) {
      await expect(spooled(tar.subarray(0, length))).rejects.toMatchObject({ code: 'ERR_OCI_CORRUPT' });
    }
    expect(fs.readdirSync('/')).toEqual([]);
  });
});
