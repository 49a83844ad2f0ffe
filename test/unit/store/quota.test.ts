import { expect, test } from 'vitest';
import { openStore } from '../../../src/store/open-store.ts';

const KIB = 1024;

test('a write beyond the quota is ENOSPC, leaves no event, and what fits goes on (SEM-QUOTA-1)', async () => {
  await using store = await openStore();
  const { fs } = await store.containers.create({ name: 'c', quota: { bytes: 10 * KIB } });
  fs.writeFileSync('/a', Buffer.alloc(8 * KIB));
  fs.writeFileSync('/b', '');
  const { seq } = store;
  expect(() => fs.appendFileSync('/b', Buffer.alloc(3 * KIB))).toThrow(
    expect.objectContaining({ code: 'ENOSPC', errno: -28, syscall: 'write' }) as Error,
  );
  expect(store.seq).toBe(seq);
  expect(fs.statSync('/b').size).toBe(0);
  expect(() => fs.truncateSync('/b', 3 * KIB)).toThrow(expect.objectContaining({ code: 'ENOSPC' }) as Error);
  fs.appendFileSync('/b', Buffer.alloc(2 * KIB));
  fs.unlinkSync('/a');
  fs.writeFileSync('/c', Buffer.alloc(8 * KIB));
});

test('a quota of nodes refuses new ones, and removing makes room (SEM-QUOTA-1)', async () => {
  await using store = await openStore();
  const container = await store.containers.create({ name: 'c', quota: { inodes: 3 } });
  const { fs } = container;
  fs.mkdirSync('/d');
  fs.writeFileSync('/d/a', 'a');
  expect(() => fs.symlinkSync('x', '/d/l')).toThrow(expect.objectContaining({ code: 'ENOSPC' }) as Error);
  fs.linkSync('/d/a', '/d/b');
  fs.unlinkSync('/d/a');
  fs.unlinkSync('/d/b');
  fs.symlinkSync('x', '/d/l');
  expect(container.sizes().upperNodes).toBe(3);
});

test('a quota changes later, goes with a fork, and was what it was (SEM-QUOTA-2)', async () => {
  await using store = await openStore();
  const container = await store.containers.create({ name: 'c' });
  expect(container.quota).toEqual({ bytes: null, inodes: null });
  await container.setQuota({ bytes: KIB });
  const then = store.seq;
  await container.setQuota({ inodes: 5 });
  expect(container.quota).toEqual({ bytes: KIB, inodes: 5 });
  expect(store.at(then).containers.get('c').quota).toEqual({ bytes: KIB, inodes: null });
  const fork = await store.containers.fork('c', { name: 'f' });
  expect(fork.quota).toEqual({ bytes: KIB, inodes: 5 });
  await container.setQuota({ bytes: null, inodes: null });
  expect(store.world.registry.quotas.has(container.subject)).toBe(false);
  await expect(container.setQuota({ bytes: -1 })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  container.fs.writeFileSync('/large', Buffer.alloc(4 * KIB));
  expect(() => fork.fs.writeFileSync('/large', Buffer.alloc(4 * KIB))).toThrow(
    expect.objectContaining({ code: 'ENOSPC' }) as Error,
  );
});
