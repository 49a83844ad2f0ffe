import { mergeLayer } from '../../../src/projections/tree/merge.ts';
import { Tree } from '../../../src/projections/tree/tree.ts';
import { openMemoryLog } from '../../../src/storage/memory.ts';
import { EngineSide } from './engine-side.ts';
import type { Kernel, Reply } from './kernel.ts';
import type { Operation } from './operations.ts';
import { upperAsLayer } from './upper-as-layer.ts';

/** Mount options of a container in the docker profile. */
const OPTIONS = 'redirect_dir=off,index=off,metacopy=off';

/** Attributes that the kernel keeps for itself, besides the opaque mark. */
const BOOKKEEPING = new Set(['trusted.overlay.origin', 'trusted.overlay.impure', 'trusted.overlay.uuid']);

/**
 * Runs several lists of calls, each on a fresh upper over the uppers before it, on the kernel and on overlog.
 *
 * @returns The first difference in words, or null.
 */
export async function firstDifference(
  kernel: Kernel,
  lists: readonly (readonly Operation[])[],
): Promise<string | null> {
  const log = openMemoryLog();
  const lowers: string[] = [];
  let lower = Tree.empty(0n);
  try {
    for (const [index, operations] of lists.entries()) {
      const stack = lowers.length === 0 ? ['empty'] : lowers;
      expectDone(await kernel.ask({ op: 'begin', lowers: stack, options: OPTIONS }));
      const side = new EngineSide(lower, log);
      const layer = `l${index}`;
      let difference: string | null;
      try {
        difference = (await compareCalls(kernel, side, operations)) ?? (await compareTrees(kernel, side));
      } finally {
        expectDone(await kernel.ask({ op: 'end', keep: layer }));
      }
      side.closeAll();
      lowers.unshift(layer);
      if (difference !== null) return `in the upper over ${index} layers, ${difference}`;
      lower = mergeLayer(lower, upperAsLayer(side.tree()), index);
    }
    return null;
  } finally {
    await kernel.ask({ op: 'drop', folders: lowers });
  }
}

function expectDone(reply: Reply): void {
  if (reply.error !== undefined) throw new Error(`the oracle refused: ${reply.error}`);
}

async function compareCalls(
  kernel: Kernel,
  side: EngineSide,
  operations: readonly Operation[],
): Promise<string | null> {
  const replies = await kernel.askAll(operations);
  side.renameWasRefused = operations.some(
    (each, index) => each.op === 'rename' && replies[index].error === 'ENOTEMPTY',
  );
  for (const [index, operation] of operations.entries()) {
    const theirs = text(replies[index]);
    const ours = text(side.run(operation));
    // Deviation D1: attribute calls on an unlinked lower file that was opened for reading are EEXIST in the kernel.
    if (operation.op === 'fchmod' && replies[index].error === 'EEXIST') continue;
    if (theirs !== ours) return `call ${index} ${text(operation)}: kernel ${theirs}, overlog ${ours}`;
  }
  return null;
}

async function compareTrees(kernel: Kernel, side: EngineSide): Promise<string | null> {
  for (const root of ['merged', 'upper'] as const) {
    const listed = await kernel.ask({ op: 'list', root });
    expectDone(listed);
    const theirs = (listed.value as Row[]).map((row) => canonical(row, root === 'upper', side.renameWasRefused));
    const ours = (root === 'merged' ? side.merged() : side.upper()).map((row) =>
      canonical(row as Row, root === 'upper', side.renameWasRefused),
    );
    for (let index = 0; index < Math.max(theirs.length, ours.length); index++) {
      if (theirs[index] !== ours[index]) return `${root}: kernel ${theirs[index]}, overlog ${ours[index]}`;
    }
  }
  return null;
}

type Row = Record<string, unknown> & { xattrs?: Record<string, string> };

function canonical(row: Row, isUpper: boolean, ignoresOpaque: boolean): string {
  const { xattrs, ...rest } = row;
  // The kernel makes all whiteouts links of one node.
  const isWhiteout = isUpper && rest.type === 'chr' && rest.rdev === '0:0';
  if (isWhiteout) {
    delete rest.nlink;
    delete rest.hardlink;
  }
  // Deviation D2: a rename that the kernel refuses with ENOTEMPTY may leave a needless opaque mark on its source.
  const kept = Object.entries(xattrs ?? {}).filter(
    ([name]) =>
      !BOOKKEEPING.has(name) &&
      // Deviation D17: a whiteout that a rename makes inherits the default ACL of its directory there.
      !(isWhiteout && name === 'system.posix_acl_access') &&
      !(ignoresOpaque && name === 'trusted.overlay.opaque'),
  );
  return text([Object.entries(rest).toSorted(byKey), kept.toSorted(byKey)]);
}

const byKey = (a: [string, unknown], b: [string, unknown]): number => (a[0] < b[0] ? -1 : 1);

/** JSON, with long texts cut. */
function text(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'string' && part.length > 64 ? `${part.slice(0, 16)}… (${part.length})` : part,
  );
}
