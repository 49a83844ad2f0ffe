/** Each verb that changes a store, given by another process while a container is mounted: it has its effect, or is refused in a sentence. */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { builtMain, type CommandResult, spawnCommand } from '../e2e/command.ts';
import { type Mounted, mountedContainer, noMount } from './mounted.ts';

const reason = noMount ?? (existsSync(builtMain) ? null : 'there is no build: npm run build');
const title = `verbs while a container is mounted${reason === null ? '' : ` (skipped: ${reason})`}`;

/** A verb, and what is so afterwards. */
interface Row {
  readonly verb: string;
  /** Default: it says nothing on stderr and ends with 0. */
  readonly refusal?: RegExp;
  /** On stderr, of one that is not refused. */
  readonly says?: RegExp;
  /** Another verb, and what its output has. */
  readonly so?: readonly [verb: string, output: RegExp];
  /** What the mount has in /file. */
  readonly file?: string;
}

const STATE = 'ps -a --format {name}:{state}';

const LIFE: readonly Row[] = [
  { verb: 'start web', so: [STATE, /^web:running$/m] },
  { verb: 'pause web', so: [STATE, /^web:paused$/m] },
  { verb: 'exec web -- true', refusal: /is paused/ },
  { verb: 'unpause web', so: [STATE, /^web:running$/m] },
  { verb: 'unpause web', refusal: /is not paused/ },
  { verb: 'restart web', so: [STATE, /^web:running$/m] },
  { verb: 'kill --signal TERM web', so: ['ps -a', /Exited \(143\)/] },
  { verb: 'kill web', refusal: /is not running/ },
  { verb: 'stop web', so: [STATE, /^web:exited$/m] },
  { verb: 'exec web -- true', refusal: /is not running/ },
  { verb: 'rename nobody other', refusal: /there is no container "nobody"/ },
  { verb: 'rename web site', so: ['mounts', /^site /m] },
];

const OTHERS: readonly Row[] = [
  { verb: 'create --name other base:1', so: [STATE, /^other:created$/m] },
  { verb: 'rename web other', refusal: /already in use/ },
  { verb: 'rm other', so: [STATE, /^web:\w+\n$/] },
  { verb: 'volume create data', so: ['volume ls', /^data /m] },
  { verb: 'volume rm data', so: ['volume ls', /^VOLUME NAME.*\n$/] },
  { verb: 'volume rm data', refusal: /there is no volume "data"/ },
  { verb: 'commit web made:1', so: ['images', /^made +1 /m] },
  { verb: 'tag made:1 also:2', so: ['images', /^also +2 /m] },
  { verb: 'rmi also:2', so: ['images', /^made +1 /m] },
  { verb: 'rmi base:1', refusal: /must force/ },
  { verb: 'quota web --size 1m', so: ['quota web --bytes', /of 1048576$/m] },
  { verb: 'quota web --size none', so: ['quota web', /^size .* of any$/m] },
  { verb: 'create --name shop --label com.docker.compose.project=shop base:1', so: [STATE, /^shop:created$/m] },
  { verb: 'down shop', says: /^removed 1 container/, so: [STATE, /^web:\w+\n$/] },
];

const HISTORY: readonly Row[] = [
  { verb: 'label then', so: ['log', /label then/], file: 'one' },
  { verb: 'fork web --as copy', so: ['cat copy:/file', /^two$/], file: 'two' },
  { verb: 'rewind web then', says: /^web is as it was/, so: ['cat web:/file', /^one$/], file: 'one' },
  { verb: 'rewind web nowhere', refusal: /nowhere/, file: 'one' },
  { verb: 'undelete web:/gone', says: /is as it was/, so: ['cat web:/gone', /^gone$/], file: 'one' },
  { verb: 'rm copy', so: [STATE, /^web:\w+\n$/] },
  { verb: 'rm web', so: [STATE, /^$/] },
];

