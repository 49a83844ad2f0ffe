import { closeSync, ftruncateSync, linkSync, openSync, readFileSync, rmSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mountedContainer, noMount } from './mounted.ts';

const MAX = 20_000;

/** Done to a file that is opened for it, or that stays open. */
const step = fc.record({
  kind: fc.constantFrom('write', 'write', 'write', 'append', 'truncate', 'truncate by name', 'leave open'),
  at: fc.nat(MAX),
  length: fc.oneof(fc.integer({ min: 1, max: 6000 }), fc.constantFrom(4096, 8192)),
  byte: fc.nat(255),
});

const title = 'what is read behind the close of a file is what was written, whatever the page cache had';

test.skipIf(noMount !== null)(noMount === null ? title : `${title} (skipped: ${noMount})`, async () => {
  const { directory } = await mountedContainer();
  const [path, other] = [join(directory, 'f'), join(directory, 'g')];
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
      let model = Buffer.alloc(0);
      const grow = (size: number): void => {
        model = Buffer.concat([model, Buffer.alloc(Math.max(0, size - model.length))]);
      };
      closeSync(openSync(path, 'w'));
      linkSync(path, other);
      const open: number[] = [];
      for (const { kind, at, length, byte } of steps) {
        const bytes = Buffer.alloc(length, byte);
        const position = kind === 'append' ? model.length : at;
        if (kind === 'truncate by name') truncateSync(path, at);
        else {
          const fd = openSync(path, kind === 'append' ? 'a' : 'r+');
          if (kind === 'truncate') ftruncateSync(fd, at);
          else writeSync(fd, bytes, 0, length, kind === 'append' ? null : at);
          if (kind === 'leave open') open.push(fd);
          else closeSync(fd);
        }
        grow(kind.startsWith('truncate') ? at : position + length);
        if (kind.startsWith('truncate')) model = model.subarray(0, at);
        else bytes.copy(model, position);
        expect(readFileSync(other).equals(model)).toBe(true);
      }
      for (const fd of open) closeSync(fd);
      expect(readFileSync(path).equals(model)).toBe(true);
      rmSync(path);
      rmSync(other);
    }),
    { numRuns: 30 },
  );
});
