/**
 * Memory of a process that holds the workload: each peer in a process of its own, over what the same process had with the
 * program loaded and nothing done.
 */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Figure, sampleOf } from '../figure.ts';
import type { Group } from '../group.ts';
import { type PeerName, PEERS } from '../peers.ts';

const CHILD = fileURLToPath(new URL('../peer-process.ts', import.meta.url));

export const memoryGroup: Group = {
  name: 'memory',
  async run(options, progress): Promise<Figure[]> {
    const files = options.quick ? 5_000 : 20_000;
    const rounds = options.quick ? 1 : 3;
    const peaks = new Map<PeerName, number[]>(PEERS.map((peer) => [peer, []]));
    for (let round = 1; round <= rounds; round++) {
      for (const peer of PEERS) {
        progress(`${peer}, round ${round} of ${rounds}`);
        peaks.get(peer)?.push(peakOf(peer, files));
      }
    }
    const memfs = sampleOf(peaks.get('memfs') ?? []);
    return (['file store', 'memory store'] as const).map((subject) => {
      const sample = sampleOf(peaks.get(`overlog, ${subject}`) ?? []);
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
