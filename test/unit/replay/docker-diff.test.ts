import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Inode } from '../../../src/projections/tree/inode.ts';
import type { Tree } from '../../../src/projections/tree/tree.ts';
import { dockerDiff, dockerDiffLine } from '../../../src/replay/docker-diff.ts';
import { play, story } from './random-story.ts';
import { POSIX, SECOND, type Shell, START_NS, Workbench } from './workbench.ts';

const LAYERS = [
  {
    'app/': '',
    'app/data/': '',
    'app/data/seed.db': 'd'.repeat(100),
    'app/server': 'server v1\n',
    'etc/': '',
    'etc/app.conf': 'port=80\n',
    'etc/dir/': '',
    'etc/dir/a': 'a',
    'etc/link': '->app.conf',
    'tmp/': '',
  },
];

function diffOf(run: (shell: Shell) => void, profile?: typeof POSIX): string[] {
  const bench = new Workbench();
  const shell = bench.container('c1', bench.image('story:1', LAYERS), profile);
  run(shell);
  return dockerDiff(shell.overlay).map(dockerDiffLine);
}

describe('docker diff', () => {
  test('lists nothing for a fresh container', () => {
    expect(diffOf(() => {})).toEqual([]);
  });

  test('lists a removed file and its directories (SEM-2.1)', () => {
    expect(diffOf((shell) => shell.unlink('/app/data/seed.db'))).toEqual([
      'C /app',
      'C /app/data',
      'D /app/data/seed.db',
    ]);
  });

  test('lists what c1 of the story did', () => {
    const run = (shell: Shell): void => {
      shell.append('/app/data/seed.db', 'x').write('/tmp/report.bin', '0').mkdir('/app/new');
      shell.link('/app/server', '/app/server-hard').rename('/app/server', '/app/server2');
    };
    expect(diffOf(run)).toEqual([
      'C /app',
      'C /app/data',
      'C /app/data/seed.db',
      'A /app/new',
      'D /app/server',
      'A /app/server-hard',
      'A /app/server2',
      'C /tmp',
      'A /tmp/report.bin',
    ]);
  });

  test('expands an opaque directory: each old name that was not made again is deleted', () => {
    const run = (shell: Shell): void => {
      shell.removeAll('/app').mkdir('/app').write('/app/new', 'x');
    };
    expect(diffOf(run)).toEqual(['C /app', 'D /app/data', 'A /app/new', 'D /app/server']);
  });

  test('lists an added directory with all in it, a deleted one alone', () => {
    expect(diffOf((shell) => shell.mkdir('/n').mkdir('/n/m').write('/n/m/f', ''))).toEqual([
      'A /n',
      'A /n/m',
      'A /n/m/f',
    ]);
    expect(diffOf((shell) => shell.removeAll('/app'))).toEqual(['D /app']);
  });

  test('lists one C where a directory became a file, and the new entries where a file became a directory', () => {
    expect(diffOf((shell) => shell.removeAll('/app/data').write('/app/data', 'x'))).toEqual(['C /app', 'C /app/data']);
    expect(diffOf((shell) => shell.unlink('/app/server').mkdir('/app/server').write('/app/server/x', ''))).toEqual([
      'C /app',
      'C /app/server',
      'A /app/server/x',
    ]);
  });

  test('leaves out what was copied up and not changed, and its directory', () => {
    expect(diffOf((shell) => shell.touchOpen('/app/data/seed.db'))).toEqual([]);
  });

  test('does not read content: the same size and mtime is no change', () => {
    expect(diffOf((shell) => shell.write('/app/server', 'server v2\n').utimes('/app/server', START_NS))).toEqual([]);
  });

  test('compares mtimes to the second where one side has no more', () => {
    expect(diffOf((shell) => shell.utimes('/app/server', START_NS + SECOND - 1n))).toEqual([]);
    expect(diffOf((shell) => shell.utimes('/app/server', START_NS + SECOND))).toEqual(['C /app', 'C /app/server']);
    expect(diffOf((shell) => shell.utimes('/app/server', START_NS - 1n))).toEqual(['C /app', 'C /app/server']);
  });

  test('ignores mtime of directories, not their mode and owner', () => {
    expect(diffOf((shell) => shell.utimes('/app', 5n))).toEqual([]);
    expect(diffOf((shell) => shell.chmod('/app/data', 0o700))).toEqual(['C /app', 'C /app/data']);
    expect(diffOf((shell) => shell.chown('/etc', 1, 1))).toEqual(['C /etc']);
  });

  test('never lists the root', () => {
    expect(diffOf((shell) => shell.chmod('/', 0o700).write('/a', ''))).toEqual(['A /a']);
  });

  test('sees security.capability, and no other attribute', () => {
    const capability = '\u0001\0\0\u0002'.padEnd(20, '\0');
    expect(diffOf((shell) => shell.setxattr('/app/server', 'security.capability', capability))).toEqual([
      'C /app',
      'C /app/server',
    ]);
    expect(diffOf((shell) => shell.setxattr('/app/server', 'user.x', 'x'))).toEqual([]);
  });

  test('of a renamed lower directory lists the old name and all of the new (redirect_dir)', () => {
    expect(diffOf((shell) => shell.rename('/etc/dir', '/moved'), POSIX)).toEqual([
      'C /etc',
      'D /etc/dir',
      'A /moved',
      'A /moved/a',
    ]);
  });

  test('equals the naive walk of both trees', () => {
    fc.assert(
      fc.property(story, (told) => {
        const bench = play(told);
        for (const overlay of bench.world.overlays()) {
          expect(dockerDiff(overlay).map(dockerDiffLine)).toEqual(naive(overlay.lower as Tree, overlay.tree));
        }
      }),
      { numRuns: 200 },
    );
  });
});

/** Docker's addChanges, as it is written there, over whole trees. */
function naive(image: Tree, container: Tree): string[] {
  const lines: string[] = [];
  const addChanges = (path: string, there: Inode, here: Inode | null, isAdded: boolean): void => {
    const before = lines.length;
    if (here === null) lines.push(`A ${path}`);
    const old = new Map<string, Inode>();
    if (here?.dir && there.dir) here.dir.entries.forEach((name, ino) => void old.set(name, image.at(ino)));
    there.dir?.entries.forEach((name, ino) => {
      const child = container.at(ino);
      const oldChild = old.get(name) ?? null;
      let childAdded = oldChild === null;
      if (oldChild !== null && differ(oldChild, child)) {
        lines.push(`C ${path}/${name}`);
        childAdded = true;
      }
      old.delete(name);
      addChanges(`${path}/${name}`, child, oldChild, childAdded);
    });
    for (const name of old.keys()) lines.push(`D ${path}/${name}`);
    if (lines.length > before && there.dir && !isAdded && path !== '') lines.push(`C ${path}`);
  };
  addChanges('', container.at(1), image.at(1), true);
  return lines.sort((a, b) => (a.slice(2) < b.slice(2) ? -1 : 1));
}

function differ(a: Inode, b: Inode): boolean {
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid || a.rdev !== b.rdev) return true;
  if (a.dir) return false;
  const seconds = (ns: bigint): bigint => ns / SECOND;
  const isSame =
    seconds(a.mtimeNs) === seconds(b.mtimeNs) &&
    (a.mtimeNs % SECOND === 0n || b.mtimeNs % SECOND === 0n || a.mtimeNs === b.mtimeNs);
  return !isSame || a.size !== b.size;
}
