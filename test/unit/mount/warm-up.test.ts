import { expect, test } from 'vitest';
import { warmServer } from '../../../src/cli/mounting/warm-server.ts';
import { lookAround, MountServer } from '../../../src/entry/mount.ts';
import { memoryStore } from '../../e2e/command.ts';

test('what a server is warmed up with is carried out, every request of it', async () => {
  expect(await warmServer()).toStrictEqual([]);
});

test('looking around changes nothing, and leaves nothing open', async () => {
  const store = await memoryStore();
  const container = await store.containers.create({ name: 'web' });
  container.fs.mkdirSync('/dir');
  container.fs.writeFileSync('/\u{e9}t\u{e9}', 'content');
  const server = new MountServer({
    device: -1,
    namespace: container.namespace(),
    group: 'test',
    isWanted: () => true,
    onNotices: () => {},
  });
  const { seq } = store;
  lookAround(server);
  expect(store.seq).toBe(seq);
  expect([...server.session.handles.all()]).toStrictEqual([]);
  server.close();
});
