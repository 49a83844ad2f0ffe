import { describe, expect, test } from 'vitest';
import type { LayerEntry } from '../../../src/engine/layer-sink.ts';
import { LayerReader } from '../../../src/oci/layer-reader.ts';
import type { LayerReaderOptions } from '../../../src/oci/layer-reader.ts';
import { archive, file, header, pax } from './support/raw-tar.ts';
import { RecordSink } from './support/record-sink.ts';

function read(
  bytes: Buffer,
  options: Partial<LayerReaderOptions> = {},
): { entries: LayerEntry[]; contents: string[]; warnings: string[] } {
  const sink = new RecordSink();
  const warnings: string[] = [];
  const onWarning: LayerReaderOptions['onWarning'] = ({ entry, message }) => warnings.push(`${entry}: ${message}`);
  const reader = new LayerReader(sink, { file: 'layer.tar', layer: 'layer 1 of 2', onWarning, ...options });
  reader.push(bytes);
  reader.end();
  const recorded = sink.finish();
  return {
    entries: recorded.map(({ entry }) => entry),
    contents: recorded.map(({ content }) => content.toString()),
    warnings,
  };
}

const kindsOf = (entries: LayerEntry[]): string[] => entries.map(({ kind, path }) => `${kind} ${path}`);
const corrupt = (text: string) =>
  expect.objectContaining({ code: 'ERR_OCI_CORRUPT', message: expect.stringContaining(text) });

describe('paths', () => {
  test.each([
    ['/etc/passwd', 'etc/passwd'],
    ['./a', 'a'],
    ['a//b/./c', 'a/b/c'],
    ['../evil', 'evil'],
    ['a/b/../../../../evil', 'evil'],
    ['a/..b', 'a/..b'],
    ['a/...', 'a/...'],
    ['.a', '.a'],
  ])('%s becomes %s', (written, path) => {
    expect(kindsOf(read(archive(file(written))).entries)).toEqual([`file ${path}`]);
  });

  test.each(['./', '/', '.', 'a/..', ''])('the directory %j is the root', (written) => {
    expect(kindsOf(read(archive(header({ name: written, typeflag: '5' }))).entries)).toEqual(['dir ']);
  });

  test('the root can only be a directory', () => {
    expect(() => read(archive(file('a/..')))).toThrow(corrupt('root'));
    expect(() => read(archive(header({ name: '/', typeflag: '2', link: 'x' })))).toThrow(corrupt('root'));
  });

  test('a name of 255 bytes is taken, one of 256 refused', () => {
    expect(read(archive(pax([['path', `d/${'é'.repeat(127)}x`]]), file('f'))).entries).toHaveLength(1);
    expect(() => read(archive(pax([['path', `d/${'é'.repeat(128)}`]]), file('f')))).toThrow(corrupt('255'));
  });

  test('hard link targets are normalised alike', () => {
    expect(read(archive(header({ name: 'b', typeflag: '1', link: '/../x/./a' }))).entries).toEqual([
      { kind: 'hardlink', path: 'b', target: 'x/a' },
    ]);
  });

  test('symlink targets stay as they are', () => {
    const { entries } = read(archive(header({ name: 'l', typeflag: '2', link: '/../x//./a' })));
    expect(entries[0]).toMatchObject({ target: '/../x//./a' });
  });
});

