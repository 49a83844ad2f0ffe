import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type DockerEvent, dockerEventJson, openStore, type Store } from '../../../src/index.ts';
import { runCommand } from '../../e2e/command.ts';
import { configOf } from '../store/store-kit.ts';

/** The sequences below are those that a daemon of Docker 20.10.24 told (test/differential/docker repeats them). */

async function storeWithImage(): Promise<Store> {
  const store = await openStore();
  await store.images.add({
    config: configOf([`sha256:${'1'.repeat(64)}`], { config: { Labels: { kind: 'base' } } }),
    tags: ['app:1'],
    layers: [
      (sink) => {
        const attributes = { uid: 0, gid: 0, mtimeNs: 0n, xattrs: [], size: 0 };
        sink.entry({ kind: 'dir', path: 'data', mode: 0o755, ...attributes });
      },
    ],
  });
  return store;
}

const told = (events: Iterable<DockerEvent>): string[] =>
  [...events].map(({ Type, Action, Actor: { Attributes } }) => {
    const more = ['signal', 'exitCode', 'oldName', 'comment', 'destination'].flatMap((key) =>
      key in Attributes ? [`${key}=${Attributes[key]}`] : [],
    );
    return [Type, Action, ...more].join(' ');
  });

/** What one call makes Docker tell. */
async function during(store: Store, call: () => Promise<unknown>): Promise<string[]> {
  const { seq } = store;
  await call();
  return told(store.events({ since: seq }));
}

test('each call of the life cycle tells what Docker tells, in its order (SEM-2.7)', async () => {
  const store = await storeWithImage();
  const mounts = [{ type: 'volume', source: 'v', target: '/data' } as const];
  const create = (name: string) => store.containers.create({ image: 'app:1', name, mounts });
  const web = () => store.containers.get('web');
  expect(told(store.events())).toEqual(['image load']);
  const die = (exitCode: number): string[] => [
    `container die exitCode=${exitCode}`,
    'network disconnect',
    'volume unmount',
  ];
  const mount = ['network connect', 'volume mount destination=/data'];
  const start = 'container start';
  const [term, kill] = ['container kill signal=15', 'container kill signal=9'];
  expect(await during(store, () => create('web'))).toEqual(['volume create', 'container create']);
  expect(await during(store, () => web().start())).toEqual([...mount, start]);
  expect(await during(store, () => web().start())).toEqual([]);
  expect(await during(store, () => web().restart())).toEqual([
    term,
    ...die(0),
    'container stop',
    ...mount,
    start,
    'container restart',
  ]);
  expect(await during(store, () => web().pause())).toEqual(['container pause']);
  expect(await during(store, () => web().stop())).toEqual([term, 'container unpause', ...die(0), 'container stop']);
  expect(await during(store, () => web().stop())).toEqual([]);
  expect(await during(store, () => web().restart())).toEqual([...mount, start, 'container restart']);
  expect(await during(store, () => web().kill())).toEqual([kill, ...die(137)]);
  expect(await during(store, () => web().start({ attach: true }))).toEqual(['container attach', ...mount, start]);
  expect(await during(store, () => web().exit({ exitCode: 3 }))).toEqual(die(3));
  expect(await during(store, () => web().exit())).toEqual([]);
  await web().start();
  expect(await during(store, () => web().commit({ tag: 'app:2', message: 'note' }))).toEqual([
    'container pause',
    'image tag',
    'container commit comment=note',
    'container unpause',
  ]);
  expect(await during(store, () => web().rename('shop'))).toEqual(['container rename oldName=/web']);
  expect(await during(store, () => store.containers.fork('shop', { name: 'web' }))).toEqual([
    'volume create',
    'container create',
  ]);
  await web().remove();
  expect(await during(store, () => store.containers.get('shop').remove({ force: true, volumes: true }))).toEqual([
    kill,
    ...die(137),
    'container destroy',
  ]);
  expect(await during(store, () => store.volumes.remove('v'))).toEqual(['volume destroy']);
  expect(await during(store, () => store.images.tag('app:2', 'app:3'))).toEqual(['image tag']);
  expect(await during(store, () => store.images.remove('app:3'))).toEqual(['image untag']);
  expect(await during(store, () => store.images.remove('app:2'))).toEqual(['image untag', 'image delete']);
});

