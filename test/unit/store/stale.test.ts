import { describe, expect, test } from 'vitest';
import { smallStore } from './store-kit.ts';

describe('a file system whose container is gone', () => {
  test('takes no writes: ESTALE, and nothing comes into the log', async () => {
    const store = await smallStore();
    const web = await store.containers.create({ image: 'app' });
    const { fs } = web;
    fs.writeFileSync('/a', '1');
    const file = fs.openSync('/a', 'r+');
    const orphan = fs.openSync('/b', 'w');
    fs.unlinkSync('/b');
    await web.remove();
    const { seq } = store;
    const calls = [
      () => fs.mkdirSync('/d'),
      () => fs.writeFileSync('/a', '2'),
      () => fs.writeSync(file, '3'),
      () => fs.rmSync('/etc', { recursive: true }),
    ];
    for (const call of calls) expect(call).toThrow('ESTALE: stale file handle');
    fs.closeSync(orphan);
    fs.closeSync(file);
    expect(store.seq).toBe(seq);
    await store.containers.create({ image: 'app' });
    expect(store.at('now').seq).toBe(seq + 1);
  });

  test('a tmpfs of the run before is gone as well', async () => {
    const store = await smallStore();
    const web = await store.containers.create({ image: 'app', mounts: [{ type: 'tmpfs', target: '/run' }] });
    const before = web.fs;
    await web.start();
    await web.stop();
    expect(() => before.writeFileSync('/run/x', '')).toThrow('ESTALE');
    web.fs.writeFileSync('/run/x', '');
  });
});
