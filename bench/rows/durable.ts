/**
 * Small writes that are on the disk before they are answered, 64 of them in flight: what a server does that must not lose
 * what it has confirmed.
 *
 * overlog shares one fdatasync among all that wait for it. node:fs has no such thing: each file is written and synced by
 * itself, four at a time in its thread pool. agentfs-sdk is as durable as its database's own settings make it.
 */

import { open } from 'node:fs/promises';
import { type Figure, type Reach, sampleOf } from '../figure.ts';
import type { Group } from '../group.ts';
import { openAgentFs } from '../optional-peers.ts';
import { counted } from '../sizes.ts';
import { openBenchStore, remove, temporaryDirectory } from '../stores.ts';
import { FILE_BYTES, makeWorkload } from '../workload.ts';

const IN_FLIGHT = 64;
const DIRECTORIES = 16;

/** Writes one file; resolved when it is on the disk. */
type DurableWrite = (path: string, content: Uint8Array) => Promise<unknown>;

interface Subject {
  readonly name: string;
  /** How much faster overlog is to be. */
  readonly reach: Reach;
  /** Times fewer files than overlog gets: it would take too long. */
  readonly fewer: number;
  open(): Promise<{ write: DurableWrite; close: () => Promise<void> } | null>;
}

const OVERLOG: Omit<Subject, 'reach'> = {
  name: 'overlog',
  fewer: 1,
  async open() {
    const { store, close } = await openBenchStore('file store');
    const { fs } = await store.containers.create({ name: 'durable' });
    for (let index = 0; index < DIRECTORIES; index++) fs.mkdirSync(`/d${index}`);
    const write: DurableWrite = async (path, content) => {
      fs.writeFileSync(path, content);
      await store.flush();
    };
    return { write, close };
  },
};

const PEERS: readonly Subject[] = [
  {
    name: 'node:fs, fdatasync per file',
    reach: { atLeast: 20 },
    fewer: 10,
    async open() {
      const root = temporaryDirectory();
      const { mkdirSync } = await import('node:fs');
      for (let index = 0; index < DIRECTORIES; index++) mkdirSync(`${root}/d${index}`);
      const write: DurableWrite = async (path, content) => {
        const file = await open(`${root}${path}`, 'w');
        await file.write(content);
        await file.datasync();
        await file.close();
      };
      return { write, close: async () => remove(root) };
    },
  },
  {
    name: 'agentfs-sdk on a file',
    reach: { atLeast: 50 },
    fewer: 20,
    async open() {
      const peer = await openAgentFs();
      if (peer === null) return null;
      const { fs, close } = peer;
      for (let index = 0; index < DIRECTORIES; index++) await fs.mkdir(`/d${index}`);
      return { write: (path, content) => fs.writeFile(path, content), close };
    },
  },
];

export const durableGroup: Group = {
  name: 'durable writes',
  async run(sizes, progress): Promise<Figure[]> {
    const { files, rounds } = sizes.durable;
    const contents = makeWorkload(Math.ceil(files / 100) * 100).contents(9);
    const rates = new Map<string, number[]>();
    for (let round = 0; round <= rounds; round++) {
      for (const subject of [OVERLOG, ...PEERS]) {
        progress(`${subject.name}, round ${round} of ${rounds}`);
        const opened = await subject.open();
        if (opened === null) continue;
        const rate = await rateOf(opened.write, contents.slice(0, files / subject.fewer));
        await opened.close();
        if (round > 0) rates.set(subject.name, [...(rates.get(subject.name) ?? []), rate]);
      }
    }
    const own = rates.get(OVERLOG.name) ?? [];
    return PEERS.flatMap(({ name, reach }): Figure[] => {
      const theirs = rates.get(name);
      const row = 'durable write, 64 in flight';
      const figure = { row, subject: `file store, ${counted(files)} files`, unit: 'writes/s', sample: sampleOf(own) };
      if (theirs === undefined) return [{ ...figure, against: { name: `${name}: npm run bench:peers`, sample: null } }];
      const ratio = sampleOf(own.map((rate, round) => rate / theirs[round])).median;
      return [{ ...figure, against: { name, sample: sampleOf(theirs) }, ratio, reach }];
    });
  },
};

/** Writes a second: each of {@link IN_FLIGHT} callers begins its next write when its last one is answered. */
async function rateOf(write: DurableWrite, contents: readonly Buffer[]): Promise<number> {
  let next = 0;
  const caller = async (): Promise<void> => {
    for (let index = next++; index < contents.length; index = next++) {
      if (contents[index].length !== FILE_BYTES) throw new Error('bench: content of another size');
      await write(`/d${index % DIRECTORIES}/f${index}`, contents[index]);
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: IN_FLIGHT }, caller));
  return (contents.length / (performance.now() - start)) * 1000;
}
