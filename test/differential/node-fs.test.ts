import * as nodeFs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openMemoryFs } from '../unit/engine/fs/memory-fs.ts';
import { type AnyFs, buildTree, type Case, CASES, type Form } from './node-fs-cases.ts';

/**
 * The same table of calls on node:fs in a temporary folder and on the façade over an empty container: results, errors
 * and the tree afterwards must be the same.
 */
const home = process.cwd();
let folder = '';
let runs = 0;

beforeAll(() => {
  folder = nodeFs.realpathSync(nodeFs.mkdtempSync(join(tmpdir(), 'overlog-node-fs-')));
});
afterAll(() => {
  process.chdir(home);
  nodeFs.rmSync(folder, { recursive: true, force: true });
});

const isRoot = process.getuid?.() === 0;

describe.skipIf(!isRoot)('the façade answers as node:fs does', () => {
  const groups = new Map<string, Case[]>();
  for (const each of CASES) {
    const list = groups.get(each.call) ?? [];
    list.push(each);
    groups.set(each.call, list);
  }
  for (const [call, cases] of groups) {
    describe(call, () => {
      cases.forEach((each, index) => {
        test(`${index}: ${titleOf(each)}`, async () => {
          for (const form of ['sync', 'callback', 'promise'] as const) {
            if (each.skip?.includes(form)) continue;
            const theirs = await onNode(each, form);
            if (theirs === null) continue;
            const ours = await onOverlog(each, form);
            expect({ form, ...ours }).toEqual({ form, ...theirs });
          }
        });
      });
    });
  }
});

