import fc from 'fast-check';
import type { OverlayProfile } from '../../events/event.ts';
import { storeError } from '../../events/log-error.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import type { Store } from '../../store/store.ts';
import type { FileCall } from '../file-call.ts';
import { fileCalls } from '../file-call-arbitrary.ts';
import { modelDifference, modelEntries, modelTreeDifference, type OnAnswer } from '../laws/model-law.ts';
import { PosixModel } from '../model.ts';
import { PLAIN_SCENARIO } from '../sample-scenario.ts';
import { callLines } from '../scenario/command-text.ts';
import { storeOf } from '../scenario/store-of.ts';
import { comment, type FuzzTarget } from './fuzz-target.ts';

interface ModelSequence {
  readonly on: 'container' | 'volume';
  readonly calls: readonly FileCall[];
}

/** A container over three layers, or a volume, against the plain model. */
export function modelTarget(profile: OverlayProfile): FuzzTarget<ModelSequence> {
  if (profile.redirectDir || profile.index || profile.metacopy) {
    const message = 'the model knows the docker profile alone; the kernel and the laws know every one';
    throw storeError('ERR_UNSUPPORTED', message);
  }
  return {
    sequences: fc.record({
      on: fc.constantFrom('container' as const, 'container' as const, 'volume' as const),
      calls: fileCalls({ maxLength: 80 }),
    }),
    count: ({ calls }) => calls.length,
    judge: async (sequence, counts) => {
      const [store, what] = await play(sequence, (call, outcome) => {
        const flags = call.call === 'rename' ? call.flags : 0;
        counts.operation(call.call, 'error' in outcome ? outcome.error : null, flags);
      });
      for (const { cause, events } of store.engine.log.read()) counts.events(cause[0], events);
      await store.close();
      return what;
    },
    scenario: async (sequence, what) => {
      const name = sequence.on === 'container' ? 'web' : 'data';
      const lines: string[] = [];
      const [store] = await play(sequence, (call, outcome) => lines.push(...callLines(name, call, outcome)));
      await store.close();
      return `${comment(what)}${PLAIN_SCENARIO}${MADE.join('\n')}\n${lines.join('\n')}\n`;
    },
    close: async () => {},
  };
}

const MADE = ['container web plain:1', 'volume data'];

async function play({ on, calls }: ModelSequence, onAnswer: OnAnswer): Promise<[store: Store, what: string | null]> {
  const store = await storeOf(`${PLAIN_SCENARIO}${MADE.join('\n')}\n`);
  const { chunks } = store.engine.log;
  const isContainer = on === 'container';
  const tree = isContainer
    ? store.containers.get('web').overlay.tree
    : (store.world.overlay(store.volumes.get('data').subject)?.tree as Tree);
  const model = new PosixModel(isContainer ? modelEntries(tree, chunks) : null);
  const fs = isContainer ? store.containers.get('web').fs : store.volumes.fs('data');
  const difference =
    modelDifference(fs, model, calls, isContainer, onAnswer) ?? modelTreeDifference(tree, chunks, model);
  return [store, difference?.what ?? null];
}
