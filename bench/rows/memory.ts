/**
 * Memory of a process that holds the workload: each peer in a process of its own, over what the same process had with the
 * program loaded and nothing done.
 */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Figure, sampleOf } from '../figure.ts';
import type { Group } from '../group.ts';
import type { PeerName } from '../peers.ts';
import { counted } from '../sizes.ts';
import { STORE_KINDS } from '../stores.ts';

/** node:fs keeps nothing in the process. */
const MEASURED: readonly PeerName[] = ['overlog, file store', 'overlog, memory store', 'memfs'];
const CHILD = fileURLToPath(new URL('../peer-process.ts', import.meta.url));

export const memoryGroup: Group = {
  name: 'memory',
  async run(sizes, progress): Promise<Figure[]> {
    const { files, rounds } = sizes.memory;
    const peaks = new Map<PeerName, number[]>(MEASURED.map((peer) => [peer, []]));
    for (let round = 1; round <= rounds; round++) {
      for (const peer of MEASURED) {
        progress(`${peer}, round ${round} of ${rounds}`);
        peaks.get(peer)?.push(peakOf(peer, files));
      }
    }
    const memfs = sampleOf(peaks.get('memfs') ?? []);
    return STORE_KINDS.map((kind) => {
      const sample = sampleOf(peaks.get(`overlog, ${kind}`) ?? []);
      const subject = `${kind}, ${counted(files)} files`;
      const against = { name: 'memfs', sample: memfs };
      return {
        row: 'peak RSS',
        subject,
        unit: 'MB',
        sample,
        against,
        ratio: sample.median / memfs.median,
        reach: { atMost: 1 },
      };
    });
  },
};

/** Megabytes. */
function peakOf(peer: PeerName, files: number): number {
  const args = ['--expose-gc', ...process.execArgv.filter((arg) => arg !== '--expose-gc'), CHILD, peer, String(files)];
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));
}