describe('whiteouts in the OCI dialect', () => {
  test('names become whiteouts and opaque marks, whatever their type', () => {
    const bytes = archive(
      file('d/.wh.gone'),
      header({ name: 'd/.wh.dir', typeflag: '5' }),
      header({ name: 'd/.wh.link', typeflag: '1', link: '.wh..wh.aufs' }),
      file('d/.wh..wh..opq'),
      file('.wh..wh..opq'),
      file('.wh.top'),
    );
    const { entries, warnings } = read(bytes);
    expect(kindsOf(entries)).toEqual([
      'whiteout d/gone',
      'whiteout d/dir',
      'whiteout d/link',
      'opaque d',
      'opaque ',
      'whiteout top',
    ]);
    expect(warnings).toEqual([]);
  });

  test.each(['.wh.', 'd/.wh.', '.wh..', 'd/.wh...'])('%s names nothing and is refused', (name) => {
    expect(() => read(archive(file(name)))).toThrow(corrupt('whiteout'));
  });

  test('an entry below a whiteout is refused', () => {
    expect(() => read(archive(file('.wh.d/f')))).toThrow(corrupt('below a whiteout'));
  });

  test('the content of a whiteout is told', () => {
    const { entries, warnings } = read(archive(file('.wh.x', 'content'), file('y', 'kept')));
    expect(kindsOf(entries)).toEqual(['whiteout x', 'file y']);
    expect(warnings).toEqual([expect.stringContaining('.wh.x: the content')]);
  });

  test('a char 0:0 device is a whiteout, with a warning', () => {
    const { entries, warnings } = read(
      archive(header({ name: 'x', typeflag: '3' }), header({ name: 'null', typeflag: '3', major: 1, minor: 3 })),
    );
    expect(kindsOf(entries)).toEqual(['whiteout x', 'chr null']);
    expect(warnings).toHaveLength(1);
  });

  test("overlay's own xattrs are not kept, with a warning", () => {
    const bytes = archive(
      pax([
        ['SCHILY.xattr.trusted.overlay.opaque', 'y'],
        ['SCHILY.xattr.user.a', '1'],
      ]),
      header({ name: 'd', typeflag: '5' }),
    );
    const { entries, warnings } = read(bytes);
    expect(entries).toEqual([expect.objectContaining({ kind: 'dir', xattrs: [['user.a', Buffer.from('1')]] })]);
    expect(warnings).toHaveLength(1);
  });

  test('files that aufs kept under numbers get their names back', () => {
    const bytes = archive(
      header({ name: '.wh..wh.plnk/', typeflag: '5' }),
      file('.wh..wh.plnk/12.34', 'shared', { mode: 0o755 }),
      header({ name: '.wh..wh.aufs', typeflag: '0' }),
      header({ name: 'a', typeflag: '1', link: '.wh..wh.plnk/12.34' }),
      header({ name: 'b', typeflag: '1', link: '/.wh..wh.plnk/12.34' }),
    );
    const { entries, contents, warnings } = read(bytes);
    expect(entries).toEqual([
      expect.objectContaining({ kind: 'file', path: 'a', size: 6, mode: 0o755 }),
      { kind: 'hardlink', path: 'b', target: 'a' },
    ]);
    expect(contents[0]).toBe('shared');
    expect(warnings).toHaveLength(2);
    const dangling = archive(header({ name: 'a', typeflag: '1', link: '.wh..wh.plnk/1' }));
    expect(() => read(dangling)).toThrow(corrupt('aufs'));
  });

  test('a hard link to a whiteout or to the root is refused', () => {
    expect(() => read(archive(header({ name: 'a', typeflag: '1', link: 'd/.wh.b' })))).toThrow(corrupt('reserved'));
    expect(() => read(archive(header({ name: 'a', typeflag: '1', link: '..' })))).toThrow(corrupt('root'));
  });
});

