import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { MountServer } from '../../../src/entry/mount.ts';
import { memoryStore } from '../../e2e/command.ts';

const HEADER_BYTES = 40;
const CONTENT = 'content';
/** Opcodes that have no answer: FORGET, INTERRUPT, BATCH_FORGET. */
const SILENT = new Set([2, 36, 42]);

/** Numbers that requests are likely to break on. */
const number = fc.oneof(
  fc.constantFrom(0n, 1n, 2n, 3n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 52n, 2n ** 63n, 2n ** 64n - 1n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);
const request = fc.record({
  opcode: fc.integer({ min: 0, max: 70 }),
  node: number,
  numbers: fc.array(number, { maxLength: 8 }),
  tail: fc.uint8Array({ maxLength: 40 }),
});

function bytesOf({ opcode, node, numbers, tail }: typeof request extends fc.Arbitrary<infer T> ? T : never): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + numbers.length * 8 + tail.length);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt32LE(opcode, 4);
  bytes.writeBigUInt64LE(7n, 8);
  bytes.writeBigUInt64LE(node, 16);
  for (const [index, each] of numbers.entries()) bytes.writeBigUInt64LE(each, HEADER_BYTES + index * 8);
  bytes.set(tail, HEADER_BYTES + numbers.length * 8);
  return bytes;
}

test('whatever a request holds, it is answered, and the server goes on', async () => {
  const store = await memoryStore();
  const container = await store.containers.create({ name: 'web' });
  container.fs.mkdirSync('/dir');
  container.fs.writeFileSync('/dir/file', CONTENT);
  const folder = mkdtempSync(join(tmpdir(), 'overlog-malformed-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'device');
  fc.assert(
    fc.property(fc.array(request, { minLength: 1, maxLength: 20 }), (requests) => {
      for (const each of requests) {
        const bytes = bytesOf(each);
        writeFileSync(path, bytes);
        const device = openSync(path, 'r+');
        try {
          // A file in place of the device: the request is read, and the answer stands behind it.
          const namespace = container.namespace();
          const server = new MountServer({
            device,
            namespace,
            group: 'test',
            isWanted: () => true,
            onNotices: () => {},
          });
          expect(server.serve()).toBe('asked');
          server.close();
        } finally {
          closeSync(device);
        }
        const answer = readFileSync(path).subarray(bytes.length);
        if (SILENT.has(each.opcode)) expect(answer).toHaveLength(0);
        else {
          expect(answer.readUInt32LE(0)).toBe(answer.length);
          expect(answer.readInt32LE(4)).toBeLessThanOrEqual(0);
          expect(answer.readInt32LE(4)).toBeGreaterThan(-4096);
          expect(answer.readBigUInt64LE(8)).toBe(7n);
        }
      }
    }),
  );
  // A request may have made it longer than a program can read at once.
  const { size } = container.fs.statSync('/dir/file');
  const file = container.fs.openSync('/dir/file', 'r');
  expect(container.fs.readSync(file, Buffer.alloc(CONTENT.length))).toBe(Math.min(size, CONTENT.length));
});
