import { expect, test } from 'vitest';
import { openStore, parseScenario, runScenario, ScenarioClock, scenarioHost } from '../../../../src/index.ts';

async function play(steps: string) {
  const text = `image app:1\n  FROM scratch\n  RUN mkdir /d; echo -n lower > /f\nend\nvolume v\ncontainer web app:1 -v v:/v\n${steps}`;
  const scenario = parseScenario('sys.scn', Buffer.from(text));
  const clock = new ScenarioClock(scenario.clock);
  const store = await openStore({ clock: clock.now });
  const { failure } = await runScenario(
    scenario,
    scenarioHost(store, () => Promise.reject(new Error('no'))),
    clock,
  );
  return { store, failure };
}

test('descriptors stay open from step to step, also of a file that loses its name', async () => {
  const { failure, store } = await play(`web$ sys open 3 /f O_RDWR,O_APPEND
web$ sys write 3 x 3
  3
web$ sys unlink /f
web$ sys pread 3 100 0
  8 "lowerxxx"
web$ sys fstat 3
  file 0644 0:0 0 8
web$ sys linkat 3 /again; sys close 3
`);
  expect(failure).toMatchObject({ message: expect.stringContaining('ENOENT') });
  expect(store.containers.get('web').fs.readdirSync('/')).toEqual(['d', 'v']);
});

test('a nameless file gets a name, and a volume is addressed by its own', async () => {
  const { failure, store } = await play(`web$ sys open 0 /v O_RDWR,O_TMPFILE 0640
web$ sys pwrite 0 2 z; sys linkat 0 /v/named
  1
v$ sys lstat /named
  file 0640 0:0 1 3
v! sys mkdir /named 0700
  EEXIST
`);
  expect(failure).toBeNull();
  expect(store.volumes.fs('v').readFileSync('/named', 'latin1')).toBe('\0\0z');
});

test('a refusal is expected by its errno, and a wrong form says how the call is written', async () => {
  expect((await play('web! sys rename /d /e\n  EXDEV\n')).failure).toBeNull();
  expect((await play('web! sys read 7 10\n  EBADF\n')).failure).toBeNull();
  expect((await play('web$ sys open 1 /f O_NONSENSE\n')).failure?.message).toContain('sys open FD PATH FLAGS [MODE]');
  expect((await play('web$ sys nothing\n')).failure?.message).toContain('usage: sys open');
});
