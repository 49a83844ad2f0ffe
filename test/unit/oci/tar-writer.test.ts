import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LayerEntry } from '../../../src/engine/layer-sink.ts';
import { decodeName, encodeName } from '../../../src/events/name.ts';
import { LayerReader } from '../../../src/oci/layer-reader.ts';
import { streamTar } from '../../../src/oci/tar-stream.ts';
import { TarWriter, opaqueEntry, whiteoutEntry } from '../../../src/oci/tar-writer.ts';
import type { TarWriteEntry, TarWriterDialect } from '../../../src/oci/tar-writer.ts';
import { RecordSink } from './support/record-sink.ts';

interface Item {
  readonly entry: TarWriteEntry;
  readonly content: Buffer;
}

function write(items: readonly Item[], dialect: TarWriterDialect = 'oci'): Buffer {
  const parts: Buffer[] = [];
  const writer = new TarWriter((bytes) => parts.push(Buffer.from(bytes)), dialect);
  for (const { entry, content } of items) {
    writer.entry(entry);
    writer.data(content.subarray(0, 3));
    writer.data(content.subarray(3));
  }
  writer.end();
  return Buffer.concat(parts);
}

function read(bytes: Buffer): { entry: LayerEntry; content: Buffer }[] {
  const sink = new RecordSink();
  const warnings: string[] = [];
  const reader = new LayerReader(sink, { file: 'written', onWarning: ({ message }) => warnings.push(message) });
  reader.push(bytes);
  reader.end();
  expect(warnings.filter((message) => !message.includes('came before'))).toEqual([]);
  return sink.finish();
}

const attributes = { mode: 0o644, uid: 0, gid: 0, mtimeNs: 0n, xattrs: [] };
const empty = Buffer.alloc(0);
const isOnPath = (command: string): boolean => {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

const anyName = fc
  .oneof(
    fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/),
    fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => decodeName(bytes)),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
    fc.integer({ min: 90, max: 250 }).map((length) => 'n'.repeat(length)),
  )
  .map((name) => name.replaceAll('/', '_').replaceAll('\0', '_'))
  .filter(
    (name) =>
      name !== '.' &&
      name !== '..' &&
      !name.startsWith('.wh.') &&
      name.isWellFormed() === decodeName(encodeName(name)).isWellFormed(),
  )
  .map((name) => decodeName(encodeName(name).subarray(0, 255)));
