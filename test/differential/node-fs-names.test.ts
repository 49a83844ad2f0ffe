import * as nodeFs from 'node:fs';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openMemoryFs } from '../unit/engine/fs/memory-fs.ts';
import { CASES } from './node-fs-cases.ts';

/** Which names node:fs has that the façade lacks, and which calls no comparison makes. */

/** Undefined on Linux, or no part of what Node documents. */
const NOT_THERE: ReadonlySet<string> = new Set(['lchmod', 'lchmodSync', '_toUnixTimestamp']);
/** Compared by programs: node-fs-handles.test.ts, node-fs-watch.test.ts. */
const BY_PROGRAMS: ReadonlySet<string> = new Set([
  'createReadStream',
  'createWriteStream',
  'FileReadStream',
  'FileWriteStream',
  'openAsBlob',
  'ReadStream',
  'unwatchFile',
  'watch',
  'watchFile',
  'WriteStream',
  // Of what the calls give.
  'Dir',
  'Dirent',
  'Stats',
]);
/** Of FileHandle's emitter and of its passing between threads. */
const INTERNAL: ReadonlySet<string> = new Set(['constructor', 'getAsyncId']);

const isFunction = (value: unknown): boolean => typeof value === 'function';
const missingIn = (ours: object, theirs: object, names: readonly string[]): string[] =>
  names.filter((name) => typeof Reflect.get(ours, name) !== typeof Reflect.get(theirs, name));

/** Names of an object and of its prototypes below `Object`. */
function namesOf(value: object): string[] {
  const names = new Set<string>();
  for (let at = value; at !== Object.prototype && at !== null; at = Object.getPrototypeOf(at) as object)
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  return [...names].filter((name) => !name.startsWith('_') && !INTERNAL.has(name));
}

describe('the façade has all that node:fs has', () => {
  const { fs } = openMemoryFs();
  const like = fs as unknown as typeof nodeFs;
  let folder = '';
  beforeAll(() => {
    folder = nodeFs.mkdtempSync(join(tmpdir(), 'overlog-node-fs-'));
    for (const each of [like, nodeFs]) each.writeFileSync(join(each === like ? '/' : folder, 'f'), 'text');
  });
  afterAll(() => nodeFs.rmSync(folder, { recursive: true, force: true }));

  it('by name, and each call is compared in every form that it has', () => {
    const names = Object.keys(nodeFs).filter((name) => name !== 'default' && !NOT_THERE.has(name));
    expect(missingIn(like, nodeFs, names)).toEqual([]);
    const compared = new Set([...CASES.map(({ call }) => call), ...BY_PROGRAMS]);
    const calls = names
      .filter((name) => isFunction(Reflect.get(nodeFs, name)))
      .map((name) => name.replace(/Sync$/, ''));
    expect(calls.filter((name) => !compared.has(name))).toEqual([]);
  });

  it('in fs.promises', () => {
    const names = Object.keys(nodeFs.promises);
    expect(missingIn(like.promises, nodeFs.promises, names)).toEqual([]);
    const compared = new Set([...CASES.map(({ call }) => call), 'watch', 'lchmod']);
    const calls = names.filter((name) => isFunction(Reflect.get(nodeFs.promises, name)));
    expect(calls.filter((name) => !compared.has(name))).toEqual([]);
  });

  it('in constants, with the same values', () => {
    expect({ ...like.constants }).toEqual({ ...nodeFs.constants });
    expect({ ...like.promises.constants }).toEqual({ ...nodeFs.promises.constants });
  });

  it('and no class of it that reads files of the host', async () => {
    for (const make of ['ReadStream', 'FileReadStream']) {
      const Class = Reflect.get(like, make) as new (path: string) => Readable;
      await expect(finished(new Class(join(folder, 'f')).resume())).rejects.toMatchObject({ code: 'ENOENT' });
    }
  });

  it('of handles, directories, entries, numbers and streams', async () => {
    const handles = [await like.promises.open('/f'), await nodeFs.promises.open(join(folder, 'f'))];
    const directories = [like.opendirSync('/'), nodeFs.opendirSync(folder)];
    const pairs: [ours: object, theirs: object][] = [
      [handles[0], handles[1]],
      [directories[0], directories[1]],
      [like.readdirSync('/', { withFileTypes: true })[0], nodeFs.readdirSync(folder, { withFileTypes: true })[0]],
      [like.statSync('/f'), nodeFs.statSync(join(folder, 'f'))],
      [like.statSync('/f', { bigint: true }), nodeFs.statSync(join(folder, 'f'), { bigint: true })],
      [like.statfsSync('/'), nodeFs.statfsSync(folder)],
      [like.statfsSync('/', { bigint: true }), nodeFs.statfsSync(folder, { bigint: true })],
    ];
    for (const [ours, theirs] of pairs) {
      const names = namesOf(theirs).filter((name) => !['processReadResult', 'readSyncRecursive'].includes(name));
      expect(missingIn(ours, theirs, names)).toEqual([]);
    }
    for (const [index, each] of handles.entries()) {
      await each.close();
      directories[index].closeSync();
    }
  });
});
