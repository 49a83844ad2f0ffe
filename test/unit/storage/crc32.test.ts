import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32 } from '../../../src/storage/crc32.ts';

test('the CRC of the digits 1 to 9 is the check value 0xCBF43926', () => {
  expect(crc32(Buffer.from('123456789'), 0, 9)).toBe(0xcbf43926);
});

test('the CRC of no bytes is the seed', () => {
  expect(crc32(new Uint8Array(), 0, 0)).toBe(0);
  expect(crc32(new Uint8Array(), 0, 0, 0xdeadbeef)).toBe(0xdeadbeef);
});

test('the CRC is that of zlib, whatever the length, place and seed', () => {
  const input = fc.tuple(fc.uint8Array({ minLength: 42, maxLength: 700 }), fc.nat(40), fc.nat(0xffff_ffff));
  fc.assert(
    fc.property(input, ([bytes, skipped, seed]) => {
      expect(crc32(bytes, skipped, bytes.length, seed)).toBe(zlibCrc32(bytes.subarray(skipped), seed));
    }),
  );
});

test('a CRC goes on from that of the bytes in front', () => {
  const bytes = Buffer.from('the quick brown fox jumps over the lazy dog');
  for (let cut = 0; cut <= bytes.length; cut++) {
    expect(crc32(bytes, cut, bytes.length, crc32(bytes, 0, cut))).toBe(crc32(bytes, 0, bytes.length));
  }
});
