/** A long mixed history: the writes, renames, attribute changes and removals that a busy container leaves in its log. */

import type { OverlogFs } from '../src/index.ts';
import { FILE_BYTES, randomNumbers } from './workload.ts';

const DIRECTORIES = 100;
const CONTENT = Buffer.alloc(FILE_BYTES);

/**
 * Runs calls until the log has grown by so many events.
 *
 * @param head - Sequence number of the newest event.
 * @returns The paths that exist in the end.
 */
export function makeHistory(fs: OverlogFs, events: number, head: () => number): string[] {
  const next = randomNumbers(events);
  const paths: string[] = [];
  const end = head() + events;
  for (let index = 0; index < DIRECTORIES; index++) fs.mkdirSync(`/d${index}`);
  for (let made = 0; head() < end; made++) {
    const at = next() % Math.max(1, paths.length);
    const kind = paths.length < 1000 ? 0 : next() % 8;
    if (kind < 3) {
      const path = `/d${made % DIRECTORIES}/f${made}`;
      CONTENT.writeUInt32LE(made, 0);
      fs.writeFileSync(path, CONTENT);
      paths.push(path);
    } else if (kind < 5) {
      CONTENT.writeUInt32LE(made, 0);
      fs.writeFileSync(paths[at], CONTENT);
    } else if (kind === 5) fs.chmodSync(paths[at], 0o600 + (made % 64));
    else if (kind === 6) {
      const path = `/d${made % DIRECTORIES}/r${made}`;
      fs.renameSync(paths[at], path);
      paths[at] = path;
    } else {
      fs.unlinkSync(paths[at]);
      paths[at] = paths[paths.length - 1];
      paths.pop();
    }
  }
  return paths;
}
