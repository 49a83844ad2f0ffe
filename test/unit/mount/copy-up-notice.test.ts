import { expect, test } from 'vitest';
import { askServer, idOf, messagesOf, numbers, O_RDONLY, O_RDWR, OUT_HEADER_BYTES, ROOT_ID, text } from './asking.ts';

const [LOOKUP, OPEN] = [1, 14];
const NOTIFY_INVAL_INODE = 2;
const [UNASKED, ASKED] = [0, 1];

/** Number of the request, error or code of the notice, and what is behind the header. */
const parts = (written: Buffer) =>
  messagesOf(written).map((message) => ({
    unique: Number(message.readBigUInt64LE(8)),
    code: message.readInt32LE(4),
    payload: message.subarray(OUT_HEADER_BYTES),
  }));

test('the kernel is told of a copy-up before whoever caused it goes on', async () => {
  const kernel = await askServer(async (store) => {
    const source = await store.containers.create({ name: 'source' });
    source.fs.writeFileSync('/file', 'content');
    await source.commit({ tag: 'lower:1' });
    return store.containers.create({ name: 'web', image: 'lower:1' });
  });
  const id = idOf(kernel.ask(LOOKUP, ROOT_ID, text('file')).answer);
  const open = (flags: number) => parts(kernel.inARow([OPEN, id, numbers(flags, 0)])[0]);
  expect(open(O_RDONLY).map(({ unique, code }) => [unique, code])).toEqual([[ASKED, 0]]);
  const [notice, answer, ...more] = open(O_RDWR);
  expect([notice.unique, notice.code]).toEqual([UNASKED, NOTIFY_INVAL_INODE]);
  expect(Number(notice.payload.readBigUInt64LE(0))).toBe(id);
  // Attributes alone: for content the kernel would take locks.
  expect(notice.payload.readBigInt64LE(8)).toBe(-1n);
  expect([answer.unique, answer.code]).toEqual([ASKED, 0]);
  expect(more).toEqual([]);
  // It lies in the upper now.
  expect(open(O_RDWR).map(({ unique }) => unique)).toEqual([ASKED]);
});
