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
