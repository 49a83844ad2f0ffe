/**
 * The process that rows/memory.ts starts for one peer: writes and reads the workload, and prints by how many megabytes
 * its resident memory grew at most.
 *
 * The peak is sampled, not taken from the system's high-water mark, which compiling the program has set before.
 */

import { openPeer, PEERS } from './peers.ts';
import { makeWorkload } from './workload.ts';

const [name, files] = process.argv.slice(2);
const peerName = PEERS.find((peer) => peer === name);
if (peerName === undefined) throw new Error(`bench: there is no peer ${name}`);

const workload = makeWorkload(Number(files));
const contents = workload.contents(1);
const empty = makeWorkload(0);
globalThis.gc?.();
const before = process.memoryUsage.rss();
let peak = before;
const look = (index: number): void => {
  if (index % 100 === 0) peak = Math.max(peak, process.memoryUsage.rss());
};

const { fs, root, close } = await openPeer(peerName, empty);
for (const directory of workload.directories) fs.mkdirSync(`${root}${directory}`);
for (const [index, file] of workload.files.entries()) {
  fs.writeFileSync(`${root}${file}`, contents[index]);
  look(index);
}
for (const [index, file] of workload.files.entries()) {
  fs.readFileSync(`${root}${file}`);
  look(index);
}
await close();
process.stdout.write(String((peak - before) / 1e6));
