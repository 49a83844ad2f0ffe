import type { OverlayProfile } from '../../events/event.ts';
import { accountingProblems } from '../laws/accounting.ts';
import { isolationProblems } from '../laws/isolation.ts';
import { lowerImmutabilityProblems } from '../laws/lower-immutability.ts';
import { minimalityProblems } from '../laws/minimality.ts';
import { overlayProblems } from '../laws/overlay-law.ts';
import { projectionProblems, replayProblems } from '../laws/replay-equality.ts';
import { exportProblems } from '../laws/round-trip.ts';
import { timeProblems } from '../laws/time-law.ts';
import { StateRecorder } from '../state-recorder.ts';
import { type StoreCommand, storeCommands } from '../store-command.ts';
import { StorePlayer } from '../store-player.ts';
import { comment, type FuzzTarget } from './fuzz-target.ts';

/** Time machine with near snapshots, so that short logs need folds between them. */
const TIME_MACHINE = { snapshotEvery: 16, snapshotsMax: 4, recentMax: 2 };

/** The laws, after commands on several containers, volumes and images, with forks and rewinds between them. */
export function selfTarget(profile: OverlayProfile): FuzzTarget<readonly StoreCommand[]> {
  const play = async (
    commands: readonly StoreCommand[],
    look?: (command: StoreCommand, error: string | null) => void,
  ) => {
    const player = await StorePlayer.open({ timeMachine: TIME_MACHINE, profile });
    const recorder = new StateRecorder(player.store);
    for (const command of commands) {
      const outcome = await player.run(command);
      look?.(command, 'error' in outcome ? outcome.error : null);
    }
    return { player, recorder };
  };
  return {
    sequences: storeCommands(),
    count: (commands) => commands.length,
    judge: async (commands, counts) => {
      const { player, recorder } = await play(commands, (command, error) => {
        const kind = command.command === 'call' ? command.call.call : command.command;
        const flags = command.command === 'call' && command.call.call === 'rename' ? command.call.flags : 0;
        counts.operation(kind, error, flags);
      });
      const { store } = player;
      for (const { cause, events } of store.engine.log.read()) counts.events(cause[0], events);
      const problems = [
        ...lowerImmutabilityProblems(store),
        ...replayProblems(store, recorder.states),
        ...isolationProblems(store, recorder.states),
        ...timeProblems(store, recorder.states),
        ...projectionProblems(store, 7),
        ...minimalityProblems(store),
        ...overlayProblems(store),
        ...accountingProblems(store),
        ...(await exportProblems(store)),
      ];
      await store.close();
      return problems.length === 0 ? null : excerpt(problems);
    },
    scenario: async (commands, what) => {
      const { player } = await play(commands);
      player.closeFiles();
      const text = `${comment(what)}${player.scenario()}`;
      await player.store.close();
      return text;
    },
    close: async () => {},
  };
}

/** One mistake breaks many laws in many places. */
function excerpt(problems: readonly string[]): string {
  const more = problems.length - SHOWN_MAX;
  return [...problems.slice(0, SHOWN_MAX), ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}

const SHOWN_MAX = 3;
