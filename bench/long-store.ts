/**
 * A store with a long and mixed history, on which every question about the past has an answer: an image of three layers
 * with something hidden in each, containers that copy up, fork and rewind, a volume, steps of work as groups, labels.
 *
 * Landmarks that stand in it whatever its length:
 *
 * | what | where |
 * |---|---|
 * | `debug=on` comes into `/etc/app.conf` of `web`, in group `bad-step` | at 0.6 |
 * | `/srv/lost` of `web` and `/lost` of volume `data` are removed | at 0.5, label `before-loss` in front of it |
 * | `side`, a fork of `web`; `old`, one of what `web` was at `tenth-2` | at 0.3, at 0.7 |
 * | `/srv/report.txt` of `web`: of a layer, copied up, a line added now and then, renamed from time to time | all along |
 * | a rewind of `/etc` of `side` to `tenth-5` | at 0.8 |
 */

import { setImmediate as pause } from 'node:timers/promises';
import { type LayerSink, type OverlogFs, POSIX_PROFILE, type Store } from '../src/index.ts';
import { BusyTree } from './busy-tree.ts';
import { addDirectory, addFile, addImage } from './stores.ts';
import { randomNumbers } from './workload.ts';

const DIRECTORIES = 50;
const FILES_IN_DIRECTORY = 40;
const ACTORS = ['agent-1', 'agent-2', 'agent-3'];
const CALLS_IN_STEP = 40;

/** @param events - At least 5,000. The same history for the same number. */
export async function makeLongStore(store: Store, events: number): Promise<void> {
  await addImage(store, 'base:1', [firstLayer, secondLayer, thirdLayer]);
  await store.volumes.create('data');
  const web = await store.containers.create({
    name: 'web',
    image: 'base:1',
    mounts: [{ type: 'volume', source: 'data', target: '/data' }],
  });
  await web.start();
  const pack = await store.containers.create({ name: 'pack', image: 'base:1', profile: POSIX_PROFILE });
  const next = randomNumbers(events);
  const busy = [new BusyTree(web.fs, next), new BusyTree(web.fs, next), new BusyTree(pack.fs, next)];
  const end = store.seq + events;
  const begin = store.seq;
  const pending = landmarks(store, web.fs, busy, next);
  for (let step = 1; store.seq < end; step++) {
    const landmark = pending[0];
    if (landmark !== undefined && store.seq >= begin + events * landmark.at) {
      await landmark.run();
      pending.shift();
    }
    store.actor(ACTORS[step % ACTORS.length], () =>
      store.group(`step-${step}`, () => {
        const tree = busy[next() % busy.length];
        for (let call = 0; call < CALLS_IN_STEP && store.seq < end; call++) tree.call();
        if (step % 25 === 0) report(web.fs, step);
        if (step % 10 === 0) web.fs.appendFileSync('/data/journal', `step ${step}\n`);
      }),
    );
    if (step % 20 === 0) await pause();
  }
  await store.flush();
}

interface Landmark {
  /** Part of the history that lies before it. */
  readonly at: number;
  run(): unknown;
}

function landmarks(store: Store, web: OverlogFs, busy: BusyTree[], next: () => number): Landmark[] {
  const labels = Array.from({ length: 9 }, (_, index) => ({
    at: (index + 1) / 10,
    run: () => store.label(`tenth-${index + 1}`),
  }));
  const lose = async (): Promise<void> => {
    web.mkdirSync('/srv/lost/inner', { recursive: true });
    for (const name of ['one', 'inner/two']) web.writeFileSync(`/srv/lost/${name}`, `lost ${name}\n`);
    web.writeFileSync('/data/lost', 'lost in the volume\n');
    await store.label('before-loss');
    store.group('loss', () => {
      web.rmSync('/srv/lost', { recursive: true });
      web.rmSync('/data/lost');
    });
  };
  const fork = async (): Promise<void> => {
    const side = await store.containers.fork('web', { name: 'side' });
    busy.push(new BusyTree(side.fs, next));
  };
  const others: Landmark[] = [
    { at: 0.3, run: fork },
    { at: 0.5, run: lose },
    { at: 0.6, run: () => store.group('bad-step', () => web.appendFileSync('/etc/app.conf', 'debug=on\n')) },
    { at: 0.7, run: () => store.containers.fork('web', { name: 'old', at: 'tenth-2' }) },
    { at: 0.8, run: () => store.containers.rewindPath('side', 'tenth-5', '/etc') },
  ];
  return [...labels, ...others].sort((a, b) => a.at - b.at);
}

/** Adds a line to the report, and gives it another place from time to time. */
function report(fs: OverlogFs, step: number): void {
  const [name] = fs.readdirSync('/srv').filter((each) => each.startsWith('report'));
  fs.appendFileSync(`/srv/${name}`, `step ${step}\n`);
  if (step % 500 === 0) fs.renameSync(`/srv/${name}`, `/srv/report-${step}.txt`);
  if (step % 500 === 250) fs.renameSync(`/srv/${name}`, '/srv/report.txt');
}

const text = (word: string, lines: number): Buffer =>
  Buffer.from(Array.from({ length: lines }, (_, line) => `${word} ${line}\n`).join(''));

function add(sink: LayerSink, path: string, content: Buffer): void {
  addFile(sink, path, content.length, [content]);
}

function firstLayer(sink: LayerSink): void {
  for (const path of ['etc', 'srv', 'var', 'var/log', 'opt', 'opt/tool', 'data']) addDirectory(sink, path);
  add(sink, 'etc/app.conf', text('setting', 20));
  add(sink, 'var/log/old.log', text('old', 5000));
  add(sink, 'srv/report.txt', text('report', 3));
  for (let file = 0; file < 10; file++) add(sink, `opt/tool/first-${file}`, text(`tool ${file}`, 200));
  for (let directory = 0; directory < DIRECTORIES; directory++) {
    addDirectory(sink, `srv/l${directory}`);
    for (let file = 0; file < FILES_IN_DIRECTORY; file++) {
      add(sink, `srv/l${directory}/f${file}`, text(`${directory}/${file}`, 20 + ((directory * file) % 60)));
    }
  }
}

function secondLayer(sink: LayerSink): void {
  sink.entry({ kind: 'whiteout', path: 'var/log/old.log' });
  for (let directory = 0; directory < DIRECTORIES; directory += 5) {
    add(sink, `srv/l${directory}/f0`, text(`again ${directory}`, 30));
    sink.entry({ kind: 'whiteout', path: `srv/l${directory}/f1` });
  }
}

function thirdLayer(sink: LayerSink): void {
  addDirectory(sink, 'opt/tool');
  sink.entry({ kind: 'opaque', path: 'opt/tool' });
  for (let file = 0; file < 5; file++) add(sink, `opt/tool/second-${file}`, text(`tool ${file}`, 100));
}