describe('whiteouts in the overlay dialect', () => {
  const xattr = (name: string, value: string): Buffer => pax([[`SCHILY.xattr.${name}`, value]]);

  test('char 0:0 and opaque xattrs are the marks, .wh. names are not', () => {
    const bytes = archive(
      header({ name: 'gone', typeflag: '3' }),
      xattr('trusted.overlay.opaque', 'y'),
      header({ name: 'd', typeflag: '5' }),
      xattr('user.overlay.opaque', 'x'),
      header({ name: 'e', typeflag: '5' }),
      file('.wh.plain', 'text'),
    );
    const { entries, warnings } = read(bytes, { dialect: 'overlay' });
    expect(kindsOf(entries)).toEqual(['whiteout gone', 'dir d', 'opaque d', 'dir e', 'file .wh.plain']);
    expect(warnings).toEqual([expect.stringContaining('.wh.plain')]);
  });

  test('xattr whiteouts and escaped xattrs are understood', () => {
    const bytes = archive(
      xattr('user.overlay.whiteout', ''),
      file('gone'),
      xattr('trusted.overlay.overlay.opaque', 'y'),
      header({ name: 'd', typeflag: '5' }),
    );
    const { entries } = read(bytes, { dialect: 'overlay' });
    expect(kindsOf(entries)).toEqual(['whiteout gone', 'dir d']);
    expect(entries[1]).toMatchObject({ xattrs: [['trusted.overlay.opaque', Buffer.from('y')]] });
  });

  test('redirect and metacopy are handed on where they mean something', () => {
    const bytes = archive(
      xattr('trusted.overlay.redirect', '/x'),
      header({ name: 'd', typeflag: '5' }),
      xattr('trusted.overlay.metacopy', ''),
      file('f', ''),
      xattr('trusted.overlay.redirect', '/x'),
      file('g', ''),
    );
    const { entries } = read(bytes, { dialect: 'overlay' });
    expect(entries[0]).toMatchObject({ path: 'd', lower: { redirect: '/x', isMetacopy: false } });
    expect(entries[1]).toMatchObject({ path: 'f', lower: { redirect: null, isMetacopy: true } });
    expect(entries[2]).not.toHaveProperty('lower');
    for (const entry of read(bytes).entries) expect(entry).not.toHaveProperty('lower');
  });
});

test('duplicates are handed on in order, with a warning for what the later one hides', () => {
  const { entries, contents, warnings } = read(
    archive(
      file('a', '1'),
      header({ name: 'd', typeflag: '5' }),
      header({ name: 'd', typeflag: '5' }),
      file('./a', '2'),
    ),
  );
  expect(kindsOf(entries)).toEqual(['file a', 'dir d', 'dir d', 'file a']);
  expect(contents[3]).toBe('2');
  expect(warnings).toEqual([expect.stringContaining('./a: this path came before')]);
});

test('times outside int64 are set to the nearest, with a warning', () => {
  const { entries, warnings } = read(
    archive(pax([['mtime', '99999999999']]), file('a'), pax([['mtime', '-99999999999']]), file('b')),
  );
  expect(entries).toEqual([
    expect.objectContaining({ mtimeNs: 2n ** 63n - 1n }),
    expect.objectContaining({ mtimeNs: -(2n ** 63n) }),
  ]);
  expect(warnings).toHaveLength(2);
});

test('a file that is longer than any file can be is refused', () => {
  const hole = pax([
    ['GNU.sparse.size', String(2 ** 50)],
    ['GNU.sparse.map', ''],
  ]);
  const expected = expect.objectContaining({
    code: 'ERR_OCI_UNSUPPORTED',
    message: expect.stringContaining('1125899906842624 bytes'),
  });
  expect(() => read(archive(hole, file('f')))).toThrow(expected);
});

test('a device number that does not exist is refused', () => {
  expect(() => read(archive(header({ typeflag: '4', major: 4096 })))).toThrow(corrupt('4096:0'));
});

test('errors name file, layer and entry', () => {
  const place = { file: 'layer.tar', layer: 'layer 1 of 2', entry: 'd/.wh.', ordinal: 2, offset: 512 };
  expect(() => read(archive(file('a'), file('d/.wh.')))).toThrow(expect.objectContaining({ detail: place }));
  expect(() => read(archive(file('a'), file('d/.wh.')))).toThrow(
    /^layer\.tar, layer 1 of 2, entry 2 "d\/\.wh\.", byte 512: /,
  );
});

test('what the sink throws passes through', () => {
  const failure = new Error('full');
  const sink = {
    entry: () => {
      throw failure;
    },
    data: () => {},
    hole: () => {},
  };
  const reader = new LayerReader(sink, { file: 'f' });
  expect(() => reader.push(archive(file('a')))).toThrow(failure);
});
