import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeName, encodeName } from '../../../src/events/name.ts';
import { nameText } from '../../../src/events/pack-reader.ts';

const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.string({ unit: 'grapheme-ascii', maxLength: 40 }).map((text) => encodeName(text)),
  fc.string({ maxLength: 20 }).map((text) => encodeName(text)),
);

test('a name in the middle of other bytes is what its own bytes are, ASCII or not, short or long', () => {
  fc.assert(
    fc.property(anyBytes, fc.nat(5), (name, before) => {
      const bytes = Buffer.concat([Buffer.alloc(before, 0x61), name, Buffer.of(0x62, 0xff)]);
      expect(nameText(bytes, before, before + name.length)).toBe(decodeName(name));
    }),
    { numRuns: 500 },
  );
});
