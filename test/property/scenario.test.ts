import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BufferOutput } from '../../src/cli/output.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import { openStore, parseScenario, runScenario, ScenarioClock, scenarioHost, type Store } from '../../src/index.ts';
import { computeRoots } from '../../src/testing/roots.ts';
import { storeCommands } from '../../src/testing/store-command.ts';
import { StorePlayer } from '../../src/testing/store-player.ts';
import { SMALL_TIME_MACHINE } from './play.ts';
import { check } from './run.ts';

test('commands written down as a scenario and replayed give the same answers and the same trees (law 9)', async () => {
  await check(
    fc.asyncProperty(storeCommands(), async (commands) => {
      const player = await StorePlayer.open({ timeMachine: SMALL_TIME_MACHINE });
      await player.play(commands);
      player.closeFiles();
      const replayed = await replay(player.scenario());
      expect(replayed.seq).toBe(player.store.seq);
      expect(computeRoots(replayed.world, replayed.engine.log.chunks)).toEqual(
        computeRoots(player.store.world, player.store.engine.log.chunks),
      );
      await player.store.close();
      await replayed.close();
    }),
    60,
  );
});

/** As the verb `replay` plays it. */
async function replay(text: string): Promise<Store> {
  const scenario = parseScenario('run.scn', Buffer.from(text));
  const clock = new ScenarioClock(scenario.clock);
  const store = await openStore({ clock: clock.now, timeMachine: SMALL_TIME_MACHINE });
  const host = scenarioHost(store, async (argv) => {
    const stdout = new BufferOutput();
    const stderr = new BufferOutput();
    const exitCode = await runCli({ argv, stdout, stderr, env: { NO_COLOR: '1' }, session: store });
    return { stdout: stdout.bytes(), stderr: stderr.bytes().toString(), exitCode };
  });
  const { failure } = await runScenario(scenario, host, clock);
  expect(failure).toBeNull();
  return store;
}
