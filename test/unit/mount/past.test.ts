import { expect, test } from 'vitest';
import { pastOperations } from '../../../src/entry/mount.ts';
import { type Asking, askServer, idOf, numbers, OUT_HEADER_BYTES, ROOT_ID, text } from './asking.ts';

const [LOOKUP, OPEN, READ, OPENDIR, READDIR] = [1, 14, 15, 27, 28];
const DIRENT_BYTES = 24;
const ENOSYS = -38;
/** Room for some ten entries. */
const ROOM_BYTES = 400;
const DIRECTORIES = 20;
const FILES = 50;

/** A moment at which there were files of which none is left as it was. */
const askPast = () =>
  askServer(async (store) => {
    const { fs } = await store.containers.create({ name: 'web' });
    for (let directory = 0; directory < DIRECTORIES; directory++) {
      fs.mkdirSync(`/d${directory}`);
      for (let file = 0; file < FILES; file++) fs.writeFileSync(`/d${directory}/f${file}`, `${directory}/${file}`);
    }
    const then = store.seq;
    fs.rmSync('/d0', { recursive: true });
    fs.writeFileSync('/d1/f1', 'now');
    return store.at(then).containers.get('web');
  }, pastOperations());

const lookUp = (kernel: Asking<unknown>, directory: number, name: string): number =>
  idOf(kernel.ask(LOOKUP, directory, text(name)).answer);

/** Names as they come in answers of a few each. */
function* read(kernel: Asking<unknown>, directory: number): Generator<string[], void> {
  for (let offset = 0; ;) {
    const { answer } = kernel.ask(READDIR, directory, numbers(0, 0, offset, 0, ROOM_BYTES, 0, 0, 0, 0, 0));
    if (answer.length === OUT_HEADER_BYTES) return;
    const names: string[] = [];
    for (let at = OUT_HEADER_BYTES; at < answer.length;) {
      const bytes = answer.readUInt32LE(at + 16);
      offset = answer.readUInt32LE(at + 8);
      names.push(answer.toString('utf8', at + DIRENT_BYTES, at + DIRENT_BYTES + bytes));
      at += Math.ceil((DIRENT_BYTES + bytes) / 8) * 8;
    }
    yield names;
  }
}

test('the kernel is told that it need not ask to open a file or a directory of the past', async () => {
  const kernel = await askPast();
  const directory = lookUp(kernel, ROOT_ID, 'd0');
  for (const [opcode, id] of [
    [OPEN, lookUp(kernel, directory, 'f0')],
    [OPENDIR, directory],
  ])
    expect(kernel.answerTo(opcode, id, numbers(0, 0)).readInt32LE(4)).toBe(ENOSYS);
});

test('a file is read by its node', async () => {
  const kernel = await askPast();
  const file = lookUp(kernel, lookUp(kernel, ROOT_ID, 'd1'), 'f1');
  const { answer } = kernel.ask(READ, file, numbers(0, 0, 0, 0, 4096, 0, 0, 0, 0, 0));
  expect(answer.toString('utf8', OUT_HEADER_BYTES)).toBe('1/1');
});

test('directories are read in pieces, many at a time, and each name comes once', async () => {
  const kernel = await askPast();
  const names = Array.from({ length: DIRECTORIES }, (_, index) => `d${index}`);
  const readers = [...names, ...names].map((name) => ({
    seen: [] as string[],
    reading: read(kernel, lookUp(kernel, ROOT_ID, name)),
  }));
  for (let isDone = false; !isDone;) {
    isDone = true;
    for (const { seen, reading } of readers) {
      const { value } = reading.next();
      if (!value) continue;
      isDone = false;
      expect(value.length).toBeLessThan(FILES / 2);
      seen.push(...value);
    }
  }
  const whole = ['.', '..', ...Array.from({ length: FILES }, (_, index) => `f${index}`)].toSorted();
  for (const { seen } of readers) expect(seen.toSorted()).toEqual(whole);
});
