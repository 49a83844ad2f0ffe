import type { StatsListener } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openMemoryFs } from './memory-fs.ts';

test('a recursive watcher names what changes below it by its path', async () => {
  const { fs } = openMemoryFs();
  fs.mkdirSync('/a/b/c', { recursive: true });
  const events: string[] = [];
  const watcher = fs.watch('/a', { recursive: true }, (type, name) => events.push(`${type} ${name}`));
  fs.writeFileSync('/a/b/c/f', 'x');
  fs.writeFileSync('/outside', 'x');
  fs.unlinkSync('/a/b/c/f');
  await wait(5);
  watcher.close();
  fs.writeFileSync('/a/late', 'x');
  await wait(5);
  expect(events).toEqual(['rename b/c/f', 'change b/c/f', 'rename b/c/f']);
});

test('promises.watch keeps what happens between two steps, and ends with its signal', async () => {
  const { fs } = openMemoryFs();
  const abort = new AbortController();
  const events: string[] = [];
  const watching = (async () => {
    for await (const { eventType, filename } of fs.promises.watch('/', { signal: abort.signal })) {
      events.push(`${eventType} ${filename}`);
      await wait(2);
    }
  })();
  await wait(1);
  fs.mkdirSync('/a');
  fs.mkdirSync('/b');
  await wait(20);
  abort.abort();
  await expect(watching).rejects.toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' });
  expect(events).toEqual(['rename a', 'rename b']);
});

test('names come in the encoding that was asked for', async () => {
  const { fs } = openMemoryFs();
  const names: unknown[] = [];
  const watcher = fs.watch('/', 'buffer', (_, name) => names.push(name));
  fs.mkdirSync('/a');
  await wait(5);
  watcher.close();
  expect(names).toEqual([Buffer.from('a')]);
});

test('watchFile tells what stat said before and says now, once a turn', async () => {
  const { fs } = openMemoryFs();
  fs.writeFileSync('/f', 'x');
  const sizes: string[] = [];
  const listener: StatsListener = (now, before) => sizes.push(`${before.size} → ${now.size}`);
  fs.watchFile('/f', listener);
  fs.writeFileSync('/f', 'longer');
  fs.writeFileSync('/f', 'longest');
  fs.mkdirSync('/elsewhere');
  await wait(5);
  fs.unlinkSync('/f');
  await wait(5);
  fs.unwatchFile('/f', listener);
  fs.writeFileSync('/f', 'again');
  await wait(5);
  expect(sizes).toEqual(['1 → 7', '7 → 0']);
});

test('watchFile of a path that is not there tells once, with all fields 0', async () => {
  const { fs } = openMemoryFs();
  const told: number[][] = [];
  fs.watchFile('/none', { persistent: false }, (now, before) => told.push([now.ino, now.mtimeMs, before.ino]));
  await wait(5);
  fs.unwatchFile('/none');
  expect(told).toEqual([[0, 0, 0]]);
});

test('a closed watcher says so, and a closed one can be closed again', async () => {
  const { fs } = openMemoryFs();
  const watcher = fs.watch('/').unref();
  let closed = 0;
  watcher.on('close', () => closed++);
  watcher.close();
  watcher.close();
  await wait(1);
  expect(closed).toBe(1);
});
