import * as nodeFs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openMemoryFs } from '../unit/engine/fs/memory-fs.ts';
import type { AnyFs } from './node-fs-cases.ts';

/** What watchers tell of a list of calls: inotify through node:fs on the one side, the engine's commits on the other. */
interface Watching {
  readonly title: string;
  readonly watched: string;
  readonly act: (fs: AnyFs) => void;
}

const WATCHINGS: readonly Watching[] = [
  { title: 'a new file', watched: 'd', act: (fs) => fs.writeFileSync('d/new', 'x') },
  { title: 'a new empty file', watched: 'd', act: (fs) => fs.closeSync(fs.openSync('d/new', 'w')) },
  { title: 'an overwritten file', watched: 'd', act: (fs) => fs.writeFileSync('d/f', 'other') },
  { title: 'an appended file', watched: 'd', act: (fs) => fs.appendFileSync('d/f', 'more') },
  { title: 'a chmod', watched: 'd', act: (fs) => fs.chmodSync('d/f', 0o600) },
  { title: 'a chown', watched: 'd', act: (fs) => fs.chownSync('d/f', 1, 1) },
  { title: 'utimes', watched: 'd', act: (fs) => fs.utimesSync('d/f', 1, 2) },
  { title: 'a truncate', watched: 'd', act: (fs) => fs.truncateSync('d/f', 1) },
  { title: 'an unlink', watched: 'd', act: (fs) => fs.unlinkSync('d/f') },
  { title: 'a mkdir and a rmdir', watched: 'd', act: (fs) => (fs.mkdirSync('d/new'), fs.rmdirSync('d/new')) },
  { title: 'a rename within', watched: 'd', act: (fs) => fs.renameSync('d/f', 'd/g') },
  { title: 'a rename out', watched: 'd', act: (fs) => fs.renameSync('d/f', 'g') },
  { title: 'a rename in', watched: 'd', act: (fs) => fs.renameSync('f', 'd/g') },
  { title: 'a symlink', watched: 'd', act: (fs) => fs.symlinkSync('f', 'd/l') },
  { title: 'a hard link', watched: 'd', act: (fs) => fs.linkSync('f', 'd/l') },
  { title: 'what happens further down', watched: 'd', act: (fs) => fs.writeFileSync('d/s/new', 'x') },
  { title: 'the directory itself', watched: 'd', act: (fs) => fs.chmodSync('d', 0o700) },
  { title: 'a directory below it', watched: 'd', act: (fs) => fs.chmodSync('d/s', 0o700) },
  { title: 'the directory removed', watched: 'd/s', act: (fs) => fs.rmdirSync('d/s') },
  { title: 'a watched file replaced', watched: 'f', act: (fs) => fs.renameSync('d/f', 'f') },
  { title: 'a watched tree removed', watched: 'd', act: (fs) => fs.rmSync('d', { recursive: true }) },
  { title: 'the directory renamed', watched: 'd', act: (fs) => fs.renameSync('d', 'e') },
  { title: 'something elsewhere', watched: 'd', act: (fs) => fs.writeFileSync('f', 'x') },
  { title: 'a watched file written', watched: 'f', act: (fs) => fs.appendFileSync('f', 'x') },
  { title: 'a watched file chmod-ed', watched: 'f', act: (fs) => fs.chmodSync('f', 0o600) },
  { title: 'a watched file renamed', watched: 'f', act: (fs) => fs.renameSync('f', 'g') },
  { title: 'a watched file linked', watched: 'f', act: (fs) => fs.linkSync('f', 'g') },
  { title: 'a watched file removed', watched: 'f', act: (fs) => fs.unlinkSync('f') },
  { title: 'a link that is watched leads to its file', watched: 'l', act: (fs) => fs.appendFileSync('f', 'x') },
];

