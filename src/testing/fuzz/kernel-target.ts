import type { OverlayProfile } from '../../events/event.ts';
import { kernelSequences } from '../kernel/kernel-call-arbitrary.ts';
import type { CallReply } from '../kernel/kernel-mounts.ts';
import { KernelOracle, type KernelSequence } from '../kernel/kernel-oracle.ts';
import { comment, type FuzzTarget } from './fuzz-target.ts';
import { kernelScenario } from './kernel-scenario.ts';

/** Real overlay mounts with the profile's options. @throws `ERR_UNSUPPORTED` that says what is missing. */
export function kernelTarget(profile: OverlayProfile): FuzzTarget<KernelSequence> {
  const oracle = new KernelOracle();
  return {
    sequences: kernelSequences(profile),
    count: ({ stages }) => stages.reduce((sum, calls) => sum + calls.length, 0),
    judge: async (sequence, counts) => {
      const difference = await oracle.compare(sequence, {
        onReply: (_, call, { error }) =>
          counts.operation(call.op, error ?? null, call.op === 'rename' ? call.flags : 0),
        onEnd: (log) => {
          for (const { cause, events } of log.read()) counts.events(cause[0], events);
        },
      });
      return difference === null ? null : `stage ${difference.stage}: ${difference.what}`;
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
