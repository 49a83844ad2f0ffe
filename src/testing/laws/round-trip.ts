import { Tree } from '../../projections/tree/tree.ts';
import type { Overlay } from '../../projections/world.ts';
import { exportLog } from '../../replay/log-export.ts';
import { importLog } from '../../replay/log-import.ts';
import { listTree } from '../../replay/listing.ts';
import { openStore } from '../../store/open-store.ts';
import type { Store } from '../../store/store.ts';
import { openMemoryLog } from '../../storage/memory.ts';
import { canonicalText } from '../canonical.ts';
import { computeRoots } from '../roots.ts';
import { stateDifference } from '../state-recorder.ts';

/**
 * Law 9 for logs: exported as text and imported into an empty log, a store has the same log, trees, registry and figures.
 *
 * @returns What does not hold, in sentences.
 */
export async function exportProblems(store: Store): Promise<string[]> {
  const { log } = store.engine;
  const lines = [...exportLog(log)];
  const imported = openMemoryLog();
  await importLog(
    lines.map((line) => Buffer.from(line)),
    imported,
  );
  const problems: string[] = [];
  if (canonicalText([...imported.read()]) !== canonicalText([...log.read()])) problems.push('the imported log differs');
  if ([...exportLog(imported)].join('') !== lines.join('')) problems.push('the imported log exports as another text');
  const head = imported.head;
  const other = await openStore({ log: imported });
  // What only open files of this process held is released by the first writer of the other store.
  const world = other.seq === head ? other.world : other.worldAt(head);
  const difference = stateDifference(
    { seq: head, roots: computeRoots(store.world, log.chunks), registry: canonicalText(store.world.registry) },
    { roots: computeRoots(world, imported.chunks), registry: canonicalText(world.registry) },
  );
  if (difference !== null) problems.push(`the imported store has ${difference}`);
  if (canonicalText(other.diskUsage(head)) !== canonicalText(store.diskUsage())) problems.push('disk usage differs');
  await other.close();
  return problems;
}

/**
 * Law 9 for commits: a container made from a container's commit shows the same tree, with times in whole seconds, as layers
 * hold them; the root directory is each container's own (SEM-L6). No layer holds sockets: what was below one shows again.
 *
 * @returns What does not hold, in sentences.
 */
export function commitProblems(store: Store, committed: Overlay, created: Overlay): string[] {
  const before = shown(store, committed.tree);
  const after = shown(store, created.tree);
  const problems: string[] = [];
  const sockets = [...before].filter(([, entry]) => entry === SOCKET).map(([path]) => path);
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    if (sockets.some((socket) => path === socket || path.startsWith(`${socket}/`))) continue;
    const there = before.get(path) ?? 'nothing';
    const here = after.get(path) ?? 'nothing';
    if (there !== here) problems.push(`${path} was ${there}, and is ${here}`);
  }
  return problems;
}

/** Names of broken hard links are not in the same layer any more, so a node's other names are left out. */
function shown(store: Store, tree: Tree): Map<string, string> {
  const entries = new Map<string, string>();
  for (const entry of listTree(tree, store.engine.log.chunks)) {
    const { nlink: _, hardlink: __, mtime_ns, ...rest } = entry;
    if (entry.path === '/') continue;
    const mtime = (BigInt(mtime_ns) - (((BigInt(mtime_ns) % SECOND) + SECOND) % SECOND)) / SECOND;
    entries.set(entry.path, entry.type === 'sock' ? SOCKET : canonicalText({ ...rest, mtime }));
  }
  return entries;
}

const SECOND = 1_000_000_000n;
const SOCKET = 'a socket';
