import { describe, expect, it } from 'vitest';
import { parseScenario, runScenario, ScenarioClock, scenarioHost, type Store } from '../../src/index.ts';
import { memoryStore, runCommand } from './command.ts';

const IMAGE = `
image app:1
  FROM scratch
  ADD fill(1000,"a") /data/seed
  ADD fill(3,"b") /etc/app.conf
end
`;

/** A store in which a scenario has been played. */
async function played(text: string): Promise<Store> {
  const store = await memoryStore();
  const host = scenarioHost(store, () => Promise.reject(new Error('no verbs here')));
  const { failure } = await runScenario(parseScenario('a.scn', Buffer.from(text)), host, new ScenarioClock(null));
  expect(failure).toBeNull();
  return store;
}

describe('where', () => {
  it('names first what is read, and then the opaque directory that it lies in', async () => {
    const store = await played(`${IMAGE}
container c1 app:1
c1$ rm -r /data ; mkdir /data ; echo fresh > /data/seed
`);
    const { stdout } = await runCommand(['where', 'c1:/data/seed'], store);
    expect(stdout).toMatch(/^upper\(c1\)\tmade at #\d+ by write of 6 bytes\n$/);
    const all = await runCommand(['where', '--all', 'c1:/data/seed'], store);
    expect(all.stdout.replaceAll(/#\d+/g, '#')).toBe(
      'upper(c1)\tmade at # by write of 6 bytes\n' +
        'opaque directory /data in upper(c1) at #, hides app:1/layer1\n' +
        'app:1/layer1\t1000 bytes, hidden\n',
    );
  });

  it('names the opaque directory where that hides the path', async () => {
    const store = await played(`${IMAGE}
container c1 app:1
c1$ rm -r /data ; mkdir /data
`);
    const { stdout } = await runCommand(['where', 'c1:/data/seed'], store);
    expect(stdout).toMatch(/^opaque directory \/data in upper\(c1\) at #\d+, hides app:1\/layer1\n$/);
  });
});