/** Those that name files of the host or work on the whole store. */
const REFUSED: readonly string[] = ['load LOWER --tag x:1', 'cp LOWER/l web:/l2', 'retain now', 'init'];

/** A mount with an image, whose verbs may have a program behind `--`. */
async function mounted(): Promise<Mounted & { readonly image: string }> {
  const image = mkdtempSync(join(tmpdir(), 'overlog-image-'));
  onTestFinished(() => rmSync(image, { recursive: true, force: true }));
  writeFileSync(join(image, 'l'), 'lower');
  const made = await mountedContainer({ image });
  const env = { OVERLOG_STORE: made.store };
  const run = (...argv: string[]): Promise<CommandResult> =>
    argv.includes('--') ? Promise.resolve(spawnCommand(image, argv, { env })) : made.run(...argv);
  return { ...made, run, image };
}

async function play({ run, directory }: Mounted, rows: readonly Row[], before: (row: Row) => void): Promise<void> {
  for (const row of rows) {
    before(row);
    const told: CommandResult = await run(...row.verb.split(' '));
    const { verb, refusal, says = /^$/, so, file } = row;
    if (refusal === undefined) {
      expect({ verb, ...told }).toMatchObject({ verb, exitCode: 0, stderr: expect.stringMatching(says) });
    } else {
      expect({ verb, ...told }).toMatchObject({ verb, stderr: expect.stringMatching(refusal) });
      expect({ verb, lines: told.stderr.trimEnd().split('\n').length }).toEqual({ verb, lines: 1 });
      expect({ verb, isFine: told.exitCode === 0 }).toEqual({ verb, isFine: false });
    }
    if (so !== undefined) {
      const { stdout } = await run(...so[0].split(' '));
      expect({ verb, stdout }).toEqual({ verb, stdout: expect.stringMatching(so[1]) });
    }
    if (file !== undefined)
      expect({ verb, file: readFileSync(join(directory, 'file'), 'utf8') }).toEqual({ verb, file });
  }
}

describe.skipIf(reason !== null)(title, { timeout: 300_000 }, () => {
  test.each([
    ['the life of the mounted container', LIFE],
    ['other containers, images, volumes and the quota', OTHERS],
  ])('%s', async (_, rows) => {
    const made = await mounted();
    writeFileSync(join(made.directory, 'file'), 'one');
    await play(made, rows, () => {});
    expect(readFileSync(join(made.directory, 'file'), 'utf8')).toBe('one');
  });

  test('moments: label, fork, rewind, undelete, and the removal of what is mounted', async () => {
    const made = await mounted();
    const at = (name: string): string => join(made.directory, name);
    writeFileSync(at('file'), 'one');
    await play(made, HISTORY, ({ verb }) => {
      if (verb.startsWith('fork')) writeFileSync(at('file'), 'two');
      if (verb.startsWith('undelete')) {
        writeFileSync(at('gone'), 'gone');
        rmSync(at('gone'));
      }
    });
    expect(() => mkdirSync(at('new'))).toThrow(expect.objectContaining({ errno: -116 }));
  });

  test('a rename is known to exec and to umount', async () => {
    const made = await mounted();
    await play(made, [{ verb: 'start web' }, { verb: 'rename web site' }], () => {});
    // There is no program in the image: that it was looked for in the mount says that this was found.
    expect((await made.run('exec', 'site', '--', 'true')).exitCode).toBe(127);
    expect((await made.run('umount', made.directory)).exitCode).toBe(0);
    expect((await made.run('mounts', '--json')).stdout.trim()).toBe('[]');
  });

  test.each(REFUSED)('%s is refused with where it is mounted and what to do', async (verb) => {
    const { run, directory, image } = await mounted();
    const argv = verb.replace('LOWER', image).split(' ');
    const { exitCode, stderr } = await run(...argv);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`web is mounted at ${directory}; overlog umount that first`);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});
