import { expect, test } from 'vitest';
import type { FileCall } from '../../src/testing/file-call.ts';
import { computeRoots } from '../../src/testing/roots.ts';
import { canonicalText } from '../../src/testing/canonical.ts';
import type { StoreCommand } from '../../src/testing/store-command.ts';
import { forAllCommands } from './play.ts';

test('a refused command changes nothing: neither log, nor registry, nor any tree (law 7)', async () => {
  await forAllCommands(60, ({ store }) => {
    const state = () => ({
      seq: store.seq,
      registry: canonicalText(store.world.registry),
      roots: computeRoots(store.world, store.engine.log.chunks),
    });
    let before = state();
    return {
      after(_, command, outcome) {
        const after = state();
        if ('error' in outcome && !mayChangeWhenRefused(command)) expect(after).toEqual(before);
        before = after;
      },
    };
  });
});

/** setxattr is refused after the copy-up (SEMANTICS 1.2). rm -r is many calls: what was done before the refused one stays. */
function mayChangeWhenRefused(command: StoreCommand): boolean {
  return command.command === 'call' && REFUSED_LATE.has(command.call.call);
}

const REFUSED_LATE: ReadonlySet<FileCall['call']> = new Set(['setxattr', 'removeAll']);
