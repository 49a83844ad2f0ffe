import { expect, test } from 'vitest';
import { isStoreError } from '../../../src/index.ts';
import type { EventLog } from '../../../src/events/event-log.ts';
import { storeError } from '../../../src/events/log-error.ts';
import { openMemoryLog } from '../../../src/storage/memory.ts';
import { smallStore } from './store-kit.ts';

/** A log in memory that can be made to fail, as a disk does. */
function breakableLog(): { log: EventLog; break: () => void } {
  const memory = openMemoryLog();
  let isBroken = false;
  const log: EventLog = {
    chunks: memory.chunks,
    get head() {
      return memory.head;
    },
    get syncedSeq() {
      return memory.syncedSeq;
    },
    readOnly: false,
    get failed() {
      return isBroken;
    },
    append: (transaction) => {
      if (isBroken) throw storeError('ERR_LOG_FAILED', 'the disk failed');
      memory.append(transaction);
    },
    read: (from, to) => memory.read(from, to),
    flush: () => memory.flush(),
    flushSync: () => memory.flushSync(),
    sync: () => memory.sync(),
    syncSync: () => memory.syncSync(),
    refresh: () => memory.refresh(),
    close: () => memory.close(),
    closeSync: () => memory.closeSync(),
  };
  return {
    log,
    break: () => {
      isBroken = true;
    },
  };
}

test('a store whose log failed goes on reading; commands are refused and writes are EIO', async () => {
  const breakable = breakableLog();
  const store = await smallStore({ log: breakable.log });
  const web = await store.containers.create({ image: 'app', name: 'web' });
  web.fs.writeFileSync('/a', '1');
  const { seq } = store;
  breakable.break();
  expect(() => web.fs.writeFileSync('/a', '2')).toThrow('EIO: i/o error');
  expect(() => web.fs.mkdirSync('/d')).toThrow('EIO: i/o error');
  await expect(web.start()).rejects.toSatisfy((error) => isStoreError(error, 'ERR_LOG_FAILED'));
  expect(web.fs.readFileSync('/a', 'utf8')).toBe('1');
  expect(store.at(seq).containers.get('web').fs.readFileSync('/a', 'utf8')).toBe('1');
});
