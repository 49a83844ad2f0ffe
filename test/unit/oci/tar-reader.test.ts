import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeName } from '../../../src/events/name.ts';
import { archive, extension, file, header, pad, pax, paxRecord } from './support/raw-tar.ts';
import { readTar } from './support/read-tar.ts';

const only = (bytes: Buffer) => readTar(bytes).entries[0];
const error = (code: string, text: string | RegExp) =>
  expect.objectContaining({
    code,
    message: text instanceof RegExp ? expect.stringMatching(text) : expect.stringContaining(text),
  });
const corrupt = (text: string | RegExp) => error('ERR_OCI_CORRUPT', text);

describe('headers', () => {
  test('a ustar prefix is joined with the name', () => {
    const bytes = archive(header({ name: 'name', patches: [[345, 'pre/fix']] }));
    expect(only(bytes).entry.path).toBe('pre/fix/name');
  });

  test('a prefix and a name may fill their fields without NUL', () => {
    const bytes = archive(header({ name: 'n'.repeat(100), patches: [[345, 'p'.repeat(155)]] }));
    expect(only(bytes).entry.path).toBe(`${'p'.repeat(155)}/${'n'.repeat(100)}`);
  });

  test("star's prefix ends where its times begin", () => {
    const bytes = archive(
      header({
        name: 'name',
        patches: [
          [345, 'prefix'],
          [476, '00000000001\0'],
          [508, 'tar\0'],
        ],
      }),
    );
    expect(only(bytes).entry.path).toBe('prefix/name');
  });

  test('GNU headers have no prefix', () => {
    const bytes = archive(header({ name: 'name', magic: 'ustar  \0', patches: [[345, '14000000000\0']] }));
    expect(only(bytes).entry.path).toBe('name');
  });

  test('v7 has directories by their trailing slash, and no device numbers', () => {
    const bytes = archive(
      header({ name: 'dir/', typeflag: '\0', magic: '' }),
      header({ name: 'file', typeflag: '\0', magic: '', patches: [[329, 'garbage!']] }),
    );
    expect(readTar(bytes).entries.map(({ entry }) => [entry.kind, entry.path])).toEqual([
      ['dir', 'dir/'],
      ['file', 'file'],
    ]);
  });

  test('all kinds come with their fields', () => {
    const bytes = archive(
      header({ name: 'l', typeflag: '2', link: 'to', size: 9 }),
      header({ name: 'h', typeflag: '1', link: 'f', size: 9 }),
      header({ name: 'c', typeflag: '3', major: 5, minor: 1, mode: 0o620, uid: 7, gid: 8 }),
      header({ name: 'b', typeflag: '4', major: 8, minor: 300 }),
      header({ name: 'p', typeflag: '6' }),
      header({ name: 'd', typeflag: '5', mode: 0o41777, mtime: 12 }),
      header({ name: 'x', typeflag: '7' }),
    );
    const { entries, warnings } = readTar(bytes);
    expect(warnings).toEqual([]);
    expect(entries.map(({ entry }) => entry.kind)).toEqual([
      'symlink',
      'hardlink',
      'chr',
      'blk',
      'fifo',
      'dir',
      'file',
    ]);
    expect(entries[0].entry).toMatchObject({ target: 'to', size: 0 });
    expect(entries[2].entry).toMatchObject({ major: 5, minor: 1, mode: 0o620, uid: 7, gid: 8, ordinal: 3 });
    expect(entries[5].entry).toMatchObject({ mode: 0o1777, mtimeNs: 12_000_000_000n, headerOffset: 5 * 512 });
  });

  test('names that are not UTF-8 keep their bytes', () => {
    const name = Buffer.from([0x61, 0xff, 0xc3, 0x28]);
    expect(encodeName(only(archive(file(name))).entry.path)).toEqual(name);
  });

  test('a checksum of signed bytes is accepted', () => {
    const bytes = archive(header({ name: Buffer.from([0xe9, 0xe8]), signed: true }));
    expect(encodeName(only(bytes).entry.path)).toEqual(Buffer.from([0xe9, 0xe8]));
  });

  test('base-256 numbers may be big and negative', () => {
    const big = Buffer.from([0x80, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0]);
    const negative = Buffer.alloc(12, 0xff);
    negative.writeInt32BE(-1000, 8);
    const id = Buffer.from([0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xfe]);
    const bytes = archive(
      header({
        typeflag: '5',
        patches: [
          [136, negative],
          [108, id],
        ],
      }),
    );
    expect(only(bytes).entry).toMatchObject({ mtimeNs: -1_000_000_000_000n, uid: 4294967294 });
    expect(() => readTar(header({ name: 'huge', patches: [[124, big]] }))).toThrow(
      corrupt('ends in the middle of its content'),
    );
  });

  test('a negative id is read as its 32 bits', () => {
    const bytes = archive(header({ patches: [[108, Buffer.from('fffffffffffffffe', 'hex')]] }));
    expect(only(bytes).entry.uid).toBe(4294967294);
  });

  test.each([
    ['mode', 100, 'garbage!', 'mode'],
    ['size', 124, '12x4567\0', 'size'],
    ['a size beyond 2^53', 124, Buffer.from('8000000000ffffffffffffff', 'hex'), 'size'],
  ])('a bad number is refused: %s', (_, offset, patch, text) => {
    expect(() => readTar(archive(header({ patches: [[offset, patch]] })))).toThrow(corrupt(text));
  });

  test('a bad checksum is refused with entry and byte', () => {
    const bytes = archive(file('good', 'x'), file('bad'));
    bytes[1024]++;
    const expected = expect.objectContaining({
      detail: expect.objectContaining({ file: 'test.tar', ordinal: 2, offset: 1024 }),
    });
    expect(() => readTar(bytes)).toThrow(expected);
  });

  test('an archive may end behind the content of its last file, as umoci insert leaves it, with a warning', () => {
    const whole = file('last', 'abc');
    const { entries, warnings } = readTar(whole.subarray(0, 512 + 3));
    expect(entries).toMatchObject([{ entry: { path: 'last', size: 3 } }]);
    expect(warnings).toEqual([expect.stringContaining('without its padding')]);
    expect(() => readTar(whole.subarray(0, 512 + 2))).toThrow(corrupt('ends in the middle of its content'));
  });

  test('unknown types are read as files, with a warning', () => {
    const { entries, warnings } = readTar(archive(file('odd', 'abc', { typeflag: 'Q' })));
    expect(entries[0]).toMatchObject({ entry: { kind: 'file' }, content: Buffer.from('abc') });
    expect(warnings).toEqual([expect.stringContaining('type "Q"')]);
  });

  test.each(['M', 'N'])('GNU type %s is refused', (typeflag) => {
    expect(() => readTar(archive(header({ typeflag })))).toThrow(corrupt('GNU'));
  });
});

