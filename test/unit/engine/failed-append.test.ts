import { expect, it } from 'vitest';
import type { FileEvent } from '../../../src/events/event.ts';
import { openStore } from '../../../src/index.ts';
import { openMemoryLog } from '../../../src/storage/memory.ts';

it('takes no more writes once the log has refused what the world has already taken in', async () => {
  const log = openMemoryLog();
  const store = await openStore({ log });
  const container = await store.containers.create({});
  container.fs.mkdirSync('/before');
  const { append } = log;
  log.append = () => {
    throw new Error('the disk is gone');
  };
  expect(() => container.fs.mkdirSync('/lost')).toThrow();
  log.append = append;
  const { head } = log;
  expect(() => container.fs.mkdirSync('/after')).toThrow(expect.objectContaining({ code: 'EIO', syscall: 'mkdir' }));
  expect(log.head).toBe(head);
  expect(store.at('now').containers.get(container.name).fs.readdirSync('/')).toEqual(['before']);
});

it('keeps an event that no fold can take out of the log', async () => {
  const log = openMemoryLog();
  const store = await openStore({ log });
  const container = await store.containers.create({});
  const { head } = log;
  const impossible: FileEvent = { type: 'Truncated', ino: 99, size: 0, timeNs: 0n };
  const { engine } = store;
  expect(() => engine.commit(container.subject, ['bug'], [impossible], engine.now())).toThrow('there is no node 99');
  expect(log.head).toBe(head);
});

it('makes several transactions of a call with more events than one can hold', async () => {
  const store = await openStore(':memory:');
  const container = await store.containers.create({});
  const { engine } = store;
  const before = engine.log.head;
  const event: FileEvent = {
    type: 'AttributesChanged',
    ino: 1,
    mode: 0o755,
    uid: null,
    gid: null,
    atimeNs: null,
    mtimeNs: null,
    ctimeNs: null,
  };
  engine.transact(['large'], () => {
    for (let index = 0; index < 100_001; index++) engine.commit(container.subject, ['part'], [event], engine.now());
  });
  const counts = [...engine.log.read(before + 1)].map((transaction) => transaction.events.length);
  expect(counts).toEqual([100_000, 1]);
});
