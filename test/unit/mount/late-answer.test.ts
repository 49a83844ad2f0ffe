import { expect, test } from 'vitest';
import { type Asking, askEmpty, messagesOf, numbers, O_RDONLY, OUT_HEADER_BYTES, ROOT_ID } from './asking.ts';

const [GETATTR, OPEN, RELEASE] = [3, 14, 18];

/** A file that is open so many times. */
async function opened(times: number, looks?: boolean): Promise<{ kernel: Asking; id: number; handles: number[] }> {
  const kernel = await askEmpty(looks);
  const { id, handle } = kernel.create('f');
  kernel.close(id, handle);
  const handles = Array.from({ length: times }, () => kernel.open(id, O_RDONLY));
  return { kernel, id, handles };
}

const closing = (id: number, handle: number) => [RELEASE, id, numbers(handle, 0, 0, 0, 0, 0)] as const;

/** The numbers of the requests that are answered. */
const answered = (written: Buffer): number[] =>
  messagesOf(written).map((message) => {
    expect(message.readInt32LE(4)).toBe(0);
    return Number(message.readBigUInt64LE(8));
  });

test('a close is answered behind what is asked next', async () => {
  const { kernel, id, handles } = await opened(1);
  const written = kernel.inARow(closing(id, handles[0]), [OPEN, id, numbers(O_RDONLY, 0)]);
  expect(written.map(answered)).toEqual([[], [2, 1], []]);
});

test('closes are answered in their order, and the last one when nothing follows', async () => {
  const { kernel, id, handles } = await opened(3);
  const written = kernel.inARow(...handles.map((handle) => closing(id, handle)));
  expect(written.map(answered)).toEqual([[], [1], [2], [3]]);
  expect(written[3]).toHaveLength(OUT_HEADER_BYTES);
});

test('nothing is owed while the server sleeps', async () => {
  const { kernel, id, handles } = await opened(2, false);
  const written = kernel.inARow(closing(id, handles[0]), closing(id, handles[1]), [OPEN, id, numbers(O_RDONLY, 0)]);
  expect(written.map(answered)).toEqual([[], [1], [2, 3], []]);
});

test('every request is answered once', async () => {
  const { kernel, id, handles } = await opened(4);
  const asked = handles.flatMap((handle) => [closing(id, handle), [GETATTR, ROOT_ID, numbers(0, 0, 0, 0)] as const]);
  const all = kernel.inARow(...asked, closing(id, kernel.open(id, O_RDONLY))).flatMap(answered);
  expect(all.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 9 }, (_, index) => index + 1));
});
