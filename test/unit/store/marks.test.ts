import { describe, expect, it } from 'vitest';
import { openStore } from '../../../src/store/open-store.ts';

const DOCKER =
  '{"status":"die","id":"4f1c","from":"app:1","Type":"container","Action":"die","Actor":{"ID":"4f1c","Attributes":{"exitCode":"0","image":"app:1","name":"web"}},"scope":"local","time":1700000000,"timeNano":1700000000123456789}';
const PODMAN =
  '{"Name":"web","Status":"died","Time":"2023-11-14T23:13:21.5+01:00","Type":"container","ID":"4f1c","Image":"app:1","ContainerExitCode":137}';

describe('marks', () => {
  it('take docker’s and podman’s events at their own times, to the nanosecond', async () => {
    const store = await openStore();
    expect(await store.marks.import(`${PODMAN}\n\n${DOCKER}\n`, 'events.json')).toBe(2);
    expect(store.marks.list()).toMatchObject([
      {
        source: 'docker',
        timeNs: 1_700_000_000_123_456_789n,
        text: 'container die web',
        attributes: [
          ['exitCode', '0'],
          ['id', '4f1c'],
          ['image', 'app:1'],
          ['name', 'web'],
        ],
      },
      { source: 'podman', timeNs: 1_700_000_001_500_000_000n, text: 'container died web' },
    ]);
  });

  it('are not taken twice, and can be notes', async () => {
    const store = await openStore();
    await store.marks.import(DOCKER, 'events.json');
    expect(await store.marks.import(`${DOCKER}\n${PODMAN}`, 'events.json')).toBe(1);
    await store.marks.add('a note');
    expect(store.marks.list().map(({ text }) => text)).toEqual(['container die web', 'container died web', 'a note']);
  });

  it.each(['not json', '{}', '[1]', '{"Type":"container","Action":"die","Actor":{}}'])(
    'refuse %s with its line, and take nothing',
    async (line) => {
      const store = await openStore();
      const { seq } = store;
      await expect(store.marks.import(`${DOCKER}\n${line}\n`, 'events.json')).rejects.toMatchObject({
        code: 'ERR_LOG_IMPORT',
        message: 'events.json: line 2 is not an event of docker events or podman events in JSON',
      });
      expect(store.seq).toBe(seq);
    },
  );
});
