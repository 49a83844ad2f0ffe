/**
 * The six rows against just-bash's InMemoryFs: a flat map from paths to content, in memory, without a log or history.
 *
 * It has awaited calls only (but for writeFileSync); overlog's are the sync ones, as an embedding program would call them.
 * Both take turns slice by slice as in rows/files.ts.
 */

import { type Figure, sampleOf } from '../figure.ts';
import type { Group } from '../group.ts';
import { type AwaitedFs, openJustBash } from '../optional-peers.ts';
import { openPeer, type PeerFs } from '../peers.ts';
import { counted } from '../sizes.ts';
import { makeWorkload, type Workload } from '../workload.ts';

const SLICES = 10;

/** One call on a file (or, where `onDirectory`, a directory) of the lower part of the workload. */
interface Step {
  readonly name: string;
  readonly passes: number;
  readonly onDirectory?: true;
  own(fs: PeerFs, path: string, content: Buffer): void;
  theirs(fs: AwaitedFs, path: string, content: Buffer): Promise<unknown>;
}

const STEPS: readonly Step[] = [
  {
    name: 'write',
    passes: 1,
    own: (fs, path, content) => fs.writeFileSync(path, content),
    theirs: (fs, path, content) => fs.writeFile(path, content),
  },
  { name: 'stat', passes: 5, own: (fs, path) => void fs.statSync(path), theirs: (fs, path) => fs.stat(path) },
  { name: 'read', passes: 2, own: (fs, path) => void fs.readFileSync(path), theirs: (fs, path) => fs.readFile(path) },
  {
    name: 'overwrite with copy-up',
    passes: 1,
    own: (fs, path, content) => fs.writeFileSync(`/lower${path}`, content),
    theirs: (fs, path, content) => fs.writeFile(`/lower${path}`, content),
  },
  {
    name: 'readdir',
    passes: 5,
    onDirectory: true,
    own: (fs, path) => void fs.readdirSync(`/lower${path}`),
    theirs: (fs, path) => fs.readdir(`/lower${path}`),
  },
  {
    name: 'unlink with whiteout',
    passes: 1,
    own: (fs, path) => fs.unlinkSync(`/lower${path}`),
    theirs: (fs, path) => fs.unlink(`/lower${path}`),
  },
];

const PEER = 'just-bash InMemoryFs';

export const flatMapGroup: Group = {
  name: 'flat map',
  async run(sizes, progress): Promise<Figure[]> {
    const { files, rounds } = sizes.flatMap;
    const workload = makeWorkload(files);
    const subject = `memory store, ${counted(files)} files`;
    const own = STEPS.map((): number[] => []);
    const theirs = STEPS.map((): number[] => []);
    for (let round = 0; round <= rounds; round++) {
      progress(round === 0 ? 'warming up' : `round ${round} of ${rounds}`);
      const times = await runRound(workload, round);
      if (times === null) {
        progress('just-bash is not installed: npm run bench:peers');
        return [];
      }
      if (round === 0) continue;
      for (const [step, [us, theirUs]] of times.entries()) {
        own[step].push(us);
        theirs[step].push(theirUs);
      }
    }
    return STEPS.map(({ name }, step) => {
      const ratio = sampleOf(own[step].map((us, round) => theirs[step][round] / us)).median;
      const against = { name: PEER, sample: sampleOf(theirs[step]) };
      const sample = sampleOf(own[step]);
      return { row: name, subject, unit: 'µs', sample, against, ratio, reach: { atLeast: 1 } };
    });
  },
};

/** Microseconds a call of both, step by step; null: the peer is not installed. */
async function runRound(workload: Workload, round: number): Promise<[number, number][] | null> {
  const peer = await openJustBash();
  if (peer === null) return null;
  const lower = workload.contents(0);
  for (const directory of workload.directories) {
    await peer.fs.mkdir(`/${directory}`, { recursive: true });
    await peer.fs.mkdir(`/lower/${directory}`, { recursive: true });
  }
  for (const [index, file] of workload.files.entries()) await peer.fs.writeFile(`/lower/${file}`, lower[index]);
  const { fs, close } = await openPeer('overlog, memory store', workload);
  for (const directory of workload.directories) fs.mkdirSync(`/${directory}`);
  const times: [number, number][] = [];
  for (const [index, step] of STEPS.entries()) {
    const contents = workload.contents(1 + round * STEPS.length + index);
    const paths = (step.onDirectory ? workload.directories : workload.files).map((path) => `/${path}`);
    const spent: [number, number] = [0, 0];
    globalThis.gc?.();
    for (let slice = 0; slice < SLICES; slice++) {
      const from = (paths.length / SLICES) * slice;
      const to = from + paths.length / SLICES;
      for (const turn of slice % 2 === 0 ? [0, 1] : [1, 0]) {
        const start = performance.now();
        for (let pass = 0; pass < step.passes; pass++) {
          for (let at = from; at < to; at++) {
            if (turn === 0) step.own(fs, paths[at], contents[at]);
            else await step.theirs(peer.fs, paths[at], contents[at]);
          }
        }
        spent[turn] += performance.now() - start;
      }
    }
    const calls = paths.length * step.passes;
    times.push([(spent[0] * 1000) / calls, (spent[1] * 1000) / calls]);
  }
  await close();
  await peer.close();
  return times;
}
