import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  askEmpty,
  type Asking,
  askServer,
  handleOf,
  idOf,
  numbers,
  OUT_HEADER_BYTES,
  ROOT_ID,
  text,
} from './asking.ts';

const [LOOKUP, GETATTR, MKDIR, UNLINK, OPENDIR, RELEASEDIR, READDIRPLUS, RENAME2] = [1, 3, 9, 10, 27, 29, 44, 45];
const ENTRY_BYTES = 128;
const DIRENT_BYTES = 24;
const ROOM_BYTES = 65_536;

const makeDirectory = (kernel: Asking, name: string): number =>
  idOf(kernel.ask(MKDIR, ROOT_ID, numbers(0o755, 0), text(name)).answer);

/** Makes a file, writes to it and closes it, so that the kernel no longer trusts what it was told when it was made. */
function writeFile(kernel: Asking, directory: number, name: string): number {
  const { id, handle } = kernel.create(name, directory);
  kernel.write(id, handle, 0, Buffer.alloc(8192));
  kernel.close(id, handle);
  return id;
}

function makeFile(kernel: Asking, directory: number, name: string): number {
  const { id, handle } = kernel.create(name, directory);
  kernel.close(id, handle);
  return id;
}

const stat = (kernel: Asking, id: number): void => void kernel.ask(GETATTR, id, numbers(0, 0, 0, 0));
const unlink = (kernel: Asking, directory: number, name: string): void =>
  void kernel.ask(UNLINK, directory, text(name));
const move = (kernel: Asking, from: number, name: string, to: number, newName: string): void =>
  void kernel.ask(RENAME2, from, numbers(to, 0, 0, 0), text(name), text(newName));

/** What READDIRPLUS tells of each entry but the dots: its node id, or 0. */
function list(kernel: Asking, directory: number): Map<string, number> {
  const handle = handleOf(kernel.ask(OPENDIR, directory, numbers(0, 0)).answer);
  const { answer } = kernel.ask(READDIRPLUS, directory, numbers(handle, 0, 0, 0, ROOM_BYTES, 0, 0, 0, 0, 0));
  kernel.ask(RELEASEDIR, directory, numbers(handle, 0, 0, 0, 0, 0));
  const entries = new Map<string, number>();
  for (let at = OUT_HEADER_BYTES; at < answer.length;) {
    const dirent = at + ENTRY_BYTES;
    const nameBytes = answer.readUInt32LE(dirent + 16);
    const name = answer.toString('utf8', dirent + DIRENT_BYTES, dirent + DIRENT_BYTES + nameBytes);
    if (name !== '.' && name !== '..') entries.set(name, Number(answer.readBigUInt64LE(at)));
    at = dirent + Math.ceil((DIRENT_BYTES + nameBytes) / 8) * 8;
  }
  return entries;
}

test('a directory whose files were all made here is listed by names alone', async () => {
  const kernel = await askEmpty();
  const directory = makeDirectory(kernel, 'd');
  for (const name of ['a', 'b', 'c']) makeFile(kernel, directory, name);
  unlink(kernel, directory, 'b');
  expect(Object.fromEntries(list(kernel, directory))).toEqual({ a: 0, c: 0 });
});

test('what has changed since it was told is told again, until somebody has asked', async () => {
  const kernel = await askEmpty();
  const directory = makeDirectory(kernel, 'd');
  const a = makeFile(kernel, directory, 'a');
  const b = writeFile(kernel, directory, 'b');
  expect(Object.fromEntries(list(kernel, directory))).toEqual({ a, b });
  stat(kernel, b);
  expect(Object.fromEntries(list(kernel, directory))).toEqual({ a: 0, b: 0 });
});

test('what the kernel has dropped, what came from elsewhere and what an image holds is told', async () => {
  const kernel = await askServer(async (store) => {
    const source = await store.containers.create({ name: 'source' });
    source.fs.mkdirSync('/lower');
    source.fs.writeFileSync('/lower/f', 'content');
    await source.commit({ tag: 'lower:1' });
    return store.containers.create({ name: 'web', image: 'lower:1' });
  });
  const lower = idOf(kernel.ask(LOOKUP, ROOT_ID, text('lower')).answer);
  expect([...list(kernel, lower).values()]).not.toContain(0);
  const directory = makeDirectory(kernel, 'd');
  const a = makeFile(kernel, directory, 'a');
  makeFile(kernel, directory, 'b');
  kernel.forget(a);
  expect([...list(kernel, directory).values()]).not.toContain(0);
  const other = makeDirectory(kernel, 'other');
  move(kernel, lower, 'f', other, 'f');
  expect([...list(kernel, other).values()]).not.toContain(0);
  const last = makeDirectory(kernel, 'last');
  makeFile(kernel, last, 'made');
  kernel.container.fs.writeFileSync('/last/made', 'by a command');
  expect([...list(kernel, last).values()]).not.toContain(0);
});

const FILES = 6;
const anyStep = fc.record({
  type: fc.constantFrom('create', 'create', 'write', 'stat', 'unlink', 'forget', 'move'),
  file: fc.nat(FILES - 1),
  /** Where a move goes. */
  to: fc.nat(FILES - 1),
});

test('nothing is left out that the kernel does not know as it is', async () => {
  let leftOut = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 5, maxLength: 40 }), async (steps) => {
      const kernel = await askEmpty();
      const directories = [makeDirectory(kernel, 'd0'), makeDirectory(kernel, 'd1')];
      /** Half of the files stand in each directory. */
      const placeOf = (file: number): [directory: number, name: string] => [directories[file % 2], `f${file}`];
      const ids = new Map<number, number>();
      const known = new Set<number>();
      for (const { type, file, to } of steps) {
        const id = ids.get(file);
        if (type === 'create') {
          if (id !== undefined) continue;
          const made = makeFile(kernel, ...placeOf(file));
          ids.set(file, made);
          known.add(made);
        } else if (id === undefined) continue;
        else if (type === 'write') {
          const handle = kernel.open(id, 2);
          kernel.write(id, handle, 0, Buffer.alloc(8192));
          kernel.close(id, handle);
          known.delete(id);
        } else if (type === 'stat') {
          stat(kernel, id);
          known.add(id);
        } else if (type === 'forget') {
          kernel.forget(id);
          known.delete(id);
        } else if (type === 'unlink') {
          unlink(kernel, ...placeOf(file));
          ids.delete(file);
        } else if (to !== file) {
          move(kernel, ...placeOf(file), ...placeOf(to));
          ids.delete(file);
          ids.set(to, id);
          known.delete(id);
        }
        for (const directory of directories) {
          for (const [name, told] of list(kernel, directory)) {
            if (told !== 0) continue;
            leftOut++;
            expect(known).toContain(ids.get(Number(name.slice(1))));
          }
        }
      }
    }),
    { numRuns: 150 },
  );
  expect(leftOut).toBeGreaterThan(100);
});