test('exec tells its program’s start and end; what ends the container ends it first (SEM-2.7)', async () => {
  const store = await storeWithImage();
  const web = await store.containers.create({ image: 'app:1', name: 'web' });
  await web.start();
  let exec = '';
  const begin = async (...command: string[]) => {
    exec = await web.beginExec(command);
  };
  const begun = (text: string): string[] => [`container exec_create: ${text}`, `container exec_start: ${text}`];
  // As Docker has it: a space behind a program without arguments.
  expect(await during(store, () => begin('true'))).toEqual(begun('true '));
  expect(await during(store, () => web.endExec(exec, { exitCode: 3 }))).toEqual(['container exec_die exitCode=3']);
  await expect(web.endExec(exec)).rejects.toThrow('No such exec instance');
  expect(await during(store, () => begin('sh', '-c', 'a  b'))).toEqual(begun('sh -c a  b'));
  expect(web.inspect().execs).toMatchObject([{ id: exec, command: ['sh', '-c', 'a  b'] }]);
  const taken = 'container exec_die exitCode=137';
  const die = (exitCode: number): string[] => [`container die exitCode=${exitCode}`, 'network disconnect'];
  await web.pause();
  expect(await during(store, () => web.stop())).toEqual([
    'container kill signal=15',
    'container unpause',
    taken,
    ...die(0),
    'container stop',
  ]);
  expect(web.inspect().execs).toEqual([]);
  for (const [end, ...expected] of [
    [() => web.exit(), taken, ...die(0)],
    [() => web.kill('TERM'), 'container kill signal=15', taken, ...die(143)],
    [() => web.remove({ force: true }), 'container kill signal=9', taken, ...die(137), 'container destroy'],
  ] as const) {
    await web.start();
    await begin('sh');
    expect(await during(store, end)).toEqual(expected);
  }
});

test('a fork has none of the programs of its source', async () => {
  const store = await storeWithImage();
  const web = await store.containers.create({ image: 'app:1', name: 'web' });
  await web.start();
  await web.beginExec(['sh']);
  expect((await store.containers.fork('web', { name: 'other' })).inspect().execs).toEqual([]);
});

test('a refused call tells nothing, and files tell nothing', async () => {
  const store = await storeWithImage();
  const web = await store.containers.create({ image: 'app:1', name: 'web' });
  expect(await during(store, () => web.pause().catch(() => {}))).toEqual([]);
  expect(await during(store, () => web.fs.promises.writeFile('/data/x', 'x'))).toEqual([]);
});

test('cp tells of what comes from the host, and not of a copy inside the container', async () => {
  const store = await storeWithImage();
  const { fs } = await store.containers.create({ image: 'app:1', name: 'web' });
  const file = fileURLToPath(import.meta.url);
  const copies = () => runCommand(['cp', file, 'web:/data/'], store);
  expect(await during(store, copies)).toEqual(['container extract-to-dir']);
  expect(await during(store, () => runCommand(['cp', 'web:/data', '-'], store))).toEqual([]);
  fs.mkdirSync('/new');
  expect(await during(store, async () => fs.cpSync('/data', '/new', { recursive: true }))).toEqual([]);
});

test('an event carries labels, image and name in the order of Docker’s JSON, its time as a whole number', async () => {
  const store = await storeWithImage();
  await store.containers.create({ image: 'app:1', name: 'web', labels: { zone: 'a', able: 'b' } });
  const [event] = [...store.events()].slice(-1);
  const id = store.containers.get('web').id;
  const nano = event.timeNano;
  expect(dockerEventJson(event)).toBe(
    `{"status":"create","id":"${id}","from":"app:1","Type":"container","Action":"create","Actor":{"ID":"${id}",` +
      '"Attributes":{"able":"b","image":"app:1","kind":"base","name":"web","zone":"a"}},"scope":"local",' +
      `"time":${nano / 1_000_000_000n},"timeNano":${nano}}`,
  );
});
