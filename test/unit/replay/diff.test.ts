import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Tree } from '../../../src/projections/tree/tree.ts';
import { diffByPath } from '../../../src/replay/diff-by-path.ts';
import { changedAspects } from '../../../src/replay/diff-nodes.ts';
import { diffStat, diffTrees, diffWorlds, imageSide } from '../../../src/replay/diff.ts';
import type { DiffSide, TreeChange } from '../../../src/replay/tree-change.ts';
import { play, story } from './random-story.ts';
import { POSIX, type Shell, Workbench } from './workbench.ts';

/** Paths of a tree and their nodes' numbers, by walking. */
function walk(tree: Tree, ino = 1, path = '/', into = new Map<string, number>()): Map<string, number> {
  into.set(path, ino);
  tree.at(ino).dir?.entries.forEach((name, child) => {
    walk(tree, child, path === '/' ? `/${name}` : `${path}/${name}`, into);
  });
  return into;
}

/** Checks a diff against both trees, by the meaning that diff.ts gives to a list of changes. */
function expectExact(before: DiffSide, after: DiffSide, changes: readonly TreeChange[], bench: Workbench): void {
  const first = walk(before.tree);
  const second = walk(after.tree);
  const gone = new Set(changes.filter(({ change }) => change === 'Removed').map(({ path }) => path));
  const moved = new Map(changes.filter(({ from }) => from !== null).map(({ from, path }) => [from as string, path]));
  const added = new Set(changes.filter(({ change }) => change === 'Added').map(({ path }) => path));
  const what = new Map(
    changes
      .filter(({ change }) => change === 'Modified' || change === 'Renamed')
      .map((entry) => [entry.path, entry.what]),
  );
  expect(new Set(changes.map(({ change, path }) => `${change === 'Removed' ? '-' : '+'}${path}`)).size).toBe(
    changes.length,
  );

  const places = new Map<string, string>();
  const explained = new Set(added);
  for (const path of [...first.keys()].sort()) {
    if (gone.has(path)) continue;
    const slash = path.lastIndexOf('/');
    const parent = slash === 0 ? '/' : path.slice(0, slash);
    const target =
      path === '/' ? '/' : (moved.get(path) ?? `${places.get(parent)}/${path.slice(slash + 1)}`.replace('//', '/'));
    places.set(path, target);
    expect(explained.has(target), `${target} is explained once`).toBe(false);
    explained.add(target);
    const here = before.tree.at(first.get(path) as number);
    const there = after.tree.at(second.get(target) as number);
    expect(what.get(target) ?? [], `${path} -> ${target}`).toEqual(changedAspects(here, there, bench.log.chunks));
  }
  expect([...explained].sort()).toEqual([...second.keys()].sort());
  for (const path of gone) expect(first.has(path)).toBe(true);
  for (const path of moved.keys()) expect(first.has(path)).toBe(true);
  expect([...what].every(([path, aspects]) => aspects.length > 0 || [...moved.values()].includes(path))).toBe(true);
}

