/** The command as it is built: a few files, of which a start loads what its verb takes. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore } from '../../src/index.ts';
import { completionScript } from '../../src/cli/completion-scripts.ts';
import { VERBS } from '../../src/cli/verbs.ts';
import { builtMain, repositoryFile, runCommand, spawnCommand, temporaryDirectory } from './command.ts';

const isBuilt = existsSync(builtMain);
const title = `the built command${isBuilt ? '' : ' (skipped: there is no build: npm run build)'}`;

const folder = repositoryFile('dist/cli');
/** Files of `src/cli/` that threads begin with. */
const threads = readdirSync(repositoryFile('src/cli/mounting'))
  .filter((file) => file.endsWith('-worker.ts'))
  .map((file) => join(folder, 'mounting', file.replace(/\.ts$/, '.js')));

const asUrl = (script: string): string => `data:text/javascript,${encodeURIComponent(script)}`;

/** A module that tells a file of every module that is loaded after it. */
const TELLER = asUrl(`
  import { register } from 'node:module';
  register(${JSON.stringify(
    asUrl(`
      import { appendFileSync } from 'node:fs';
      export async function load(url, context, next) {
        appendFileSync(process.env.LOADED, url + '\\n');
        return next(url, context);
      }`),
  )});`);

interface Loaded {
  readonly files: readonly string[];
  readonly bytes: number;
  readonly exitCode: number | null;
}

/** Runs a script of the build, and tells which files Node has loaded for it. */
function load(script: string, ...argv: string[]): Loaded {
  const list = join(temporaryDirectory(), 'loaded');
  const { status } = spawnSync(process.execPath, ['--import', TELLER, script, ...argv], {
    env: { PATH: process.env['PATH'], LOADED: list },
  });
  const urls = readFileSync(list, 'utf8').split('\n');
  const files = urls.filter((url) => url.startsWith('file:')).map((url) => fileURLToPath(url));
  return { files, bytes: files.reduce((sum, file) => sum + statSync(file).size, 0), exitCode: status };
}

describe.skipIf(!isBuilt)(title, () => {
  const place = mkdtempSync(join(tmpdir(), 'overlog-e2e-'));
  const store = join(place, 'store');

  afterAll(() => rmSync(place, { recursive: true, force: true }));

  beforeAll(async () => {
    const made = await openStore(store);
    await made.containers.create({ name: 'web' });
    await made.close();
  });

  test('is what the package offers, and the threads that it starts lie with it', () => {
    const { bin } = JSON.parse(readFileSync(repositoryFile('package.json'), 'utf8')) as { bin: { overlog: string } };
    expect(repositoryFile(bin.overlog)).toBe(builtMain);
    expect(statSync(builtMain).mode & 0o111).toBe(0o111);
    expect(threads).toHaveLength(2);
    for (const file of threads) expect(statSync(file).isFile()).toBe(true);
  });

  test.each([[['--help']], [['help', 'mount']], [['mount', '--help']], [['--version']], [['ls', '--no-such']]])(
    '%j takes two files',
    (argv) => {
      const { files, bytes } = load(builtMain, ...argv);
      expect(files.length).toBeLessThanOrEqual(2);
      expect(bytes).toBeLessThan(250_000);
    },
  );

  test.each([
    [['log']],
    [['ls', 'web:/']],
    [['ps', '-a']],
    [['diff', 'web']],
    [['volume', 'create', 'data']],
    [['mounts']],
  ])('%j takes no more than twenty files, all of the bundle', (argv) => {
    const { files, bytes, exitCode } = load(builtMain, ...argv, '--store', store);
    expect(exitCode).toBe(0);
    expect(files.length).toBeLessThanOrEqual(20);
    expect(bytes).toBeLessThan(1_600_000);
    expect(files.filter((file) => !file.startsWith(folder))).toStrictEqual([]);
  });

  test.each(threads.map((file) => [file.slice(folder.length + 1), file]))(
    '%s takes no more than twelve files, all of the bundle',
    (_, file) => {
      const { files, exitCode } = load(file);
      expect(exitCode).toBe(0);
      expect(files.length).toBeLessThanOrEqual(12);
      expect(files.filter((each) => !each.startsWith(folder))).toStrictEqual([]);
    },
  );

  test('has the verbs of the sources, with all that is told of them', async () => {
    expect(spawnCommand('.', ['help'])).toStrictEqual(await runCommand(['help']));
    for (const shell of ['bash', 'zsh', 'fish'] as const) {
      expect(spawnCommand('.', ['completion', shell]).stdout).toBe(completionScript(shell, VERBS));
    }
  });

  test('tells places in the sources to who asks for them', () => {
    const env = { NODE_OPTIONS: '--enable-source-maps', OVERLOG_DEBUG: '1' };
    const { stderr } = spawnCommand(temporaryDirectory(), ['log'], { env });
    expect(stderr).toMatch(/src\/cli\/context\.ts:\d+/);
    expect(stderr).toMatch(/src\/cli\/verbs\/log\.ts:\d+/);
  });

  test('brings the licences of the packages that are in it', () => {
    const manifest = JSON.parse(readFileSync(repositoryFile('package.json'), 'utf8')) as {
      dependencies: Readonly<Record<string, string>>;
    };
    const text = readFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
    for (const [name, version] of Object.entries(manifest.dependencies)) expect(text).toContain(`${name} ${version} (`);
    expect(text.match(/Permission is hereby granted/g)?.length).toBeGreaterThanOrEqual(5);
  });
});
