import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { decompress } from '../../../src/oci/decompress.ts';

const place = { file: 'blob', layer: 'layer 1 of 1' };

async function* pieces(bytes: Buffer, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

async function unpack(bytes: Buffer, pieceBytes = 1000): Promise<Buffer> {
  const out: Uint8Array[] = [];
  for await (const piece of decompress(pieces(bytes, pieceBytes), place)) out.push(Buffer.from(piece));
  return Buffer.concat(out);
}

const refused = (code: string, text: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(text), detail: expect.objectContaining(place) });

const TEXT = Buffer.from('some text that repeats, '.repeat(500));

test('plain bytes pass through, few and none too', async () => {
  for (const bytes of [TEXT, Buffer.from('abc'), Buffer.alloc(0)]) expect(await unpack(bytes, 1)).toEqual(bytes);
});

describe('gzip', () => {
  test.each([1, 5, 100000])('in pieces of %i bytes', async (length) => {
    expect(await unpack(gzipSync(TEXT), length)).toEqual(TEXT);
  });

  test('several members are one stream', async () => {
    const members = Buffer.concat([gzipSync(TEXT), gzipSync(Buffer.alloc(0)), gzipSync('end')]);
    expect(await unpack(members)).toEqual(Buffer.concat([TEXT, Buffer.from('end')]));
    expect(await unpack(members, 1)).toEqual(Buffer.concat([TEXT, Buffer.from('end')]));
  });

  test('cut anywhere it is refused', async () => {
    const whole = gzipSync(randomBytes(300));
    for (let length = 2; length < whole.length; length++) {
      await expect(unpack(whole.subarray(0, length)), `${length}`).rejects.toEqual(
        refused('ERR_OCI_CORRUPT', 'gzip data is'),
      );
    }
  });

  test.each([
    ['CRC', -8],
    ['length', -4],
    ['data', 20],
  ])('a wrong %s is refused', async (_, at) => {
    const bytes = gzipSync(TEXT);
    bytes[(bytes.length + at) % bytes.length] ^= 0x10;
    await expect(unpack(bytes)).rejects.toEqual(refused('ERR_OCI_CORRUPT', 'gzip data is damaged'));
  });

  test('errors of the source pass through, and leaving early closes it', async () => {
    const failure = new Error('disk');
    async function* failing(): AsyncGenerator<Buffer> {
      yield gzipSync(TEXT).subarray(0, 20);
      throw failure;
    }
    await expect(async () => {
      for await (const _ of decompress(failing(), place));
    }).rejects.toBe(failure);
    let isClosed = false;
    async function* endless(): AsyncGenerator<Buffer> {
      try {
        for (;;) yield gzipSync(TEXT);
      } finally {
        isClosed = true;
      }
    }
    for await (const piece of decompress(endless(), place)) if (piece.length > 0) break;
    expect(isClosed).toBe(true);
  });

  test('a bomb costs no memory before it is read', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 2 ** 20));
    const before = process.memoryUsage().arrayBuffers;
    let bytes = 0;
    let most = 0;
    for await (const piece of decompress(pieces(bomb, 1 << 16), place)) {
      bytes += piece.length;
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      if (bytes > 32 * 2 ** 20) break;
    }
    expect(most).toBeLessThan(48 * 2 ** 20);
  });
});

