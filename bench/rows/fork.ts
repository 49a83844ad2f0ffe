/**
 * A fork costs the same whatever is in the container. In memory, so that the figure is the fork itself; on disk it waits
 * for one fdatasync more.
 */

import type { Store } from '../../src/index.ts';
import { type Figure, sampleOf } from '../figure.ts';
import type { Group } from '../group.ts';
import { counted } from '../sizes.ts';
import { openBenchStore } from '../stores.ts';
import { FILE_BYTES, makeWorkload } from '../workload.ts';

const ROUNDS = 7;
const FORKS = 50;

export const forkGroup: Group = {
  name: 'fork',
  async run(sizes, progress): Promise<Figure[]> {
    const large = sizes.fork;
    const contents = [{ files: 100, events: 0 }, large];
    const stores: { store: Store; close: () => Promise<void> }[] = [];
    for (const size of contents) {
      progress(`${size.files} files`);
      const opened = await openBenchStore('memory store');
      await fill(opened.store, size);
      stores.push(opened);
    }
    const times: [number[], number[]] = [[], []];
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [size, { store }] of stores.entries()) {
        const us = await forkTime(store);
        if (round > 0) times[size].push(us);
      }
    }
    for (const { close } of stores) await close();
    const [small, big] = times.map(sampleOf);
    const subject = `${counted(large.files)} files, ${counted(large.events)} events`;
    const against = { name: '100 files', sample: small };
    const ratio = big.median / small.median;
    return [
      { row: 'fork', subject, unit: 'µs', sample: big, reach: { atMost: 100 } },
      { row: 'fork, by size', subject, unit: 'µs', sample: big, against, ratio, reach: { atMost: 2 } },
    ];
  },
};

/** Makes the files, and then changes them one after the other until there are so many events. */
async function fill(store: Store, { files, events }: { files: number; events: number }): Promise<void> {
  const { fs } = await store.containers.create({ name: 'source' });
  const content = Buffer.alloc(FILE_BYTES);
  const workload = makeWorkload(files);
  for (const directory of workload.directories) fs.mkdirSync(`/${directory}`);
  for (const file of workload.files) fs.writeFileSync(`/${file}`, content);
  for (let change = 0; store.seq < events; change++) {
    fs.chmodSync(`/${workload.files[change % files]}`, change % 2 === 0 ? 0o600 : 0o640);
  }
}

/** Microseconds of one fork; the forks are removed again, outside of the clock. */
async function forkTime(store: Store): Promise<number> {
  const start = performance.now();
  for (let fork = 0; fork < FORKS; fork++) await store.containers.fork('source', { name: `fork-${fork}` });
  const us = ((performance.now() - start) * 1000) / FORKS;
  for (let fork = 0; fork < FORKS; fork++) await store.containers.get(`fork-${fork}`).remove();
  return us;
}