describe('extension headers', () => {
  test('GNU long names and links win', () => {
    const long = 'd/'.repeat(200);
    const bytes = archive(
      extension('L', Buffer.from(`${long}name\0`)),
      extension('K', Buffer.from(`${long}target\0`)),
      header({ name: 'short', typeflag: '2', link: 'short' }),
      header({ name: 'next' }),
    );
    const { entries } = readTar(bytes);
    expect(entries[0].entry).toMatchObject({
      path: `${long}name`,
      target: `${long}target`,
      ordinal: 1,
      headerOffset: 0,
    });
    expect(entries[1].entry).toMatchObject({ path: 'next', ordinal: 2 });
  });

  test('PAX records override the header', () => {
    const bytes = archive(
      pax([
        ['path', 'päth/\xff'],
        ['size', '3'],
        ['uid', '3000000'],
        ['gid', '4294967295'],
        ['mtime', '-315521755.000000001'],
      ]),
      header({ name: 'short', size: 0 }),
      pad(Buffer.from('abc')),
      header({ name: 'after' }),
    );
    const { entries } = readTar(bytes);
    expect(entries[0]).toMatchObject({ content: Buffer.from('abc') });
    expect(entries[0].entry).toMatchObject({
      path: 'päth/\xff',
      size: 3,
      uid: 3000000,
      gid: 4294967295,
      mtimeNs: -315521755_000000001n,
    });
    expect(entries[1].entry).toMatchObject({ path: 'after', uid: 0, mtimeNs: 0n });
  });

  test('an empty PAX value leaves the header in force', () => {
    const bytes = archive(
      pax([
        ['path', ''],
        ['linkpath', ''],
        ['mtime', ''],
      ]),
      header({ name: 'n', typeflag: '2', link: 't', mtime: 3 }),
    );
    expect(only(bytes).entry).toMatchObject({ path: 'n', target: 't', mtimeNs: 3_000_000_000n });
  });

  test('xattrs are binary and may be empty', () => {
    const value = Buffer.from([0, 0xff, 0x0a, 0x3d]);
    const bytes = archive(
      pax([
        ['SCHILY.xattr.security.capability', value],
        ['SCHILY.xattr.user.empty', ''],
      ]),
      file('f'),
    );
    expect(only(bytes).entry.xattrs).toEqual([
      ['security.capability', value],
      ['user.empty', Buffer.alloc(0)],
    ]);
  });

  test('global records are in force until replaced, and belong to no entry', () => {
    const bytes = archive(
      pax(
        [
          ['uid', '5'],
          ['comment', 'x'],
        ],
        'g',
      ),
      file('a'),
      pax([['uid', '6']]),
      file('b'),
      pax([['uid', '7']], 'g'),
      file('c'),
    );
    const { entries } = readTar(bytes);
    expect(entries.map(({ entry }) => [entry.path, entry.uid, entry.ordinal])).toEqual([
      ['a', 5, 1],
      ['b', 6, 2],
      ['c', 7, 3],
    ]);
  });

  test('records that are not kept are told once', () => {
    const acl = pax([
      ['SCHILY.acl.access', 'user::rw-'],
      ['atime', '1'],
      ['LIBARCHIVE.creationtime', '1'],
    ]);
    expect(readTar(archive(acl, file('a'), acl, file('b'))).warnings).toEqual([
      expect.stringContaining('SCHILY.acl.access'),
    ]);
  });

  test.each([
    ['length of another record', Buffer.from('99 path=x\n'), 'length'],
    ['length without digits', Buffer.from('xx path=x\n'), 'length'],
    ['no newline', Buffer.from('9 path=xy'), 'newline'],
    ['no equals sign', Buffer.from('7 path\n'), 'no key'],
    ['NUL in a path', paxRecord('path', 'a\0b'), 'NUL'],
    ['size', paxRecord('size', '-1'), 'size'],
    ['uid', paxRecord('uid', '4294967296'), 'uid'],
    ['mtime', paxRecord('mtime', '1e9'), 'time'],
  ])('a bad PAX record is refused: %s', (_, body, text) => {
    expect(() => readTar(archive(extension('x', body), file('f')))).toThrow(corrupt(text));
  });

  test('an extension header without an entry is refused', () => {
    expect(() => readTar(archive(pax([['path', 'x']])))).toThrow(corrupt('after an extension header'));
    expect(() => readTar(pax([['path', 'x']]))).toThrow(corrupt('after an extension header'));
  });
});

