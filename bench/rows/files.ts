/**
 * The six rows: 20,000 files of 1 KiB in 200 directories (fewer in a quick look), call by call.
 *
 * A round opens every peer anew and takes the steps one by one. A step runs in slices of a tenth of the files, the peers
 * taking turns slice by slice, so that whatever else the machine does falls on all of them; the ratio is the median of the
 * rounds' ratios. Writing to overlog's file store includes handing everything to the operating system.
 */

import { type Figure, type Reach, sampleOf } from '../figure.ts';
import { openPeer, type Peer, type PeerName, PEERS } from '../peers.ts';
import type { Group } from '../group.ts';
import { counted } from '../sizes.ts';
import { STORE_KINDS } from '../stores.ts';
import { FILE_BYTES, makeWorkload, type Workload } from '../workload.ts';

interface Step {
  readonly name: string;
  /** Returns the number of calls. */
  readonly run: (peer: Peer, slice: Slice, contents: readonly Buffer[]) => number;
  /** Times memfs's speed, on the file store. */
  readonly reach: Reach;
}

/** Passes over the files or directories in the steps that only look: one is over too soon to be timed. */
const STAT_PASSES = 5;
const READ_PASSES = 2;
const READDIR_PASSES = 20;

const STEPS: readonly Step[] = [
  {
    name: 'write',
    reach: { atLeast: 2 },
    run: ({ fs, root, flush }, { files }, contents) => {
      for (let index = 0; index < files.length; index++) fs.writeFileSync(`${root}${files[index]}`, contents[index]);
      flush();
      return files.length;
    },
  },
  {
    name: 'stat',
    reach: { atLeast: 6 },
    run: ({ fs, root }, { files }) => {
      let bytes = 0;
      for (let pass = 0; pass < STAT_PASSES; pass++) {
        for (const file of files) bytes += fs.statSync(`${root}${file}`).size;
      }
      return expectBytes(bytes, files.length * STAT_PASSES);
    },
  },
  {
    name: 'read',
    reach: { atLeast: 2 },
    run: ({ fs, root }, { files }) => {
      let bytes = 0;
      for (let pass = 0; pass < READ_PASSES; pass++) {
        for (const file of files) bytes += fs.readFileSync(`${root}${file}`).length;
      }
      return expectBytes(bytes, files.length * READ_PASSES);
    },
  },
  {
    name: 'overwrite with copy-up',
    reach: { atLeast: 2 },
    run: ({ fs, root, flush }, { files }, contents) => {
      for (let index = 0; index < files.length; index++) {
        fs.writeFileSync(`${root}lower/${files[index]}`, contents[index]);
      }
      flush();
      return files.length;
    },
  },
  {
    name: 'readdir',
    reach: { atLeast: 8 },
    run: ({ fs, root }, { directories }) => {
      for (let pass = 0; pass < READDIR_PASSES; pass++) {
        for (const directory of directories) fs.readdirSync(`${root}lower/${directory}`);
      }
      return directories.length * READDIR_PASSES;
    },
  },
  {
    name: 'unlink with whiteout',
    reach: { atLeast: 2.5 },
    run: ({ fs, root, flush }, { files }) => {
      for (const file of files) fs.unlinkSync(`${root}lower/${file}`);
      flush();
      return files.length;
    },
  },
];

/**
 * Rounds that are not counted compile what the peers are made of; node:fs is compiled in the main, and slow to fill.
 */
const TO_WARM_UP = PEERS.filter((peer) => peer !== 'node:fs');

/** Turns that each peer gets in a step. */
const SLICES = 10;

/** Microseconds a call, by step, peer and round. */
type Times = Map<string, Map<PeerName, number[]>>;

export const filesGroup: Group = {
  name: 'files',
  async run(sizes, progress): Promise<Figure[]> {
    const { files, rounds, warmUps } = sizes.files;
    const workload = makeWorkload(files);
    const times: Times = new Map(STEPS.map((step) => [step.name, new Map(PEERS.map((peer) => [peer, []]))]));
    progress('warming up');
    for (let round = 0; round < warmUps; round++) await runRound(workload, round, { peers: TO_WARM_UP, times: null });
    for (let round = 1; round <= rounds; round++) {
      progress(`round ${round} of ${rounds}`);
      await runRound(workload, warmUps + round, { peers: PEERS, times });
    }
    return STEPS.flatMap((step) => figuresOf(step, times, files));
  },
};

async function runRound(
  workload: Workload,
  round: number,
  { peers: names, times }: { peers: readonly PeerName[]; times: Times | null },
): Promise<void> {
  const peers: Peer[] = [];
  for (const name of names) {
    const peer = await openPeer(name, workload);
    // Upper directories are there before the clock starts.
    for (const directory of workload.directories) peer.fs.mkdirSync(`${peer.root}${directory}`);
    peer.flush();
    peers.push(peer);
  }
  for (const [index, step] of STEPS.entries()) {
    const contents = workload.contents(1 + round * STEPS.length + index);
    const spent = names.map(() => ({ ms: 0, calls: 0 }));
    globalThis.gc?.();
    for (let slice = 0; slice < SLICES; slice++) {
      const part = sliceOf(workload, slice);
      const ownContents = contents.slice(part.first, part.first + part.files.length);
      for (let turn = 0; turn < peers.length; turn++) {
        const at = (round + slice + turn) % peers.length;
        const start = performance.now();
        spent[at].calls += step.run(peers[at], part, ownContents);
        spent[at].ms += performance.now() - start;
      }
    }
    for (const [at, { ms, calls }] of spent.entries())
      times
        ?.get(step.name)
        ?.get(names[at])
        ?.push((ms * 1000) / calls);
  }
  for (const peer of peers) await peer.close();
}

/** A part of the workload: whole directories with their files. */
interface Slice {
  readonly directories: readonly string[];
  readonly files: readonly string[];
  /** Index of its first file. */
  readonly first: number;
}

function sliceOf({ directories, files }: Workload, slice: number): Slice {
  const part = <T>(all: readonly T[]): T[] =>
    all.slice((all.length / SLICES) * slice, (all.length / SLICES) * (slice + 1));
  return { directories: part(directories), files: part(files), first: (files.length / SLICES) * slice };
}

function figuresOf(step: Step, times: Times, files: number): Figure[] {
  const timesOf = (peer: PeerName): number[] => times.get(step.name)?.get(peer) ?? [];
  const figures: Figure[] = [];
  for (const kind of STORE_KINDS) {
    const own = timesOf(`overlog, ${kind}`);
    const subject = `${kind}, ${counted(files)} files`;
    for (const name of ['memfs', 'node:fs'] as const) {
      const theirs = timesOf(name);
      const against = { name, sample: sampleOf(theirs) };
      const ratio = sampleOf(own.map((us, round) => theirs[round] / us)).median;
      const reach = kind === 'file store' && name === 'memfs' ? { reach: step.reach } : {};
      figures.push({ row: step.name, subject, unit: 'µs', sample: sampleOf(own), against, ratio, ...reach });
    }
  }
  return figures;
}

function expectBytes(bytes: number, calls: number): number {
  if (bytes !== calls * FILE_BYTES) throw new Error(`bench: ${calls} calls saw ${bytes} bytes`);
  return calls;
}
