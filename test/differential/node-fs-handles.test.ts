import type { EventEmitter } from 'node:events';
import * as nodeFs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openMemoryFs } from '../unit/engine/fs/memory-fs.ts';
import type { AnyFs } from './node-fs-cases.ts';

/** Programs over file handles, streams and open directories: what they note down must be the same on both. */
interface Program {
  readonly title: string;
  readonly run: (fs: AnyFs, note: (...facts: unknown[]) => void) => Promise<void> | void;
}

const FILE = 'data.txt';

const PROGRAMS: readonly Program[] = [
  {
    title: 'a handle reads and writes at its position and at given ones',
    async run(fs, note) {
      const handle = await fs.promises.open(FILE, 'r+');
      note(typeof handle.fd, Object.keys(await handle.read()));
      note(await handle.read(Buffer.alloc(4), 0, 4, 2));
      note(await handle.read(Buffer.alloc(4)));
      note(await handle.read({ buffer: Buffer.alloc(5), position: 1 }));
      note(await handle.read(Buffer.alloc(5), { offset: 2, length: 2, position: 0 }));
      note(await handle.read(Buffer.alloc(5), 1, 2, null));
      note(await handle.write('abc'), await handle.write('XY', 0), await handle.write(Buffer.from('pqr'), 1, 1, 5));
      note(await handle.write(Buffer.alloc(0)));
      note((await handle.writev([Buffer.from('1'), Buffer.from('2')], 8)).bytesWritten);
      note((await handle.readv([Buffer.alloc(2), Buffer.alloc(3)], 0)).buffers);
      note((await handle.stat()).size, typeof (await handle.stat({ bigint: true })).size);
      await handle.truncate(4);
      await handle.chmod(0o600);
      await handle.utimes(10, 20);
      await handle.chown(1, 2);
      const stat = await handle.stat();
      note(stat.size, stat.mode, stat.mtimeMs, stat.uid, stat.gid);
      await handle.sync();
      await handle.datasync();
      await handle.close();
      note(handle.fd, fs.readFileSync(FILE, 'utf8'));
    },
  },
  {
    title: 'a handle reads and writes the rest of a file',
    async run(fs, note) {
      const handle = await fs.promises.open(FILE, 'r+');
      await handle.read(Buffer.alloc(3));
      note(await handle.readFile('utf8'), await handle.readFile('utf8'), (await handle.readFile()).length);
      await handle.writeFile('tail');
      await handle.appendFile(Buffer.from('!'));
      await handle.close();
      note(fs.readFileSync(FILE, 'utf8'));
      const reader = await fs.promises.open(FILE);
      note(await fs.promises.readFile(reader, 'utf8'));
      await reader.close();
      const other = await fs.promises.open(FILE, 'a');
      await fs.promises.writeFile(other, 'x');
      await fs.promises.appendFile(other, 'y');
      await other.close();
      note(fs.readFileSync(FILE, 'utf8'));
    },
  },
  {
    title: 'a closed handle refuses',
    async run(fs, note) {
      const handle = await fs.promises.open(FILE);
      let closed = 0;
      onClose(handle, () => closed++);
      await Promise.all([handle.close(), handle.close()]);
      await handle.close();
      note(closed, handle.fd);
      await refusals(note, [
        () => handle.read(),
        () => handle.readFile(),
        () => handle.write('x'),
        () => handle.stat(),
        () => handle.truncate(),
        () => handle.chmod(1),
        () => handle.chown(1, 1),
        () => handle.utimes(1, 1),
        () => handle.sync(),
        () => handle.datasync(),
        () => handle.readv([]),
        () => handle.writev([Buffer.from('x')]),
        () => handle.writeFile('x'),
        () => handle.appendFile('x'),
      ]);
    },
  },
  {
    title: 'a handle refuses what its flags do not allow, and wrong arguments',
    async run(fs, note) {
      const handle = await fs.promises.open(FILE, 'r');
      await refusals(note, [
        () => handle.write('x'),
        () => handle.write(5 as unknown as string),
        () => handle.write(Buffer.from('abc'), 9),
        () => handle.write(Buffer.from('abc'), 0, 9),
        () => handle.truncate(1),
        () => handle.truncate('x' as unknown as number),
        () => handle.chmod('x'),
        () => handle.chown('x' as unknown as number, 1),
        () => handle.utimes('x', 1),
        () => handle.read(Buffer.alloc(2), 0, 9),
        () => handle.read(Buffer.alloc(2), -1),
        () => handle.read(Buffer.alloc(0)),
        () => handle.read('x' as unknown as Buffer),
        () => handle.readv('x' as unknown as Buffer[]),
        () => handle.writev('x' as unknown as Buffer[]),
        () => handle.writeFile('x'),
        () => handle.readFile('nope' as BufferEncoding),
      ]);
      await handle.close();
    },
  },
  {
    title: 'promises.open refuses as open does',
    async run(fs, note) {
      await refusals(note, [
        () => fs.promises.open('none'),
        () => fs.promises.open('none/x', 'w'),
        () => fs.promises.open('.', 'w'),
        () => fs.promises.open(FILE, 'wx'),
        () => fs.promises.open(FILE, 'q'),
        () => fs.promises.open(5 as unknown as string),
        () => fs.promises.open(FILE, 'w', 'x'),
        () => fs.promises.readFile(5 as unknown as string),
        () => fs.promises.opendir('none'),
        () => fs.promises.opendir(FILE),
        () => fs.promises.mkdir(FILE),
        () => fs.promises.realpath('none/x'),
        () => fs.promises.writeFile('none/x', 'x'),
      ]);
    },
  },
  {
    title: 'writeFile takes what comes in pieces',
    async run(fs, note) {
      async function* later(): AsyncGenerator<string> {
        yield 'one ';
        yield 'two';
      }
      await fs.promises.writeFile('a', later());
      await fs.promises.writeFile('b', [Buffer.from('x'), Buffer.from('y')]);
      await fs.promises.appendFile('b', later() as unknown as string);
      await fs.promises.writeFile('c', fs.createReadStream(FILE));
      note(fs.readFileSync('a', 'utf8'), fs.readFileSync('b', 'utf8'), fs.readFileSync('c', 'utf8'));
    },
  },
  {
    title: 'an aborted signal refuses before anything is done',
    async run(fs, note) {
      const signal = AbortSignal.abort();
      await refusals(note, [
        () => fs.promises.readFile(FILE, { signal }),
        () => fs.promises.writeFile('new', 'x', { signal }),
        () =>
          new Promise((resolve, reject) => {
            fs.readFile(FILE, { signal }, (error) => (error ? reject(error) : resolve(0)));
          }),
        () =>
          new Promise((resolve, reject) => {
            fs.writeFile('new', 'x', { signal }, (error) => (error ? reject(error) : resolve(0)));
          }),
      ]);
      note(fs.existsSync('new'));
    },
  },
  {
    title: 'a signal that is aborted while a call is on refuses it, too, and other calls know no signal',
    async run(fs, note) {
      const abortedNow = async (call: (signal: AbortSignal) => Promise<unknown>): Promise<unknown> => {
        const controller = new AbortController();
        const answer = call(controller.signal);
        controller.abort(new Error('enough'));
        return answer.catch((error: Error & { code?: string }) => {
          note(error.name, error.code, error.message, String(error.cause));
        });
      };
      const later = (run: (callback: (error: Error | null) => void) => void): Promise<unknown> =>
        new Promise((resolve, reject) => run((error) => (error ? reject(error) : resolve(0))));
      await abortedNow((signal) => fs.promises.readFile(FILE, { signal }));
      await abortedNow((signal) => fs.promises.writeFile('new', 'x', { signal }));
      await abortedNow((signal) => fs.promises.appendFile('new', 'x', { signal } as object));
      await abortedNow((signal) => later((callback) => fs.readFile(FILE, { signal }, callback)));
      await abortedNow((signal) => later((callback) => fs.writeFile('new', 'x', { signal }, callback)));
      await abortedNow((signal) => finished(fs.createReadStream(FILE, { signal }).resume()));
      await abortedNow((signal) => finished(fs.createWriteStream('out', { signal })));
      for (const options of [{}, { signal: new AbortController().signal }])
        note(await fs.promises.readFile(FILE, { ...options, encoding: 'utf8' }));
      const signal = AbortSignal.abort();
      note((await fs.promises.stat(FILE, { signal } as object)).size);
      note(await fs.promises.mkdir('made', { signal } as object), fs.existsSync('made'));
      await refusals(note, [() => fs.promises.readFile(FILE, { signal: 5 as unknown as AbortSignal })]);
    },
  },
  {
    title: 'the classes of streams make streams of this file system, with and without new',
    async run(fs, note) {
      const call = (make: unknown, ...args: unknown[]): unknown => (make as (...args: unknown[]) => unknown)(...args);
      const { ReadStream, WriteStream } = fs as unknown as Record<string, new (...args: unknown[]) => Readable>;
      fs.writeFileSync('here', 'only here');
      for (const make of ['ReadStream', 'FileReadStream'] as const) {
        const Class = (fs as unknown as Record<string, new (...args: unknown[]) => Readable>)[make];
        for (const stream of [new Class('here', 'utf8'), call(Class, 'here', { start: 5 }) as Readable]) {
          const pieces: unknown[] = [];
          for await (const piece of stream) pieces.push(String(piece));
          note(make, pieces, stream instanceof Class, stream instanceof ReadStream, stream.constructor.name);
        }
      }
      for (const make of ['WriteStream', 'FileWriteStream'] as const) {
        const Class = (fs as unknown as Record<string, new (...args: unknown[]) => Writable>)[make];
        const stream = new Class('there', { flags: 'a' });
        stream.end(make);
        await finished(stream);
        note(fs.readFileSync('there', 'utf8'), stream instanceof Class, stream instanceof WriteStream);
      }
      note(fs.createReadStream('here').destroy() instanceof ReadStream);
      await refusals(note, [() => finished(new ReadStream('none').resume())]);
    },
  },
  {
    title: 'a file opens as a Blob',
    async run(fs, note) {
      const blob = await fs.openAsBlob(FILE, { type: 'text/plain' });
      note(blob.constructor.name, blob.size, blob.type, await blob.text(), await blob.slice(6, 8).text());
      note((await fs.openAsBlob(Buffer.from(FILE))).type, Buffer.from(await blob.arrayBuffer()).toString());
      await refusals(note, [
        async () => fs.openAsBlob('none'),
        async () => fs.openAsBlob('none/x'),
        async () => fs.openAsBlob(5 as unknown as string),
        async () => fs.openAsBlob('a\0b'),
        async () => fs.openAsBlob(FILE, null as unknown as object),
        async () => fs.openAsBlob(FILE, { type: 5 as unknown as string }),
      ]);
    },
  },
  {
    title: 'readLines and readableWebStream give the content',
    async run(fs, note) {
      fs.writeFileSync('lines', 'one\ntwo\r\nthree');
      const handle = await fs.promises.open('lines');
      const lines: string[] = [];
      for await (const line of handle.readLines()) lines.push(line);
      note(lines, handle.fd);
      for (const options of [undefined, { type: 'bytes' }] as const) {
        const other = await fs.promises.open('lines');
        const chunks: unknown[] = [];
        const stream = other.readableWebStream(options);
        for await (const chunk of stream) {
          const kind = Object.prototype.toString.call(chunk);
          chunks.push(kind, Buffer.from(chunk as ArrayBuffer).toString());
        }
        note(chunks);
        await refusals(note, [async () => other.readableWebStream()]);
        await other.close();
        await refusals(note, [async () => other.readableWebStream()]);
      }
    },
  },
  {
    title: 'read streams obey start, end, highWaterMark and encoding',
    async run(fs, note) {
      for (const options of [
        undefined,
        'utf8',
        { start: 2 },
        { end: 3 },
        { start: 2, end: 5, encoding: 'hex' },
        { highWaterMark: 3 },
        { start: 100 },
        { flags: 'r+' },
        { emitClose: false },
      ] as const) {
        const stream = fs.createReadStream(FILE, options);
        const events: string[] = [];
        for (const name of ['open', 'ready', 'end', 'close']) stream.on(name, () => events.push(name));
        const chunks: unknown[] = [];
        for await (const chunk of stream) chunks.push(chunk);
        await new Promise(setImmediate);
        await new Promise((resolve) => setTimeout(resolve, 10));
        note(options, chunks, stream.bytesRead, stream.path, events, stream.pending);
      }
    },
  },
  {
    title: 'read streams report errors',
    async run(fs, note) {
      for (const path of ['none', '.', 'none/x']) {
        const stream = fs.createReadStream(path);
        await refusals(note, [() => finished(stream.resume())]);
      }
      await refusals(note, [
        async () => fs.createReadStream(5 as unknown as string),
        async () => fs.createReadStream('a\0b'),
        async () => fs.createReadStream(FILE, { start: 5, end: 2 }),
        async () => fs.createReadStream(FILE, { start: -1 }),
        async () => fs.createReadStream(FILE, { fd: {} as unknown as number }),
        async () => fs.createWriteStream('new', { start: 'x' as unknown as number }),
      ]);
      const signal = AbortSignal.abort();
      await refusals(note, [() => finished(fs.createReadStream(FILE, { signal }))]);
    },
  },
  {
    title: 'write streams write, append and overwrite',
    async run(fs, note) {
      const write = async (
        path: string,
        options: object | undefined,
        ...pieces: (string | Buffer)[]
      ): Promise<void> => {
        const stream = fs.createWriteStream(path, options);
        for (const piece of pieces) stream.write(piece);
        stream.end();
        await finished(stream);
        note(path, options, stream.bytesWritten, fs.readFileSync(path, 'utf8'));
      };
      await write('new', undefined, 'one ', Buffer.from('two '), 'three');
      await write('new', { flags: 'a' }, ' four');
      await write('new', { flags: 'r+', start: 4 }, 'TWO');
      await write('new', { encoding: 'latin1' }, 'é');
      await write('mode', { mode: 0o600, flush: true }, 'x');
      note(fs.statSync('mode').mode);
      await refusals(note, [
        () => finished(fs.createWriteStream('none/x').end('x')),
        () => finished(fs.createWriteStream('new', { flags: 'wx' }).end('x')),
      ]);
    },
  },
  {
    title: 'streams work on descriptors and handles, and close them',
    async run(fs, note) {
      const fd = fs.openSync(FILE, 'r');
      const stream = fs.createReadStream('', { fd, autoClose: false, end: 2 });
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      note(Buffer.concat(chunks).toString(), fs.fstatSync(fd).size);
      fs.closeSync(fd);

      const handle = await fs.promises.open(FILE, 'r');
      const closing = new Promise<void>((resolve) => {
        onClose(handle, resolve);
      });
      const piece: Buffer[] = [];
      for await (const chunk of handle.createReadStream({ start: 1, end: 4 })) piece.push(chunk as Buffer);
      await closing;
      note(Buffer.concat(piece).toString(), handle.fd);

      const target = await fs.promises.open('out', 'w');
      const out = fs.createWriteStream('', { fd: target });
      out.end('through a handle');
      await finished(out);
      note(fs.readFileSync('out', 'utf8'), target.fd);
    },
  },
  {
    title: 'an open directory gives its entries once',
    async run(fs, note) {
      fs.mkdirSync('d/s', { recursive: true });
      fs.writeFileSync('d/f', '');
      const names: string[] = [];
      for await (const entry of await fs.promises.opendir('d'))
        names.push(`${entry.name} ${entry.parentPath} ${entry.isFile()}`);
      note(names.sort());
      const dir = fs.opendirSync('d');
      note(dir.path, new Set([dir.readSync()?.name, dir.readSync()?.name]).has('f'), dir.readSync(), dir.readSync());
      dir.closeSync();
      await refusals(note, [
        async () => dir.readSync(),
        async () => dir.closeSync(),
        () => dir.close(),
        async () => dir.read(),
      ]);
      const recursive: string[] = [];
      for await (const entry of await fs.promises.opendir('.', { recursive: true })) recursive.push(entry.name);
      note(recursive.sort());
      const other = await fs.promises.opendir('d');
      const all = new Set([(await other.read())?.name, (await other.read())?.name]);
      note(all.has('s'), all.size, await other.read());
      await other.close();
    },
  },
];