const anyPath = fc.array(anyName, { minLength: 1, maxLength: 5 }).map((names) => names.join('/'));
const anyAttributes = fc.record({
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.oneof(fc.nat(5000), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  gid: fc.oneof(fc.nat(5000), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  mtimeNs: fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.integer({ min: -(2 ** 33), max: 2 ** 33 }).map((seconds) => BigInt(seconds) * 1_000_000_000n),
  ),
  xattrs: fc.uniqueArray(
    fc.tuple(
      fc
        .tuple(fc.constantFrom('user', 'security', 'trusted'), anyName)
        .map(([space, name]) => decodeName(encodeName(`${space}.${name.replaceAll('=', '_')}`).subarray(0, 255))),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    ),
    { selector: ([name]) => name, maxLength: 3 },
  ),
});
const anyContent = fc.oneof(
  fc.uint8Array({ maxLength: 1200 }),
  fc.nat(3).map((blocks) => new Uint8Array(512 * blocks)),
);
const anyItem: fc.Arbitrary<Item> = fc.oneof(
  fc.tuple(anyPath, anyAttributes, anyContent).map(([path, attributes, bytes]): Item => {
    return { entry: { kind: 'file', path, size: bytes.length, ...attributes }, content: Buffer.from(bytes) };
  }),
  fc
    .tuple(fc.constantFrom('dir' as const, 'fifo' as const), anyPath, anyAttributes)
    .map(([kind, path, attributes]): Item => {
      return { entry: { kind, path, size: 0, ...attributes }, content: empty };
    }),
  fc
    .tuple(fc.constantFrom('symlink' as const, 'hardlink' as const), anyPath, anyPath, anyAttributes)
    .map(([kind, path, target, attributes]): Item => {
      return { entry: { kind, path, target: target === path ? `${target}x` : target, ...attributes }, content: empty };
    }),
  fc
    .tuple(
      fc.constantFrom('chr' as const, 'blk' as const),
      anyPath,
      fc.integer({ min: 1, max: 0xfff }),
      fc.nat(0xfffff),
      anyAttributes,
    )
    .map(([kind, path, major, minor, attributes]): Item => ({
      entry: { kind, path, major, minor, ...attributes },
      content: empty,
    })),
  fc
    .tuple(fc.constantFrom('whiteout' as const, 'opaque' as const), anyPath)
    .map(([kind, path]): Item => ({ entry: { kind, path }, content: empty })),
);

/** What a reader makes of an entry. */
function expected({ entry, content }: Item): { entry: LayerEntry; content: Buffer } {
  if (entry.kind === 'hardlink')
    return { entry: { kind: 'hardlink', path: entry.path, target: entry.target }, content };
  if (entry.kind === 'whiteout' || entry.kind === 'opaque')
    return { entry: { kind: entry.kind, path: entry.path }, content };
  const xattrs = entry.xattrs.toSorted(([a], [b]) => Buffer.compare(encodeName(a), encodeName(b)));
  return { entry: { ...entry, xattrs }, content };
}

describe('round trip', () => {
  test('what is written is read back', () => {
    fc.assert(
      fc.property(fc.array(anyItem, { maxLength: 8 }), (items) => {
        expect(read(write(items))).toEqual(items.map(expected));
      }),
      { numRuns: 500 },
    );
  });

  test('equal calls give equal bytes, and the order of xattrs does not matter', () => {
    fc.assert(
      fc.property(fc.array(anyItem, { maxLength: 4 }), (items) => {
        const turned = items.map(({ entry, content }) => {
          return { entry: 'xattrs' in entry ? { ...entry, xattrs: entry.xattrs.toReversed() } : entry, content };
        });
        expect(write(turned).equals(write(items))).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  test.skipIf(!isOnPath('python3'))("python's tarfile reads the same", () => {
    fc.assert(
      fc.property(fc.array(anyItem, { maxLength: 8 }), (items) => {
        const plain = items.filter(({ entry }) => entry.kind !== 'whiteout' && entry.kind !== 'opaque');
        const out = execFileSync('python3', ['-c', PYTHON_LIST], { input: write(plain) });
        const listed = JSON.parse(out.toString()) as unknown;
        expect(listed).toEqual(plain.map(pythonLine));
      }),
      { numRuns: 25 },
    );
  });

  test.skipIf(!isOnPath('tar'))('tar lists and extracts the same', () => {
    const long = `${'d'.repeat(120)}/${'e'.repeat(120)}/${'f'.repeat(120)}`;
    const items: Item[] = [
      { entry: { kind: 'dir', path: '', size: 0, ...attributes, mode: 0o755 }, content: empty },
      {
        entry: { kind: 'file', path: long, size: 5, ...attributes, mode: 0o4755, mtimeNs: -2_000_000_000n },
        content: Buffer.from('hello'),
      },
      { entry: { kind: 'hardlink', path: 'link', target: long, ...attributes }, content: empty },
      { entry: { kind: 'symlink', path: 'é', target: 'ü', ...attributes }, content: empty },
      { entry: { kind: 'chr', path: 'null', major: 1, minor: 3, ...attributes, uid: 3_000_000 }, content: empty },
    ];
    const bytes = write(items);
    const listed = execFileSync('tar', ['--numeric-owner', '--full-time', '-tvf', '-'], {
      input: bytes,
      env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC' },
    });
    expect(listed.toString().replace(/ +/g, ' ').trim().split('\n')).toEqual([
      'drwxr-xr-x 0/0 0 1970-01-01 00:00:00 ./',
      `-rwsr-xr-x 0/0 5 1969-12-31 23:59:58 ${long}`,
      `hrw-r--r-- 0/0 0 1970-01-01 00:00:00 link link to ${long}`,
      'lrw-r--r-- 0/0 0 1970-01-01 00:00:00 é -> ü',
      'crw-r--r-- 3000000/0 1,3 1970-01-01 00:00:00 null',
    ]);
    expect(execFileSync('tar', ['-xOf', '-', long], { input: bytes }).toString()).toBe('hello');
  });
});

const PYTHON_LIST = `
import sys, tarfile, io, json, base64
out = []
b = lambda x: base64.b64encode(x).decode()
n = lambda x: b(x.encode('utf-8', 'surrogateescape'))
with tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read()), mode='r:', encoding='utf-8', errors='surrogateescape') as t:
    for m in t:
        data = t.extractfile(m).read() if m.type == b'0' else b''
        out.append([m.type.decode(), n(m.name), n(m.linkname), m.mode, m.uid, m.gid, m.size if m.type == b'0' else 0, m.devmajor, m.devminor, b(data)])
print(json.dumps(out))
`;

/** An entry as {@link PYTHON_LIST} prints it. */
function pythonLine({ entry, content }: Item): unknown {
  if (entry.kind === 'whiteout' || entry.kind === 'opaque') throw new Error('not listed');
  const base64 = (name: string): string => encodeName(name).toString('base64');
  const type = { file: '0', hardlink: '1', symlink: '2', chr: '3', blk: '4', dir: '5', fifo: '6', sock: '?' }[
    entry.kind
  ];
  const device = 'major' in entry ? [entry.major, entry.minor] : [0, 0];
  const { path, mode, uid, gid } = entry;
  return [
    type,
    base64(path),
    base64('target' in entry ? entry.target : ''),
    mode,
    uid,
    gid,
    content.length,
    ...device,
    content.toString('base64'),
  ];
}

describe('layout', () => {
  test('a plain entry is one ustar block', () => {
    const bytes = write([
      { entry: { kind: 'file', path: 'a', size: 0, ...attributes, mtimeNs: 5_000_000_000n }, content: empty },
    ]);
    expect(bytes.length).toBe(512 + 1024);
    expect(bytes.toString('latin1', 0, 512).replaceAll('\0', '.').replace(/\.+$/, '')).toBe(
      `a${'.'.repeat(99)}0000644.0000000.0000000.00000000000.00000000005.007343. 0${'.'.repeat(100)}ustar.00${'.'.repeat(64)}0000000.0000000`,
    );
  });

  test('a path of up to 256 bytes is split between prefix and name', () => {
    const path = `${'p'.repeat(155)}/${'n'.repeat(100)}`;
    const bytes = write([{ entry: { kind: 'file', path, size: 0, ...attributes }, content: empty }]);
    expect(bytes.length).toBe(512 + 1024);
    expect(read(bytes)[0].entry.path).toBe(path);
  });

  test('the bytes stay the same in every version, because diffIDs are made of them', () => {
    const xattrs = [['security.capability', Buffer.from('0100000200200000', 'hex')]] as const;
    const items: Item[] = [
      { entry: { kind: 'dir', path: '', size: 0, ...attributes, mode: 0o755 }, content: empty },
      {
        entry: { kind: 'file', path: 'a\udcff', size: 3, ...attributes, mtimeNs: -1n, xattrs },
        content: Buffer.from('abc'),
      },
      { entry: { kind: 'hardlink', path: 'b', target: 'a\udcff', ...attributes, uid: 2 ** 32 - 1 }, content: empty },
      {
        entry: { kind: 'symlink', path: `${'é/'.repeat(80)}l`, target: 't'.repeat(101), ...attributes },
        content: empty,
      },
      { entry: { kind: 'blk', path: 'd', major: 8, minor: 300, ...attributes, mode: 0o7660 }, content: empty },
      { entry: whiteoutEntry('gone', 1n), content: empty },
      { entry: opaqueEntry('d'), content: empty },
    ];
    const digest = createHash('sha256').update(write(items)).digest('hex');
    expect(digest).toBe('ad6963599088d1252bd8c62e8fac784f58fb1440da4738f19b8720e008709841');
  });

  test('PAX records are sorted', () => {
    const xattrs = [
      ['user.b', Buffer.from('2')],
      ['user.a', Buffer.from('1')],
    ] as const;
    const entry: TarWriteEntry = { kind: 'file', path: 'é', size: 0, ...attributes, mtimeNs: 1n, uid: 2 ** 31, xattrs };
    const text = write([{ entry, content: empty }])
      .toString('utf8', 512, 1024)
      .replace(/\0+$/, '');
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => line.replace(/^\d+ /, '')),
    ).toEqual(['SCHILY.xattr.user.a=1', 'SCHILY.xattr.user.b=2', 'mtime=0.000000001', 'path=é', 'uid=2147483648']);
  });

  test('the length of a PAX record counts its own digits', () => {
    for (let length = 1; length < 1100; length++) {
      const xattrs = [['user.x', Buffer.alloc(length, 'v')]] as const;
      const bytes = write([{ entry: { kind: 'file', path: 'f', size: 0, ...attributes, xattrs }, content: empty }]);
      expect(read(bytes)[0].entry).toMatchObject({ xattrs });
    }
  });

  test('marks are empty files of mode 0600', () => {
    const bytes = write([
      { entry: whiteoutEntry('d/x', 7_000_000_000n), content: empty },
      { entry: opaqueEntry('d'), content: empty },
      { entry: opaqueEntry(''), content: empty },
    ]);
    expect(bytes.toString('latin1', 0, 9)).toBe('d/.wh.x\0\0');
    expect(bytes.toString('latin1', 100, 147)).toBe('0000600\x000000000\x000000000\x0000000000000\x0000000000007');
    expect(bytes.toString('latin1', 512, 526)).toBe('d/.wh..wh..opq');
    expect(read(bytes).map(({ entry }) => entry)).toEqual([
      { kind: 'whiteout', path: 'd/x' },
      { kind: 'opaque', path: 'd' },
      { kind: 'opaque', path: '' },
    ]);
  });

  test('holes are written as zeros', () => {
    const parts: Buffer[] = [];
    const writer = new TarWriter((bytes) => parts.push(Buffer.from(bytes)));
    writer.entry({ kind: 'file', path: 'f', size: 200_001, ...attributes });
    writer.hole(200_000);
    writer.data(Buffer.from('x'));
    writer.end();
    expect(Buffer.concat(parts).length).toBe(512 + 200_192 + 1024);
    expect(read(Buffer.concat(parts))[0].content.equals(Buffer.concat([Buffer.alloc(200_000), Buffer.from('x')]))).toBe(
      true,
    );
  });

  test('a stream gives the same bytes', async () => {
    const items: Item[] = [
      { entry: { kind: 'file', path: 'f', size: 3, ...attributes }, content: Buffer.from('abc') },
      { entry: whiteoutEntry('g'), content: empty },
    ];
    const parts: Uint8Array[] = [];
    for await (const piece of streamTar(items.map(({ entry, content }) => ({ entry, content: [content] }))))
      parts.push(Buffer.from(piece));
    expect(Buffer.concat(parts).equals(write(items))).toBe(true);
  });
});

describe('refusals', () => {
  const unsupported = (text: string) =>
    expect.objectContaining({ code: 'ERR_OCI_UNSUPPORTED', message: expect.stringContaining(text) });
  const invalid = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' });
  const entry = (change: object): TarWriteEntry => ({ kind: 'file', path: 'f', size: 0, ...attributes, ...change });
  const writing = (change: object, dialect?: TarWriterDialect) => () =>
    write([{ entry: entry(change), content: empty }], dialect);

  test('a file named .wh.x cannot be in a layer, but in a plain tar', () => {
    for (const path of ['.wh.x', 'a/.wh.x', '.wh.d/x', '.wh..wh..opq'])
      expect(writing({ path })).toThrow(unsupported('.wh.'));
    expect(writing({ kind: 'whiteout', path: '.wh.x' })).toThrow(unsupported('.wh.'));
    expect(writing({ path: 'a/.wh.x' }, 'plain')).not.toThrow();
    expect(writing({ path: 'a.wh.x' })).not.toThrow();
  });

  test('a plain tar has no marks', () => {
    expect(writing({ kind: 'whiteout', path: 'x' }, 'plain')).toThrow(unsupported('gone'));
  });

  test('sockets, char 0:0 and xattr names with an equals sign are refused', () => {
    expect(writing({ kind: 'sock' })).toThrow(unsupported('socket'));
    expect(writing({ kind: 'chr', major: 0, minor: 0 })).toThrow(unsupported('0:0'));
    expect(writing({ xattrs: [['user.a=b', empty]] })).toThrow(unsupported('='));
  });

  test.each(['/a', 'a/', 'a//b', 'a/../b', '.', 'a\0b', '\ud800'])('the path %j is refused', (path) => {
    expect(writing({ path })).toThrow(invalid);
  });

  test('content must have the size announced', () => {
    const writer = new TarWriter(() => {});
    expect(() => writer.data(Buffer.from('x'))).toThrow(invalid);
    writer.entry(entry({ size: 2 }));
    writer.data(Buffer.from('x'));
    expect(() => writer.end()).toThrow(invalid);
    expect(() => writer.entry(entry({}))).toThrow(invalid);
    expect(() => writer.hole(2)).toThrow(invalid);
  });
});