describe('the end', () => {
  const bytes = archive(pax([['path', 'first']]), file('a', 'x'.repeat(700)), file('b', 'y'));

  test('an archive cut anywhere is refused, or told when it is cut between entries or behind the last content', () => {
    const [firstEnd, secondStart] = [1536 + 700, 2560];
    for (let length = 0; length < bytes.length - 1024; length++) {
      let result: ReturnType<typeof readTar>;
      try {
        result = readTar(bytes.subarray(0, length), { pieceBytes: 4096 });
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'ERR_OCI_CORRUPT', detail: { file: 'test.tar' } });
        continue;
      }
      const isInPadding = (length >= firstEnd && length < secondStart) || length > secondStart + 512;
      if (!isInPadding) expect([0, secondStart]).toContain(length);
      expect(result.warnings).toEqual([expect.stringContaining(isInPadding ? 'without its padding' : 'no end mark')]);
    }
  });

  test('zeros after the end are fine, other bytes are told', () => {
    expect(readTar(Buffer.concat([bytes, Buffer.alloc(10240)])).warnings).toEqual([]);
    expect(readTar(Buffer.concat([bytes, Buffer.alloc(512, 1)])).warnings).toEqual([
      expect.stringContaining('after the end'),
    ]);
  });

  test('a single zero block may end an archive, but nothing may follow it', () => {
    expect(readTar(bytes.subarray(0, bytes.length - 512)).entries).toHaveLength(2);
    const follows = Buffer.concat([bytes.subarray(0, bytes.length - 512), file('c')]);
    expect(() => readTar(follows)).toThrow(corrupt('single zero block'));
  });

  test('the size of the pieces makes no difference', () => {
    const whole = readTar(bytes);
    for (const pieceBytes of [1, 7, 511, 512, 513, 1000]) expect(readTar(bytes, { pieceBytes })).toEqual(whole);
  });
});

