/**
 * Loading a large image into a fresh file store, against `umoci unpack` of the same layout: both as commands, in turns. umoci
 * writes files, overlog a log; both verify digests. Memory is the high-water mark of the whole process.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Figure, sampleOf } from '../figure.ts';
import type { Group, Progress } from '../group.ts';
import { packLargeImage } from '../large-image.ts';
import { counted } from '../sizes.ts';
import { remove, temporaryDirectory } from '../stores.ts';

const COMMAND = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const UMOCI = 'umoci';
/**
 * Has the process tell how much memory it took at most, in KiB, as the kernel counts it for the program (VmHWM). What getrusage(2) tells
 * begins with what the process that forked it had, and the bench has more than the command.
 */
const TELL_MEMORY = `data:text/javascript,import { readFileSync } from 'node:fs';
process.on('exit', () => process.stderr.write('peak ' + /VmHWM:\\s*(\\d+)/.exec(readFileSync('/proc/self/status', 'latin1'))[1]));`;

export const loadGroup: Group = {
  name: 'load',
  async run(sizes, progress): Promise<Figure[]> {
    const { files, rounds: count } = sizes.load;
    const folder = temporaryDirectory();
    try {
      progress('packing the image');
      const layout = packLargeImage(folder, files);
      const rounds = rowsOf(folder, layout, count, progress);
      const row = 'load';
      const subject = `command, ${counted(files)} files`;
      const sample = sampleOf(rounds.map(({ seconds }) => seconds));
      const peak = sampleOf(rounds.map(({ peakMb }) => peakMb));
      const umoci = rounds.flatMap(({ umociSeconds }) => (umociSeconds === null ? [] : [umociSeconds]));
      const ratios = rounds.flatMap(({ seconds, umociSeconds }) =>
        umociSeconds === null ? [] : [umociSeconds / seconds],
      );
      const compared = umoci.length > 0 && {
        against: { name: 'umoci unpack', sample: sampleOf(umoci) },
        ratio: sampleOf(ratios).median,
        reach: { atLeast: 1 },
      };
      return [
        { row, subject, unit: 's', sample, ...compared },
        { row: `${row}, peak RSS`, subject, unit: 'MB', sample: peak, reach: { atMost: 300 } },
      ];
    } finally {
      remove(folder);
    }
  },
};

interface Round {
  readonly seconds: number;
  readonly peakMb: number;
  /** Null: umoci is not installed. */
  readonly umociSeconds: number | null;
}

function rowsOf(folder: string, layout: string, count: number, progress: Progress): Round[] {
  const hasUmoci = spawnSync(UMOCI, ['--version']).status === 0;
  if (!hasUmoci) progress('umoci is not installed: no peer');
  return Array.from({ length: count }, (_, round) => {
    progress(`round ${round + 1} of ${count}`);
    const bundle = join(folder, `bundle-${round}`);
    const umociSeconds = hasUmoci ? secondsOf(() => unpack(layout, bundle)) : null;
    remove(bundle);
    const store = join(folder, `store-${round}`);
    let peakMb = 0;
    const seconds = secondsOf(() => {
      peakMb = load(layout, store);
    });
    remove(store);
    return { seconds, peakMb, umociSeconds };
  });
}

function unpack(layout: string, bundle: string): void {
  const rootless = process.getuid?.() === 0 ? [] : ['--rootless'];
  execFileSync(UMOCI, ['unpack', ...rootless, '--image', `${layout}:large`, bundle], { stdio: 'pipe' });
}

/** @returns Megabytes. */
function load(layout: string, store: string): number {
  const args = ['--import', TELL_MEMORY, COMMAND, 'load', '--store', store, '--tag', 'large:1', layout];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`bench: load failed: ${stderr}`);
  return (Number(/peak (\d+)/.exec(stderr)?.[1]) * 1024) / 1e6;
}

function secondsOf(step: () => void): number {
  const start = process.hrtime.bigint();
  step();
  return Number(process.hrtime.bigint() - start) / 1e9;
}
