/** The invariants of copy-on-write as properties: whatever is done, layers stay as they are and the figures add up. */

import fc from 'fast-check';
import { accountingProblems, lowerImmutabilityProblems, StorePlayer, storeCommands } from 'overlog/testing';

const runs = 25;
let commandsRun = 0;

await fc.assert(
  fc.asyncProperty(storeCommands({ maxStretches: 6 }), async (commands) => {
    const player = await StorePlayer.open();
    await player.play(commands);
    commandsRun += commands.length;

    const problems = [...lowerImmutabilityProblems(player.store), ...accountingProblems(player.store)];
    await player.store.close();
    if (problems.length > 0) throw new Error(problems.join('\n'));
  }),
  { numRuns: runs, seed: 1 },
);

console.log(`${runs} lists of commands: no layer has changed, all sizes add up`);
console.log(commandsRun > runs ? 'each list held several commands' : 'the lists were too short to say much');

// Prints:
//
//   25 lists of commands: no layer has changed, all sizes add up
//   each list held several commands
