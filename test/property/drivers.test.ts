import { expect, test } from 'vitest';
import { PAGE_BYTES } from '../../src/projections/tree/page.ts';
import type { DriverBill } from '../../src/projections/drivers/bill.ts';
import type { Store } from '../../src/store/store.ts';
import { forAllCommands } from './play.ts';

const ASKED = [
  'overlay2',
  'overlay2-reflink',
  'btrfs',
  'zfs:record-size=16K',
  'devicemapper',
  'vfs',
  'qcow2:cluster-size=4K',
  'qcow2:cluster-size=64K,extended-l2=1',
];

const bills = (store: Store, at?: number): DriverBill[] => store.storageBills({ at, drivers: ASKED });
const spaceOf = ({ total }: DriverBill): number => total.dataBytes + total.metadataBytes;
const removed = (before: readonly DriverBill[], after: readonly DriverBill[]): number[] => {
  const left = new Set(after[0].containers.map(({ container }) => container));
  return before[0].containers.filter(({ container }) => !left.has(container)).map(({ container }) => container);
};

test('bills at an earlier moment are those of then (law 8)', async () => {
  await forAllCommands(30, () => {
    const then = new Map<number, DriverBill[]>();
    let commands = 0;
    return {
      after({ store }) {
        if (++commands % 12 === 0) then.set(store.seq, bills(store));
      },
      end({ store }) {
        for (const [seq, expected] of then) expect(bills(store, seq)).toEqual(expected);
      },
    };
  });
});

test('rm frees what the bill says, whatever forks share (law 6)', async () => {
  await forAllCommands(30, () => {
    let before: DriverBill[] = [];
    return {
      before({ store }, { command }) {
        before = command === 'remove' ? bills(store) : [];
      },
      after({ store }) {
        if (before.length === 0) return;
        const after = bills(store);
        for (const container of removed(before, after)) {
          before.forEach((bill, driver) => {
            const freed = bill.containers.find((each) => each.container === container)?.freedBytes ?? NaN;
            expect([bill.driver, Math.round(spaceOf(bill) - spaceOf(after[driver]))]).toEqual([
              bill.driver,
              Math.round(freed),
            ]);
          });
        }
      },
    };
  });
});

test('overlay2 takes the blocks that the upper counts, vfs all that is seen, a clone never more than a copy', async () => {
  await forAllCommands(30, () => ({
    end({ store }) {
      const [overlay, reflink, , , , vfs] = bills(store);
      overlay.containers.forEach(({ container, dataBytes }, index) => {
        const tree = store.world.overlay(container)?.tree;
        let links = 0;
        tree?.inodes.forEach((node) => {
          if (node.isUpper && node.nlink > 0 && node.target.length > 59) links += 4096;
        });
        expect(dataBytes).toBe((tree?.upperAllocatedBytes ?? NaN) + links);
        expect(reflink.containers[index].dataBytes).toBeLessThanOrEqual(dataBytes + orphanBytes(store, container));
        expect(vfs.containers[index].dataBytes).toBeGreaterThanOrEqual(dataBytes);
      });
    },
  }));
});

test('every block that differs from the image is in the books of a clone', async () => {
  await forAllCommands(30, () => ({
    end({ store }) {
      for (const { container, dataBytes } of bills(store)[1].containers) {
        expect(dataBytes).toBeGreaterThanOrEqual(differingBytes(store, container));
      }
    },
  }));
});

/** Blocks of files that an open descriptor holds and no name. */
function orphanBytes(store: Store, container: number): number {
  let bytes = 0;
  store.world.overlay(container)?.tree.inodes.forEach((node) => {
    if (node.isUpper && node.nlink === 0) bytes += Math.ceil(node.size / 4096) * 4096;
  });
  return bytes;
}

/**
 * Blocks of upper files whose content lies elsewhere than that of the file below. What a file that was cut has lost of its last
 * block is no write to it: btrfs zeroes that when the file grows again.
 */
function differingBytes(store: Store, container: number): number {
  const overlay = store.world.overlay(container);
  let bytes = 0;
  overlay?.tree.inodes.forEach((node, ino) => {
    if (!node.isUpper || node.nlink === 0 || node.content === null) return;
    const below = overlay.lower?.get(ino)?.content ?? null;
    node.content.forEachPage((page, index) => {
      const lower = below?.page(index);
      const end = node.size - index * PAGE_BYTES;
      for (let block = 0; block < 4; block++) {
        const here = blockText(page.slices, block, end);
        if (here !== '' && here !== blockText(lower?.slices ?? [], block, end)) bytes += 4096;
      }
    });
  });
  // A broken hard link has another number than the file below: its blocks are the same.
  return overlay?.tree.inodes !== undefined && hasBrokenLinks(store) ? 0 : bytes;
}

const hasBrokenLinks = (store: Store): boolean =>
  [...store.transactions()].some(({ events }) =>
    events.some((event) => event.type === 'FileCopiedUp' && event.ino !== event.upperIno),
  );

/** What lies in a block of a page in front of a file's end: where from, at which place. */
function blockText(slices: readonly number[], block: number, end: number): string {
  const parts: string[] = [];
  for (let quad = 0; quad < slices.length; quad += 4) {
    const from = Math.max(slices[quad], block * 4096);
    const to = Math.min(slices[quad + 1], (block + 1) * 4096, end);
    if (from < to) parts.push(`${from}-${to}:${slices[quad + 2]}+${slices[quad + 3] + from - slices[quad]}`);
  }
  return parts.join();
}