describe('zstd', () => {
  /** A frame of raw and RLE blocks, as RFC 8878 §3.1.1 lays it out. */
  const frame = (
    blocks: readonly (Buffer | { rle: number; count: number })[],
    options: { window?: number; checksum?: boolean; dictionary?: number } = {},
  ): Buffer => {
    const { window = 0x40, checksum = false, dictionary } = options;
    const parts: Buffer[] = [
      Buffer.from([0x28, 0xb5, 0x2f, 0xfd, (checksum ? 4 : 0) | (dictionary === undefined ? 0 : 1), window]),
    ];
    if (dictionary !== undefined) parts.push(Buffer.of(dictionary));
    for (const [index, block] of blocks.entries()) {
      const last = index === blocks.length - 1 ? 1 : 0;
      const isRaw = Buffer.isBuffer(block);
      const head = Buffer.alloc(3);
      head.writeUIntLE(last | (isRaw ? 0 : 2) | ((isRaw ? block.length : block.count) << 3), 0, 3);
      parts.push(head, isRaw ? block : Buffer.of(block.rle));
    }
    if (checksum) parts.push(Buffer.alloc(4));
    return Buffer.concat(parts);
  };
  const skippable = (length: number): Buffer => {
    const head = Buffer.alloc(8);
    head.writeUInt32LE(0x184d2a53, 0);
    head.writeUInt32LE(length, 4);
    return Buffer.concat([head, Buffer.alloc(length, 7)]);
  };

  test.each([1, 3, 100000])('frames, skippable ones too, in pieces of %i bytes', async (length) => {
    const bytes = Buffer.concat([
      skippable(5),
      frame([Buffer.from('abc'), { rle: 0x78, count: 5 }, Buffer.from('end')], { checksum: true }),
      frame([Buffer.alloc(0)]),
      skippable(0),
      frame([Buffer.from('!')]),
    ]);
    expect((await unpack(bytes, length)).toString()).toBe('abcxxxxxend!');
  });

  test('thousands of frames in one piece are fine', async () => {
    const bytes = Buffer.concat(Array.from({ length: 20000 }, () => frame([Buffer.from('x')])));
    expect((await unpack(bytes, bytes.length)).length).toBe(20000);
  });

  /** 128 MiB, the largest that is taken. */
  const LARGEST = 17 << 3;

  test('thousands of small frames with large windows take no such windows', async () => {
    const block = Buffer.from('some bytes');
    const few = Array.from({ length: 5 }, () => block);
    const bytes = Buffer.concat(Array.from({ length: 3000 }, () => frame(few, { window: LARGEST, checksum: true })));
    expect((await unpack(bytes, 10_000)).length).toBe(3000 * 5 * block.length);
  });

  test('a frame of more blocks than are held gets the window that it asks for', async () => {
    const blocks = Array.from({ length: 30 }, (_, at) => ({ rle: at, count: 100_000 }));
    const long = frame(blocks, { window: LARGEST });
    const expected = Buffer.concat(blocks.map(({ rle, count }) => Buffer.alloc(count, rle)));
    expect(
      (await unpack(Buffer.concat([long, frame([Buffer.from('x')]), long]), 7)).equals(
        Buffer.concat([expected, Buffer.from('x'), expected]),
      ),
    ).toBe(true);
  });

  test('frames that ask for large windows and fill none of them are refused', async () => {
    const empty = frame(
      Array.from({ length: 12 }, () => Buffer.alloc(0)),
      { window: LARGEST },
    );
    const bytes = Buffer.concat(Array.from({ length: 100 }, () => empty));
    await expect(unpack(bytes)).rejects.toEqual(refused('ERR_OCI_UNSUPPORTED', 'far more windows than it fills'));
  });

  test('cut anywhere it is refused', async () => {
    const whole = frame([Buffer.from('abc'), Buffer.from('def')], { checksum: true });
    for (let length = 4; length < whole.length; length++) {
      await expect(unpack(whole.subarray(0, length))).rejects.toEqual(refused('ERR_OCI_CORRUPT', 'middle of a frame'));
    }
  });

  test('garbage behind a frame, bad blocks, dictionaries and huge windows are refused', async () => {
    const good = frame([Buffer.from('abc')]);
    await expect(unpack(Buffer.concat([good, Buffer.from('garbage')]))).rejects.toEqual(
      refused('ERR_OCI_CORRUPT', 'go on'),
    );
    const reserved = Buffer.from(good);
    reserved[6] |= 6;
    await expect(unpack(reserved)).rejects.toEqual(refused('ERR_OCI_CORRUPT', 'block'));
    await expect(unpack(frame([good], { dictionary: 5 }))).rejects.toEqual(
      refused('ERR_OCI_UNSUPPORTED', 'dictionary'),
    );
    await expect(unpack(frame([good], { window: 0xa0 }))).rejects.toEqual(refused('ERR_OCI_UNSUPPORTED', 'window'));
  });

  const hasZstd = (() => {
    try {
      execFileSync('zstd', ['--version']);
      return true;
    } catch {
      return false;
    }
  })();

  test.skipIf(!hasZstd).each([['-1'], ['-19'], ['--ultra', '-22'], ['--long=27', '-3'], ['--no-check', '-3']])(
    'what the zstd command writes: %s %s',
    async (...levels: string[]) => {
      const input = Buffer.concat([TEXT, randomBytes(300_000), Buffer.alloc(2_000_000), TEXT]);
      const bytes = execFileSync('zstd', [...levels.filter((level) => level !== undefined), '-c'], {
        input,
        maxBuffer: 2 ** 26,
      });
      expect((await unpack(bytes, 70_000)).equals(input)).toBe(true);
    },
  );

  test('damaged blocks give an error or other bytes, never another exception', async () => {
    const compressed = hasZstd ? execFileSync('zstd', ['-c'], { input: TEXT }) : frame([Buffer.from('abc')]);
    for (let at = 4; at < compressed.length; at++) {
      for (const bit of [1, 0x80]) {
        const bytes = Buffer.from(compressed);
        bytes[at] ^= bit;
        await unpack(bytes).catch((error: unknown) => expect(error).toMatchObject({ name: 'StoreError' }));
      }
    }
  });
});

test.each([
  ['xz', Buffer.from('fd377a585a000004', 'hex')],
  ['bzip2', Buffer.from('BZh91AY&')],
  ['zip', Buffer.from('PK\x03\x04....')],
])('%s is refused by its name', async (name, start) => {
  await expect(unpack(Buffer.concat([start, deflateRawSync(TEXT)]))).rejects.toEqual(
    refused('ERR_OCI_UNSUPPORTED', name),
  );
});
