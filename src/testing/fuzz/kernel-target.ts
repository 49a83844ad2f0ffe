import type { OverlayProfile } from '../../events/event.ts';
import { kernelSequences } from '../kernel/kernel-call-arbitrary.ts';
import type { CallReply } from '../kernel/kernel-mounts.ts';
import { type KernelDifference, KernelOracle, type KernelSequence } from '../kernel/kernel-oracle.ts';
import { countCalls, minimize } from '../kernel/minimize.ts';
import { comment, type FuzzTarget } from './fuzz-target.ts';
import { kernelScenario } from './kernel-scenario.ts';

/** Real overlay mounts with the profile's options. @throws `ERR_UNSUPPORTED` that says what is missing. */
export function kernelTarget(profile: OverlayProfile): FuzzTarget<KernelSequence> {
  const oracle = new KernelOracle();
  return {
    sequences: kernelSequences(profile),
    count: countCalls,
    judge: async (sequence, counts) => {
      const difference = await oracle.compare(sequence, {
        onReply: (_, call, { error }) =>
          counts.operation(call.op, error ?? null, call.op === 'rename' ? call.flags : 0),
        onEnd: (log) => {
          for (const { cause, events } of log.read()) counts.events(cause[0], events);
        },
      });
      return difference === null ? null : inWords(difference);
    },
    minimize: async (found) => {
      const difference = await oracle.compare(found);
      if (difference === null) throw new Error('a sequence that differed does not differ again');
      const smallest = await minimize({ sequence: found, difference }, (sequence) => oracle.compare(sequence));
      return { sequence: smallest.sequence, what: inWords(smallest.difference) };
    },
    scenario: async (sequence, what) => {
      const stages: CallReply[][] = [];
      await oracle.compare(sequence, {
        onReply: (stage, _, reply) => {
          while (stages.length <= stage) stages.push([]);
          stages[stage].push(reply);
        },
      });
      return `${comment(what)}${kernelScenario(sequence, stages)}`;
    },
    close: () => oracle.close(),
  };
}

const inWords = ({ stage, what }: KernelDifference): string => `stage ${stage}: ${what}`;
