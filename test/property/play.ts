import fc from 'fast-check';
import type { Outcome } from '../../src/testing/file-call.ts';
import { type StoreCommand, storeCommands } from '../../src/testing/store-command.ts';
import { StorePlayer, type StorePlayerOptions } from '../../src/testing/store-player.ts';
import { check } from './run.ts';

/** A time machine with few, near snapshots, so that short logs need many folds. */
export const SMALL_TIME_MACHINE = { snapshotEvery: 16, snapshotsMax: 4, recentMax: 2 };

export interface Look {
  before?(player: StorePlayer, command: StoreCommand): void;
  after?(player: StorePlayer, command: StoreCommand, outcome: Outcome): void;
  end?(player: StorePlayer): void | Promise<void>;
}

/** Checks something over random commands on a fresh store each time; `look` is made for each. */
export function forAllCommands(
  runs: number,
  look: (player: StorePlayer) => Look | Promise<Look>,
  options: () => Omit<StorePlayerOptions, 'clock'> = () => ({}),
): Promise<void> {
  return check(
    fc.asyncProperty(storeCommands(), async (commands) => {
      const player = await StorePlayer.open({ timeMachine: SMALL_TIME_MACHINE, ...options() });
      try {
        const { before, after, end } = await look(player);
        for (const command of commands) {
          before?.(player, command);
          const outcome = await player.run(command);
          after?.(player, command, outcome);
        }
        await end?.(player);
      } finally {
        await player.store.close();
      }
    }),
    runs,
  );
}