function titleOf({ call, args, title }: Case): string {
  if (title !== undefined) return title;
  const list = typeof args === 'function' ? ['…'] : args.map((each) => inspect(each, { breakLength: Infinity }));
  const text = `${call}(${list.join(', ')})`;
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

interface Answer {
  readonly outcome: unknown;
  readonly tree: unknown;
}

async function onNode(each: Case, form: Form): Promise<Answer | null> {
  const root = join(folder, String(++runs));
  nodeFs.mkdirSync(root);
  nodeFs.chmodSync(folder, 0o755);
  process.chdir(root);
  buildTree(nodeFs);
  const outcome = await outcomeOf(nodeFs, each, form, root);
  const tree = outcome === null ? null : treeOf(nodeFs, Buffer.from('.'), root);
  process.chdir(folder);
  nodeFs.rmSync(root, { recursive: true, force: true });
  return outcome === null ? null : { outcome, tree };
}

/** Below a directory of the same depth, so that `..` and `/` mean the same as far as the cases go. */
async function onOverlog(each: Case, form: Form): Promise<Answer> {
  const { fs, caller } = openMemoryFs();
  fs.mkdirSync('/tmp');
  fs.mkdirSync('/tmp/root');
  const ino = fs.statSync('/tmp/root').ino;
  caller.cwd = { mount: caller.namespace.root, ino };
  const like = fs as unknown as AnyFs;
  buildTree(like);
  const outcome = await outcomeOf(like, each, form, '/tmp/root');
  return { outcome, tree: treeOf(like, Buffer.from('.'), '/tmp/root') };
}

/** Null: this `fs` does not have the form. */
async function outcomeOf(fs: AnyFs, each: Case, form: Form, root: string): Promise<unknown> {
  const given = typeof each.args === 'function' ? each.args(fs) : each.args;
  const args = given.map((arg) =>
    typeof arg === 'string' ? arg.replace('{root}', root) : arg instanceof Uint8Array ? new Uint8Array(arg) : arg,
  );
  given.forEach((arg, index) => {
    if (Buffer.isBuffer(arg)) args[index] = Buffer.from(arg);
    else if (Array.isArray(arg))
      args[index] = arg.map((part: unknown) => (Buffer.isBuffer(part) ? Buffer.from(part) : part));
  });
  const shown = (value: unknown): unknown => show(fs, value, root, args);
  if (form === 'sync') {
    const call = (fs as unknown as Record<string, (...args: unknown[]) => unknown>)[`${each.call}Sync`];
    try {
      return { result: shown(call(...args)), buffers: buffersOf(args) };
    } catch (error) {
      return { error: shown(error) };
    }
  }
  if (form === 'callback') {
    const call = (fs as unknown as Record<string, (...args: unknown[]) => unknown>)[each.call];
    let thrown = true;
    try {
      const outcome = await new Promise((resolve, reject) => {
        const last =
          each.call === 'exists'
            ? (value: unknown) => resolve({ result: value })
            : (error: Error | null, result: unknown) => (error ? reject(error) : resolve({ result: shown(result) }));
        call(...args, last);
        thrown = false;
      });
      return { ...(outcome as object), buffers: buffersOf(args) };
    } catch (error) {
      return { thrown, error: shown(error) };
    }
  }
  const call = (fs.promises as unknown as Record<string, ((...args: unknown[]) => Promise<unknown>) | undefined>)[
    each.call
  ];
  if (call === undefined) return null;
  try {
    const result = await call(...args);
    if (each.call === 'open') return await openedAs(result as nodeFs.promises.FileHandle);
    return { result: shown(result), buffers: buffersOf(args) };
  } catch (error) {
    return { error: shown(error) };
  }
}

/** A handle is told by what it gives, and closed, or the collector would complain. */
async function openedAs(handle: nodeFs.promises.FileHandle): Promise<unknown> {
  const isDirectory = (await handle.stat()).isDirectory();
  const fd = typeof handle.fd;
  await handle.close();
  return { fd, isDirectory, closed: handle.fd };
}

const buffersOf = (args: readonly unknown[]): string[] =>
  args.flat().flatMap((arg) => (Buffer.isBuffer(arg) ? [arg.toString('hex')] : []));

function show(fs: AnyFs, value: unknown, root: string, args: readonly unknown[]): unknown {
  const text = (from: string): string => from.replaceAll(root, '{root}');
  if (typeof value === 'string') return text(value);
  if (Buffer.isBuffer(value)) return `hex ${text(value.toString('latin1'))}`;
  if (value instanceof Error) {
    const { name, message, code, errno, syscall, path, dest } = value as NodeJS.ErrnoException & { dest?: string };
    const withPaths = {
      path: path === undefined ? undefined : text(path),
      dest: dest === undefined ? undefined : text(dest),
    };
    return { name, message: text(message), code, errno, syscall, ...withPaths };
  }
  if (Array.isArray(value)) {
    return value.map((each) => show(fs, each, root, args)).sort((a, b) => (inspect(a) < inspect(b) ? -1 : 1));
  }
  if (value instanceof fs.Dirent) {
    return {
      name: show(fs, value.name, root, args),
      parentPath: show(fs, value.parentPath, root, args),
      kind: kindOf(value),
    };
  }
  if (typeof value === 'object' && value !== null && 'isFIFO' in value) {
    const stats = value as nodeFs.Stats;
    const isDirectory = stats.isDirectory();
    return {
      mode: stats.mode,
      kind: kindOf(stats),
      // A directory's size is the file system's own affair, and so is the root of all.
      size: isDirectory ? 0 : stats.size,
      nlink: isDirectory ? 0 : stats.nlink,
      uid: stats.uid,
      gid: stats.gid,
      type: typeof stats.mtimeMs,
      mtimeMs: stats.isFile() && stats.mtimeMs < 1.5e12 ? stats.mtimeMs : 'now',
      mtime: stats.isFile() && stats.mtime.getTime() < 1.5e12 ? stats.mtime.toISOString() : 'now',
    };
  }
  // A descriptor: the number depends on what else is open.
  if (typeof value === 'number' && args.length > 0 && typeof args[0] !== 'number') return 'fd';
  if (value instanceof fs.Dir) return text(`Dir ${value.path}`);
  return value;
}

function kindOf(value: nodeFs.Stats | nodeFs.Dirent): string {
  if (value.isFile()) return 'file';
  if (value.isDirectory()) return 'dir';
  if (value.isSymbolicLink()) return 'symlink';
  return value.isFIFO() ? 'fifo' : 'other';
}

/** Everything below a directory that a user can see and that does not depend on the clock. */
function treeOf(fs: AnyFs, directory: Buffer, root: string): Record<string, unknown> {
  const tree: Record<string, unknown> = {};
  for (const name of fs.readdirSync(directory, 'buffer').sort((a, b) => a.compare(b))) {
    const path = Buffer.concat([directory, Buffer.from('/'), name]);
    const stats = fs.lstatSync(path);
    const mode = `0${(stats.mode & 0o7777).toString(8)} ${stats.uid}:${stats.gid}`;
    const times = stats.mtimeMs < 1.5e12 ? `${stats.atimeMs} ${stats.mtimeMs}` : 'now';
    const entry: Record<string, unknown> = { mode };
    if (stats.isDirectory()) entry.entries = treeOf(fs, path, root);
    else if (stats.isSymbolicLink())
      Object.assign(entry, { times, target: fs.readlinkSync(path).replace(root, '{root}') });
    else {
      // Reading may set the atime on a disk.
      const content = fs.readFileSync(path);
      const { nlink, mtimeMs } = stats;
      const head = content.subarray(0, 64).toString('hex');
      Object.assign(entry, { nlink, mtimeMs: mtimeMs < 1.5e12 ? mtimeMs : 'now', size: content.length, head });
    }
    tree[name.toString('latin1')] = entry;
  }
  return tree;
}
