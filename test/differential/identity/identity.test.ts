import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Protections } from '../../../src/engine/identity.ts';
import type { KernelCall } from '../../../src/testing/kernel/kernel-call.ts';
import { kernelMissing, KernelMounts } from '../../../src/testing/kernel/kernel-mounts.ts';
import { listTree, type ListingEntry } from '../../../src/replay/listing.ts';
import type { Tree } from '../../../src/projections/tree/tree.ts';
import { openStore, type Store } from '../../../src/index.ts';
import { type Answer, OverlogSide, shown } from './overlog-side.ts';
import { rootCalls, type UserCall, userCalls, USERS } from './user-call.ts';

const missing = kernelMissing();
const SEED = process.env.OVERLOG_SEED === undefined ? null : Number(process.env.OVERLOG_SEED);
const RUNS = Number(process.env.OVERLOG_IDENTITY_RUNS ?? 120);
const OPTIONS = 'redirect_dir=off,index=off,metacopy=off';

describe.skipIf(missing !== null)(
  `users in the kernel and in overlog${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let kernel: KernelMounts;
    beforeAll(() => {
      kernel = new KernelMounts();
    });
    afterAll(() => kernel.close());

    const check = (property: fc.IAsyncProperty<unknown>): Promise<void> =>
      fc.assert(property as fc.IAsyncProperty<[]>, { numRuns: RUNS, ...(SEED === null ? {} : { seed: SEED }) });

    it('are refused the same calls on an overlay, and leave the same tree (SEM-P1 to SEM-P9, SEM-M11)', async () => {
      await check(
        fc.asyncProperty(rootCalls, userCalls, async (made, calls) => {
          expect(await onOverlay(kernel, made, calls)).toBeNull();
        }),
      );
    }, 600_000);

    it('are refused the same calls in a volume and in a directory (SEM-P1 to SEM-P9, SEM-M11)', async () => {
      await check(
        fc.asyncProperty(rootCalls, userCalls, async (made, calls) => {
          expect(await inDirectory(kernel, [...made, ...calls])).toBeNull();
        }),
      );
    }, 600_000);
  },
);

/** A layer that root makes, and what users do in a container over it. */
async function onOverlay(
  kernel: KernelMounts,
  made: readonly UserCall[],
  calls: readonly UserCall[],
): Promise<string | null> {
  const store = await openStore();
  try {
    const base = await store.containers.create();
    await kernel.mount(0, { lowers: ['empty'], options: OPTIONS });
    const difference = await compare(kernel, new OverlogSide(base.namespace(), protections()), made);
    await kernel.keep(0, 'layer', 1_600_000_000_000_000_000);
    if (difference !== null) return `while root made the layer: ${difference}`;
    const container = await store.containers.create({ image: await base.commit() });
    await kernel.mount(0, { lowers: ['layer'], options: OPTIONS });
    // The root directory of a container is not its image's (L6).
    const opened: UserCall = { op: 'chmod', user: 0, path: '/', mode: 0o777 };
    const side = new OverlogSide(container.namespace(), protections());
    const differs =
      (await compare(kernel, side, [opened, ...calls])) ?? (await compareTrees(kernel, store, container.overlay.tree));
    await kernel.keep(0, null, 0);
    return differs === OVER ? null : differs;
  } finally {
    await kernel.drop(['layer']).catch(() => {});
    await store.close();
  }
}

async function inDirectory(kernel: KernelMounts, calls: readonly UserCall[]): Promise<string | null> {
  const store = await openStore();
  const { name, subject } = await store.volumes.create('data');
  await kernel.mount(0, { lowers: [], options: null });
  try {
    const side = new OverlogSide(store.volumes.namespace(name), protections());
    const tree = store.world.overlay(subject)?.tree as Tree;
    return (await compare(kernel, side, calls)) ?? (await compareTrees(kernel, store, tree));
  } finally {
    await kernel.keep(0, null, 0);
    await store.close();
  }
}

/** Nothing more can be compared. */
const OVER = 'over';
const ON_ATTRIBUTES: ReadonlySet<UserCall['op']> = new Set(['fchmod', 'fchown', 'fsetxattr']);

async function compare(kernel: KernelMounts, side: OverlogSide, calls: readonly UserCall[]): Promise<string | null> {
  const asked = calls.map((call) => ({
    ...call,
    in: 0 as const,
    ...('slot' in call && { slot: call.user * 8 + call.slot }),
    as: USERS[call.user],
  }));
  const replies = await kernel.calls(asked as unknown as readonly KernelCall[], false);
  try {
    for (const [index, call] of calls.entries()) {
      const theirs = text(comparable(call, replies[index] as Answer));
      const ours = text(side.run(call));
      // Deviation D1: attribute calls on a lower file that is open and has lost its name are EEXIST in the kernel.
      if (replies[index].error === 'EEXIST' && ON_ATTRIBUTES.has(call.op)) continue;
      // Deviation D18: on a directory they may bring it back, in the place of another one.
      const isBack = replies[index].error === undefined && ours === text({ error: 'ENOTEMPTY' });
      if (isBack && ON_ATTRIBUTES.has(call.op)) return OVER;
      if (theirs !== ours) return `call ${index} ${text(call)}: kernel ${theirs}, overlog ${ours}`;
    }
    return null;
  } finally {
    side.closeAll();
  }
}

function comparable(call: UserCall, reply: Answer): Answer {
  if ('error' in reply) return reply;
  if (call.op === 'stat' || call.op === 'fstat') return { value: shown(reply.value as Parameters<typeof shown>[0]) };
  return { value: reply.value };
}

async function compareTrees(kernel: KernelMounts, store: Store, tree: Tree): Promise<string | null> {
  const { merged = [] } = await kernel.trees(0);
  const theirs = merged.map(({ path, type, mode, uid, gid, xattrs }) => text({ path, type, mode, uid, gid, xattrs }));
  const ours = [...listTree(tree, store.engine.log.chunks)].map(({ path, type, mode, uid, gid, xattrs }) =>
    text({ path, type, mode: Number.parseInt(mode, 8), uid, gid, xattrs: inHex(xattrs) }),
  );
  for (let index = 0; index < Math.max(theirs.length, ours.length); index++) {
    if (theirs[index] !== ours[index]) return `kernel ${theirs[index]}, overlog ${ours[index]}`;
  }
  return null;
}

function inHex(xattrs: ListingEntry['xattrs']): Record<string, string> | undefined {
  if (xattrs === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(xattrs).map(([name, value]) => [name, Buffer.from(value, 'base64').toString('hex')]),
  );
}

/** What this machine protects. */
function protections(): Protections {
  const value = (name: string): number => Number(readFileSync(`/proc/sys/fs/protected_${name}`, 'utf8'));
  return {
    symlinks: value('symlinks') === 1,
    hardlinks: value('hardlinks') === 1,
    regular: value('regular') as 0 | 1 | 2,
  };
}

const text = (value: unknown): string => JSON.stringify(value);