describe('limits', () => {
  test.each([
    ['entries', { entriesMax: 1 }, archive(file('a'), file('b')), '1 entries'],
    ['bytes', { bytesMax: 2000 }, archive(file('a', 'x'.repeat(2000))), '2000 bytes'],
    ['path', { pathBytesMax: 10 }, archive(pax([['path', 'x'.repeat(11)]]), file('a')), '10 bytes'],
    ['link target', { pathBytesMax: 10 }, archive(header({ typeflag: '2', link: 'x'.repeat(11) })), '10 bytes'],
    ['extension', { extensionBytesMax: 100 }, archive(pax([['comment', 'x'.repeat(100)]]), file('a')), '100 bytes'],
    [
      'global records',
      { extensionBytesMax: 100 },
      archive(pax([['comment', 'x'.repeat(60)]], 'g'), pax([['commend', 'x'.repeat(60)]], 'g'), file('a')),
      '100 bytes',
    ],
    ['names of xattrs', {}, archive(pax([[`SCHILY.xattr.user.${'n'.repeat(251)}`, '']]), file('a')), '1 to 255 bytes'],
    ['names of xattrs from below', {}, archive(pax([['SCHILY.xattr.', 'x']]), file('a')), '1 to 255 bytes'],
    [
      'values of xattrs',
      {},
      archive(pax([['SCHILY.xattr.user.a', 'x'.repeat(65_537)]]), file('a')),
      'user.a has more than 65536 bytes',
    ],
  ])('%s are bounded', (_, limits, bytes, text) => {
    expect(() => readTar(bytes, { limits })).toThrow(corrupt(text));
  });

  test('an xattr of the largest size and the longest name is kept', () => {
    const name = `user.${'n'.repeat(250)}`;
    const { entries } = readTar(archive(pax([[`SCHILY.xattr.${name}`, 'x'.repeat(65_536)]]), file('a')));
    expect(entries[0].entry.xattrs).toEqual([[name, Buffer.alloc(65_536, 'x')]]);
  });

  test('an extension header that claims a gigabyte is refused before any of it is read', () => {
    expect(() => readTar(header({ typeflag: 'x', size: 2 ** 30 }))).toThrow(corrupt('extension headers'));
  });
});