/** The declared type of a handle leaves out that it is an emitter. */
function onClose(handle: unknown, listener: () => void): void {
  (handle as EventEmitter).on('close', listener);
}

async function refusals(note: (...facts: unknown[]) => void, calls: (() => Promise<unknown>)[]): Promise<void> {
  for (const [index, call] of calls.entries()) {
    try {
      const value = await call();
      note(index, 'no error', typeof value);
    } catch (error) {
      const { name, message, code, errno, syscall, path } = error as NodeJS.ErrnoException;
      note(index, { name, message, code, errno, syscall, path });
    }
  }
}

async function notesOf(fs: AnyFs, program: Program): Promise<unknown[]> {
  const notes: unknown[] = [];
  fs.writeFileSync(FILE, 'hello world');
  await program.run(fs, (...facts) => {
    // Results of Node's handles have no prototype; ours are plain objects.
    const text = facts.map((fact) => inspect(fact, { depth: 5, maxArrayLength: 50, breakLength: Infinity })).join(' ');
    notes.push(text.replaceAll('[Object: null prototype] ', ''));
  });
  return notes;
}

const home = process.cwd();
let folder = '';
beforeAll(() => {
  folder = nodeFs.mkdtempSync(join(tmpdir(), 'overlog-node-fs-'));
});
afterAll(() => {
  process.chdir(home);
  nodeFs.rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(process.getuid?.() !== 0)('handles, streams and directories answer as those of node:fs do', () => {
  PROGRAMS.forEach((program, index) => {
    test(program.title, async () => {
      const root = join(folder, String(index));
      nodeFs.mkdirSync(root);
      process.chdir(root);
      const theirs = await notesOf(nodeFs, program);
      const ours = await notesOf(openMemoryFs().fs as unknown as AnyFs, program);
      expect(ours).toEqual(theirs);
    });
  });
});
