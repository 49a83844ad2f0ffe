import { expect, test } from 'vitest';
import { askEmpty, O_RDONLY, O_RDWR, OUT_HEADER_BYTES, ROOT_ID } from './asking.ts';

const UNLINK = 10;
const FUSE_NOTIFY_STORE = 4;

/** What a notice says: node, position, content. */
function stored(notice: Buffer): { id: number; position: number; content: Buffer } {
  expect(notice.readUInt32LE(0)).toBe(notice.length);
  expect(notice.readInt32LE(4)).toBe(FUSE_NOTIFY_STORE);
  expect(notice.readBigUInt64LE(8)).toBe(0n);
  expect(notice.readUInt32LE(OUT_HEADER_BYTES + 16)).toBe(notice.length - 40);
  return {
    id: Number(notice.readBigUInt64LE(OUT_HEADER_BYTES)),
    position: Number(notice.readBigUInt64LE(OUT_HEADER_BYTES + 8)),
    content: notice.subarray(40),
  };
}

test.each([
  [1, 0, 1],
  [1024, 0, 1024],
  [4097, 4096, 1],
  [10_000, 8192, 1808],
])('behind the close of a file of %i bytes that was written goes its last page', async (size, position, length) => {
  const kernel = await askEmpty();
  const { id, handle } = kernel.create('f');
  const bytes = Buffer.from(Uint8Array.from({ length: size }, (_, index) => index % 251));
  kernel.write(id, handle, 0, bytes);
  const page = stored(kernel.close(id, handle));
  expect(page).toEqual({ id, position, content: bytes.subarray(position) });
  expect(page.content).toHaveLength(length);
});

test('what was written in pieces, through two files, is whole in the page', async () => {
  const kernel = await askEmpty();
  const { id, handle } = kernel.create('f');
  kernel.write(id, handle, 0, Buffer.from('one two'));
  const second = kernel.open(id, O_RDWR);
  kernel.write(id, second, 4, Buffer.from('2'));
  expect(kernel.close(id, handle)).toHaveLength(0); // the other one may be writing
  expect(stored(kernel.close(id, second)).content.toString()).toBe('one 2wo');
});

test('no page goes where somebody may hold its lock, and none that nobody needs', async () => {
  const kernel = await askEmpty();
  const { id, handle } = kernel.create('f');
  kernel.write(id, handle, 0, Buffer.alloc(100));
  const reader = kernel.open(id, O_RDONLY);
  expect(kernel.close(id, handle)).toHaveLength(0);
  expect(kernel.close(id, reader)).toHaveLength(0);
  expect(kernel.close(id, kernel.open(id, O_RDWR))).toHaveLength(0); // nothing was written through it
  const whole = kernel.create('whole');
  kernel.write(whole.id, whole.handle, 0, Buffer.alloc(8192));
  expect(kernel.close(whole.id, whole.handle)).toHaveLength(0);
  const gone = kernel.create('gone');
  kernel.write(gone.id, gone.handle, 0, Buffer.alloc(100));
  kernel.ask(UNLINK, ROOT_ID, Buffer.from('gone\0'));
  expect(kernel.close(gone.id, gone.handle)).toHaveLength(0);
});