describe('sparse files', () => {
  const gnu = (() => {
    try {
      return execFileSync('tar', ['--version'], { encoding: 'utf8' }).includes('GNU');
    } catch {
      return false;
    }
  })();

  test.skipIf(!gnu).each([
    ['old GNU', ['--format=gnu']],
    ['PAX 0.0', ['--format=pax', '--sparse-version=0.0']],
    ['PAX 0.1', ['--format=pax', '--sparse-version=0.1']],
    ['PAX 1.0', ['--format=pax', '--sparse-version=1.0']],
  ])('%s by GNU tar', (_, format) => {
    const folder = mkdtempSync(join(tmpdir(), 'overlog-test-'));
    try {
      const content = Buffer.alloc(3_000_000);
      // More than 25 extents, so that the old format needs extension blocks and 1.0 more than one map block.
      for (let at = 65536; at < 2_900_000; at += 65536) content.write(`at ${at}`, at);
      for (let at = 0; at < content.length; at += 65536) {
        writeFileSync(join(folder, 'sparse'), content.subarray(at, at + 20), { flag: at === 0 ? 'w' : 'r+' });
      }
      execFileSync('python3', ['-c', PUNCH, join(folder, 'sparse'), String(content.length)]);
      writeFileSync(join(folder, 'hole'), '');
      truncateSync(join(folder, 'hole'), 1_000_000);
      writeFileSync(join(folder, 'plain'), 'plain');
      utimesSync(join(folder, 'sparse'), 1, 1);
      const tar = execFileSync('tar', ['-C', folder, '-S', ...format, '-cf', '-', 'sparse', 'hole', 'plain'], {
        maxBuffer: 2 ** 26,
      });
      const expected = readFileSync(join(folder, 'sparse'));
      for (const pieceBytes of [tar.length, 1000]) {
        const { entries } = readTar(tar, { pieceBytes });
        expect(entries.map(({ entry }) => [entry.path, entry.size])).toEqual([
          ['sparse', 3_000_000],
          ['hole', 1_000_000],
          ['plain', 5],
        ]);
        expect(entries[0].content.equals(expected)).toBe(true);
        expect(entries[0].holes.length).toBeGreaterThan(25);
        expect(entries[1].holes).toEqual([1_000_000]);
        expect(entries[2].content.toString()).toBe('plain');
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  const PUNCH = `
import sys
with open(sys.argv[1], 'wb') as f:
    for at in range(65536, 2900000, 65536):
        f.seek(at); f.write(b'at %d' % at)
    f.truncate(int(sys.argv[2]))
`;

  const sparse01 = (map: string, size: string, stored: string): Buffer =>
    archive(
      pax([
        ['GNU.sparse.size', size],
        ['GNU.sparse.map', map],
      ]),
      file('s', stored),
    );

  test('holes before, between and after data', () => {
    const { entries } = readTar(sparse01('2,1,5,2', '10', 'abc'), { pieceBytes: 1 });
    expect(entries[0].content).toEqual(Buffer.from('\0\0a\0\0bc\0\0\0'));
    expect(entries[0].holes).toEqual([2, 2, 3]);
  });

  test.each([
    ['overlap', '2,2,3,1', '10', 'abc'],
    ['beyond the end', '9,3', '10', 'abc'],
    ['too few stored', '0,5', '10', 'abc'],
    ['half a pair', '0,3,5', '10', 'abc'],
    ['no numbers', '0,x', '10', 'abc'],
  ])('a bad map is refused: %s', (_, map, size, stored) => {
    expect(() => readTar(sparse01(map, size, stored))).toThrow(corrupt('spar'));
  });

  test('a map in front of the data must be there', () => {
    const records: [string, string][] = [
      ['GNU.sparse.major', '1'],
      ['GNU.sparse.minor', '0'],
      ['GNU.sparse.realsize', '10'],
    ];
    expect(() => readTar(archive(pax(records), file('s', '')))).toThrow(corrupt(/sparse map|content/));
    expect(() => readTar(archive(pax(records), file('s', pad(Buffer.from('x\n')))))).toThrow(
      corrupt('list of numbers'),
    );
    expect(() => readTar(archive(pax(records), file('s', pad(Buffer.from('99999999999\n')))))).toThrow(
      corrupt('too many'),
    );
  });
});