const home = process.cwd();
let folder = '';
beforeAll(() => {
  folder = nodeFs.mkdtempSync(join(tmpdir(), 'overlog-node-fs-'));
});
afterAll(() => {
  process.chdir(home);
  nodeFs.rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(process.platform !== 'linux' || process.getuid?.() !== 0)('watch tells what inotify tells', () => {
  WATCHINGS.forEach((watching, index) => {
    test(watching.title, async () => {
      const root = join(folder, String(index));
      nodeFs.mkdirSync(root);
      process.chdir(root);
      const theirs = await eventsOf(nodeFs, watching);
      const ours = await eventsOf(openMemoryFs().fs as unknown as AnyFs, watching);
      expect(ours).toEqual(theirs);
    });
  });
});

/** Several of one kind in a row count once: the kernel joins them, as far as they are still in its queue. */
async function eventsOf(fs: AnyFs, { watched, act }: Watching): Promise<string[]> {
  fs.mkdirSync('d/s', { recursive: true });
  fs.writeFileSync('d/f', 'content');
  fs.writeFileSync('f', 'content');
  fs.symlinkSync('f', 'l');
  const events: string[] = [];
  const watcher = fs.watch(watched, (type, filename) => {
    const event = `${type} ${filename}`;
    if (events.at(-1) !== event) events.push(event);
  });
  await new Promise((resolve) => setTimeout(resolve, 15));
  act(fs);
  await new Promise((resolve) => setTimeout(resolve, 40));
  const closed = new Promise((resolve) => watcher.once('close', resolve));
  watcher.close();
  await closed;
  return events;
}

test('a path that is not there is refused in the same words', () => {
  process.chdir(folder);
  const refusal = (fs: AnyFs): unknown => {
    try {
      fs.watch('none');
      return null;
    } catch (error) {
      const { message, code, errno, syscall, path, filename } = error as NodeJS.ErrnoException & { filename: string };
      return { message, code, errno, syscall, path, filename };
    }
  };
  expect(refusal(openMemoryFs().fs as unknown as AnyFs)).toEqual(refusal(nodeFs));
});

const INTERVAL_MS = 20;
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10 * INTERVAL_MS));

test.skipIf(process.getuid?.() !== 0)(
  'watchFile tells what stat said before and says now, as polling does',
  async () => {
    const told = async (fs: AnyFs): Promise<unknown[]> => {
      const notes: unknown[] = [];
      const shown = ({ size, mode, nlink, ino, mtimeMs }: nodeFs.Stats): unknown[] => [
        size,
        mode,
        nlink,
        ino === 0,
        mtimeMs === 0,
      ];
      const note = (now: nodeFs.Stats, before: nodeFs.Stats): unknown => notes.push([...shown(now), ...shown(before)]);
      const silent = (): void => void notes.push('told though it was taken away');
      const watcher = fs.watchFile('w', { interval: INTERVAL_MS }, note);
      fs.watchFile('w', { interval: INTERVAL_MS }, silent);
      fs.unwatchFile('w', silent);
      watcher.once('stop', () => notes.push('stop'));
      await settled();
      const steps = [
        // Polling looks from another thread: what it sees has to come about in one step.
        () => (fs.writeFileSync('new', 'new'), fs.renameSync('new', 'w')),
        () => fs.appendFileSync('w', ' and more'),
        () => fs.chmodSync('w', 0o600),
        () => fs.linkSync('w', 'other'),
        () => fs.writeFileSync('elsewhere', 'x'),
        () => fs.unlinkSync('w'),
        () => fs.renameSync('other', 'w'),
      ];
      for (const step of steps) {
        notes.push(step.toString());
        step();
        await settled();
      }
      fs.unwatchFile('w');
      fs.writeFileSync('w', 'nobody looks');
      await settled();
      for (const wrong of [() => fs.watchFile('w', 5 as never), () => fs.watchFile(5 as never, () => {})])
        try {
          wrong();
        } catch (error) {
          notes.push([(error as Error).name, (error as Error).message]);
        }
      return notes;
    };
    const root = join(folder, 'watch-file');
    nodeFs.mkdirSync(root);
    process.chdir(root);
    const theirs = await told(nodeFs);
    expect(await told(openMemoryFs().fs as unknown as AnyFs)).toEqual(theirs);
  },
  30_000,
);

test('promises.watch gives events until its signal is aborted', async () => {
  const told = async (fs: AnyFs): Promise<unknown[]> => {
    fs.mkdirSync('p');
    const notes: unknown[] = [];
    const controller = new AbortController();
    const watching = (async () => {
      for await (const { eventType, filename } of fs.promises.watch('p', { signal: controller.signal })) {
        notes.push(`${eventType} ${String(filename)}`);
      }
    })().catch((error: NodeJS.ErrnoException) => notes.push([error.name, error.code, error.message]));
    await settled();
    fs.mkdirSync('p/d');
    await settled();
    fs.rmdirSync('p/d');
    await settled();
    controller.abort();
    await watching;
    const aborted = fs.promises.watch('p', { signal: controller.signal });
    await (async () => {
      for await (const each of aborted) notes.push(each);
    })().catch((error: NodeJS.ErrnoException) => notes.push([error.name, error.code]));
    return notes;
  };
  const root = join(folder, 'promises-watch');
  nodeFs.mkdirSync(root);
  process.chdir(root);
  const theirs = await told(nodeFs);
  expect(theirs).toContainEqual('rename d');
  expect(await told(openMemoryFs().fs as unknown as AnyFs)).toEqual(theirs);
}, 30_000);