describe('the diff of related trees', () => {
  test('explains every path of both trees, for two moments of a container', () => {
    fc.assert(
      fc.property(story, fc.nat(1000), fc.nat(1000), (told, share, otherShare) => {
        const bench = play(told);
        const { head } = bench.log;
        const first = bench.time.worldAt(Math.floor((head * share) / 1000));
        const second = bench.time.worldAt(Math.floor((head * otherShare) / 1000));
        for (const { subject } of second.overlays()) {
          const [here, there] = [first.overlay(subject), second.overlay(subject)];
          if (here && there) expectExact(here, there, diffTrees(here, there, bench.log.chunks), bench);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('explains every path of both trees, for containers, forks and their image', () => {
    fc.assert(
      fc.property(story, (told) => {
        const bench = play(told);
        const sides: DiffSide[] = [...bench.world.overlays()];
        sides.push(imageSide(sides[0].lower as Tree));
        for (const here of sides)
          for (const there of sides) expectExact(here, there, diffTrees(here, there, bench.log.chunks), bench);
      }),
      { numRuns: 80 },
    );
  });

  test('looks for the names of nodes with several in one walk', () => {
    const bench = new Workbench();
    const shell = bench.container('c1', bench.image('a:1', [{ f: 'x' }]));
    for (let file = 0; file < 100; file++) shell.write(`/f${file}`, 'x').link(`/f${file}`, `/g${file}`);
    const before = bench.time.worldAt(bench.log.head);
    for (let file = 0; file < 100; file++) shell.append(`/f${file}`, 'y');
    const after = bench.time.worldAt(bench.log.head);
    const { tree } = after.overlay(shell.container) as DiffSide;
    let asked = 0;
    const get = tree.get.bind(tree);
    tree.get = (ino) => {
      asked++;
      return get(ino);
    };
    expect(diffWorlds(before, after, shell.container, bench.log.chunks)).toHaveLength(200);
    expect(asked).toBeLessThan(2000);
  });

  test('of a tree and itself is empty', () => {
    const bench = play({ steps: [['write', 0, '/b', '', 'x', 0]], isPosix: false });
    expect(diffTrees(bench.overlay(1), bench.overlay(1), bench.log.chunks)).toEqual([]);
  });
});

describe('the diff by path', () => {
  test('explains every path of both trees', () => {
    fc.assert(
      fc.property(story, (told) => {
        const bench = play(told);
        const [one, two] = [bench.overlay(1), bench.overlay(2)];
        expectExact(one, two, diffByPath(one.tree, two.tree, bench.log.chunks), bench);
      }),
      { numRuns: 100 },
    );
  });

  test('compares content by digest, and by bytes where it is cut in other places', () => {
    const bench = new Workbench();
    const text = 'x'.repeat(30_000);
    const one = bench.container('one', null).write('/f', text).write('/g', text).append('/h', 'ab');
    const two = bench.container('two', bench.image('empty', [{ d: '' }]));
    two.unlink('/d').append('/f', text.slice(0, 11_111)).append('/f', text.slice(11_111));
    two
      .write('/g', `${text.slice(1)}y`)
      .append('/h', 'a')
      .append('/h', 'b');
    two.utimes('/f', 1n).utimes('/g', 1n).utimes('/h', 1n);
    one.utimes('/f', 1n).utimes('/g', 1n).utimes('/h', 1n);
    expect(listed(one, two)).toEqual(['Modified / mtime', 'Modified /g content']);
  });
});

function listed(one: Shell, two: Shell): string[] {
  return diffTrees(one.overlay, two.overlay, one.bench.log.chunks).map((entry) =>
    [entry.change, entry.from, entry.path, entry.what.join()].filter(Boolean).join(' '),
  );
}

describe('a change', () => {
  const layers = [
    { 'app/': '', 'app/data/': '', 'app/data/seed.db': 'd'.repeat(1000), 'app/server': 'server v1\n', 'tmp/': '' },
  ];

  function changesOf(run: (shell: Shell) => void, profile?: typeof POSIX): TreeChange[] {
    const bench = new Workbench();
    const shell = bench.container('c1', bench.image('story:1', layers), profile);
    const start = bench.log.head;
    run(shell);
    return diffWorlds(bench.time.worldAt(start), bench.world, shell.container, bench.log.chunks);
  }
  const stat = (run: (shell: Shell) => void, profile?: typeof POSIX): string[] => diffStat(changesOf(run, profile));

  test('is shown as in the story', () => {
    const run = (shell: Shell): void => {
      shell.append('/app/data/seed.db', 'x').sparse('/tmp/report.bin', 1_000_000).mkdir('/app/new');
      shell.link('/app/server', '/app/server-hard').rename('/app/server', '/app/server2');
    };
    expect(stat(run)).toEqual([
      'M /app/data/seed.db\t+1',
      'A /app/new/',
      'A /app/server-hard',
      'R /app/server -> /app/server2',
      'A /tmp/report.bin\t+1000000',
    ]);
  });

  test('that is no change is not listed: a copy-up, a parent copied up, a file written back', () => {
    expect(stat((shell) => shell.touchOpen('/app/data/seed.db'))).toEqual([]);
    expect(changesOf((shell) => shell.touchOpen('/app/data/seed.db'))).toEqual([]);
  });

  test('names what changed', () => {
    const changes = changesOf((shell) =>
      shell
        .chmod('/app/server', 0o600)
        .chown('/app/data', 5, 6)
        .setxattr('/tmp', 'user.a', 'b')
        .write('/app/data/seed.db', 'x'),
    );
    expect(changes.map(({ path, what, sizeDelta }) => [path, what.join(), sizeDelta])).toEqual([
      ['/app/data', 'owner', 0],
      ['/app/data/seed.db', 'content,mtime', -999],
      ['/app/server', 'mode', 0],
      ['/tmp', 'xattrs', 0],
    ]);
  });

  test('of content with the same size and mtime is seen', () => {
    const changes = changesOf((shell) =>
      shell.write('/app/server', 'server v2\n').utimes('/app/server', 1_767_323_045_000_000_000n),
    );
    expect(changes.map(({ path, what }) => [path, what.join()])).toEqual([['/app/server', 'content']]);
  });

  test('of kind is a change of type', () => {
    expect(changesOf((shell) => shell.unlink('/app/server').mkdir('/app/server')).map(({ what }) => what[0])).toEqual([
      'mtime',
      'type',
    ]);
  });

  test('that replaces a file by rename is a modification of the path', () => {
    expect(stat((shell) => shell.write('/app/new', 'server v2\n').rename('/app/new', '/app/server'))).toEqual([
      'M /app/server',
    ]);
  });

  test('that moves one file over another tells both', () => {
    expect(stat((shell) => shell.rename('/app/data/seed.db', '/app/server'))).toEqual([
      'D /app/server\t-10',
      'R /app/data/seed.db -> /app/server',
    ]);
  });

  test('of a directory that was renamed is one line, and one for each change inside', () => {
    expect(stat((shell) => shell.rename('/app', '/moved').write('/moved/server', 'v2'), POSIX)).toEqual([
      'R /app/ -> /moved/',
      'M /moved/server\t-8',
    ]);
  });

  test('of a directory that was made anew keeps what has the same name', () => {
    const run = (shell: Shell): void => {
      shell.removeAll('/app').mkdir('/app').write('/app/server', 'server v1\n');
    };
    expect(stat(run)).toEqual(
      ['D /app/data/\t', 'D /app/data/seed.db\t-1000', 'M /app/server'].map((line) => line.trimEnd()),
    );
  });

  test('of a file with several names is told at each, its bytes once', () => {
    const run = (shell: Shell): void => {
      shell.write('/a', '12345').link('/a', '/b');
    };
    expect(stat(run)).toEqual(['A /a\t+5', 'A /b']);
    const bench = new Workbench();
    const shell = bench.container('c1', null).write('/a', '12345').link('/a', '/b');
    const { head } = bench.log;
    shell.append('/a', '6');
    const changes = diffWorlds(bench.time.worldAt(head), bench.world, 1, bench.log.chunks);
    expect(diffStat(changes)).toEqual(['M /a\t+1', 'M /b']);
    shell.unlink('/a');
    expect(diffStat(diffWorlds(bench.time.worldAt(head), bench.world, 1, bench.log.chunks))).toEqual([
      'D /a',
      'M /b\t+1',
    ]);
  });

  test('before a container was created counts from its image, after it was removed all is gone', () => {
    const bench = new Workbench();
    const image = bench.image('story:1', layers);
    const { head } = bench.log;
    bench.container('c1', image).write('/new', 'x');
    const then = bench.time.worldAt(bench.log.head);
    expect(diffStat(diffWorlds(bench.time.worldAt(head), then, 1, bench.log.chunks))).toEqual(['A /new\t+1']);
    bench.commit(['rm', 'c1'], [{ type: 'ContainerRemoved', container: 1 }]);
    expect(diffStat(diffWorlds(then, bench.world, 1, bench.log.chunks)).at(-1)).toBe('D /tmp/');
    expect(() => diffWorlds(bench.world, bench.world, 1, bench.log.chunks)).toThrow(
      expect.objectContaining({ code: 'ERR_NOT_FOUND' }),
    );
  });
});
