import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isStoreError } from '../../../src/events/log-error.ts';
import { LayerReader } from '../../../src/oci/layer-reader.ts';
import { archive, extension, file, header, pax } from './support/raw-tar.ts';
import { RecordSink } from './support/record-sink.ts';

const LIMITS = { bytesMax: 2 ** 22, entriesMax: 1000 };

/** Reads as a layer; gives the entries or the error's message. Anything but a StoreError is thrown on. */
function readAny(bytes: Buffer, pieceBytes: number): unknown {
  const sink = new RecordSink();
  const warnings: string[] = [];
  try {
    const reader = new LayerReader(sink, {
      file: 'fuzz',
      limits: LIMITS,
      onWarning: ({ message }) => warnings.push(message),
    });
    for (let at = 0; at < bytes.length; at += pieceBytes) reader.push(bytes.subarray(at, at + pieceBytes));
    reader.end();
  } catch (error) {
    if (!isStoreError(error)) throw error;
    return error.message;
  }
  return { entries: sink.summary(), warnings };
}

const SAMPLE = archive(
  pax([
    ['path', 'päth'],
    ['mtime', '1.5'],
    ['SCHILY.xattr.user.x', 'y'],
  ]),
  file('a', 'content'),
  pax([
    ['GNU.sparse.size', '100'],
    ['GNU.sparse.map', '2,1,50,2'],
  ]),
  file('s', 'abc'),
  pax([
    ['GNU.sparse.major', '1'],
    ['GNU.sparse.minor', '0'],
    ['GNU.sparse.realsize', '30'],
  ]),
  file('t', Buffer.concat([Buffer.from('1\n5\n3\n'), Buffer.alloc(506), Buffer.from('xyz')])),
  extension('L', Buffer.from('long/name\0')),
  header({ name: 'l', typeflag: '2', link: 'to' }),
  header({ name: 'd/.wh.x' }),
  header({
    name: 'S',
    typeflag: 'S',
    magic: 'ustar  \0',
    size: 2,
    patches: [
      [386, '00000000003\x0000000000002\0'],
      [483, '00000000010\0'],
    ],
  }),
  Buffer.alloc(512, 'z'),
  header({ name: 'h', typeflag: '1', link: 'a' }),
);

test('the sample itself is read', () => {
  expect(readAny(SAMPLE, 512)).toMatchObject({ warnings: [] });
});

test('any bytes give entries or one error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => void readAny(Buffer.from(bytes), 100)),
    { numRuns: 300 },
  );
});

test('a damaged archive gives entries or one error, however it is cut into pieces', () => {
  const damage = fc.array(fc.tuple(fc.nat(SAMPLE.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(
      damage,
      fc.integer({ min: 1, max: 1500 }),
      fc.nat(SAMPLE.length),
      fc.boolean(),
      (spots, piece, cut, fixed) => {
        const bytes = Buffer.from(SAMPLE.subarray(0, fixed ? SAMPLE.length : cut));
        for (const [at, value] of spots) if (at < bytes.length) bytes[at] = value;
        if (fixed) fixChecksums(bytes);
        expect(readAny(bytes, piece)).toEqual(readAny(bytes, bytes.length + 1));
      },
    ),
    { numRuns: 2000 },
  );
});

/** Makes the checksums right again, so that damage gets past them. */
function fixChecksums(bytes: Buffer): void {
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    const block = bytes.subarray(at, at + 512);
    if (!block.toString('latin1', 257, 262).startsWith('ustar')) continue;
    block.fill(0x20, 148, 156);
    let sum = 0;
    for (const byte of block) sum += byte;
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  }
}
