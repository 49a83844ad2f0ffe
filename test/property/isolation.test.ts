import { expect, test } from 'vitest';
import type { SubjectId } from '../../src/events/event.ts';
import { computeRoots } from '../../src/testing/roots.ts';
import { changedSubjects } from '../../src/testing/state-recorder.ts';
import type { StoreCommand } from '../../src/testing/store-command.ts';
import type { StorePlayer } from '../../src/testing/store-player.ts';
import { lowerImmutabilityProblems } from '../../src/testing/laws/lower-immutability.ts';
import { forAllCommands } from './play.ts';

test('a command changes no tree but those of its container, the volumes mounted there, and new ones (law 3)', async () => {
  await forAllCommands(60, ({ store }) => {
    let before = computeRoots(store.world, store.engine.log.chunks);
    let allowed = new Set<SubjectId>();
    return {
      before(player, command) {
        allowed = subjectsOf(player, command);
      },
      after() {
        const after = computeRoots(store.world, store.engine.log.chunks);
        const others = changedSubjects(before, after).filter((subject) => before.has(subject) && !allowed.has(subject));
        expect(others).toEqual([]);
        before = after;
      },
      end: () => expect(lowerImmutabilityProblems(store)).toEqual([]),
    };
  });
});

/** What a command may change, by what was asked, not by what the log says. */
function subjectsOf(player: StorePlayer, command: StoreCommand): Set<SubjectId> {
  const { registry } = player.store.world;
  const withMounts = (subject: SubjectId): SubjectId[] => [
    subject,
    ...(registry.containers.get(subject)?.mounts ?? []).map(({ volume }) => volume),
  ];
  switch (command.command) {
    case 'call': {
      const subjects = [...(player.placeOf(command.on)?.subjects ?? [])];
      for (const key of ['slot', 'from', 'to'] as const) {
        const slot = (command.call as Record<string, unknown>)[key];
        const file = typeof slot === 'number' ? player.slots.get(slot) : undefined;
        if (file !== undefined) subjects.push(...file.subjects);
      }
      return new Set(subjects);
    }
    case 'create':
    case 'fork':
      // A new container may be the one whose content fills an empty volume.
      return new Set(registry.volumes.keys());
    case 'commit':
    case 'label':
    case 'unlabel':
    case 'makeVolume':
    case 'removeImage':
      return new Set();
    case 'removeVolume':
      return new Set(
        [...registry.volumes.values()].filter(({ name }) => name === `v${command.name}`).map((v) => v.volume),
      );
    case 'rewind':
    case 'rename':
      return new Set([player.containerOf(command.on).subject]);
    default:
      return new Set(withMounts(player.containerOf(command.on).subject));
  }
}
