/**
 * The kernel oracle: the same calls on real overlay mounts and on containers of the engine, compared call by call.
 *
 * A sequence has stages. Each stage runs on a fresh upper, or two for two containers, over the uppers that the stages before
 * it left: layers grow.
 */

import type { EventLog } from '../../events/event-log.ts';
import type { OverlayProfile } from '../../events/event.ts';
import { profileText } from '../../events/overlay-profile.ts';
import { mergeLayer } from '../../projections/tree/merge.ts';
import { Tree } from '../../projections/tree/tree.ts';
import { openMemoryLog } from '../../storage/memory.ts';
import { CompareContainer } from './compare-container.ts';
import { EngineSide } from './engine-side.ts';
import type { KernelCall, Reply, Trees } from './kernel-call.ts';
import { type CallReply, KernelMounts, type StageReply } from './kernel-mounts.ts';
import { upperAsLayer } from './upper-as-layer.ts';

export interface KernelSequence {
  readonly profile: OverlayProfile;
  /** Calls on container 0, whose upper is the next stage's topmost layer, and on container 1 beside it. */
  readonly stages: readonly (readonly KernelCall[])[];
  /** The last stage is on an overlay without an upper, and on a read-only container. Default false. */
  readonly endsReadOnly?: boolean;
}

export interface KernelDifference {
  readonly stage: number;
  /** Index of the call in its stage; null: of the whole stage, when it has ended. */
  readonly call: number | null;
  /** What both sides say, in words. */
  readonly what: string;
}

export interface CompareOptions {
  /** Told what overlog answered and what container 0 held when a stage ended; with no difference the kernel's are the same. */
  readonly onStage?: (seen: { readonly replies: readonly Reply[]; readonly trees: Trees }) => void;
  /** Told what the kernel gave, and how its trees have changed, up to the first difference. */
  readonly onReply?: (stage: number, call: KernelCall, reply: CallReply) => void;
  /** Told of overlog's log at the end. */
  readonly onEnd?: (log: EventLog) => void;
}

interface StageOptions {
  readonly onStage: CompareOptions['onStage'];
  readonly onReply: (call: KernelCall, reply: CallReply) => void;
}

/** Times that lowers get, whatever was done to them. */
const LOWER_TIME_NS = 1_000_000_000_000_000_000;

export class KernelOracle {
  readonly #kernel: KernelMounts;

  /**
   * Takes its mounts and folders down when it is closed, and when this process ends.
   *
   * @param folder - Where it makes a folder of its own; by default the system's for temporary files.
   * @throws `ERR_UNSUPPORTED` that says what is missing; {@link kernelMissing} asks without trying.
   */
  constructor(folder?: string) {
    this.#kernel = new KernelMounts(folder);
  }

  /**
   * Runs a sequence on both sides. Several may be asked for at once: the kernel runs one while others are compared.
   *
   * @returns The first difference, or null.
   */
  async compare(sequence: KernelSequence, options: CompareOptions = {}): Promise<KernelDifference | null> {
    const { profile, stages } = sequence;
    const kernel = await this.#kernel.sequence(stages, {
      options: profileText(profile),
      timeNs: LOWER_TIME_NS,
      endsReadOnly: sequence.endsReadOnly ?? false,
    });
    const log = openMemoryLog();
    let lower = Tree.empty(0n);
    let attributed: ReadonlySet<string> = new Set();
    try {
      for (const [stage, calls] of stages.entries()) {
        const containers = kernel[stage].trees.length;
        const isReadOnly = sequence.endsReadOnly === true && stage === stages.length - 1;
        const side = new EngineSide({ lower, log, profile, containers, attributed, isReadOnly });
        const difference = compareStage(side, calls, kernel[stage], {
          onStage: options.onStage,
          onReply: (call, reply) => options.onReply?.(stage, call, reply),
        });
        side.closeAll();
        attributed = side.attributed();
        if (difference === 'over') return null;
        if (difference !== null) return { stage, ...difference };
        const upper = upperAsLayer(side.overlay(0).tree, BigInt(LOWER_TIME_NS));
        lower = mergeLayer(lower, upper, stage);
      }
      return null;
    } finally {
      options.onEnd?.(log);
    }
  }

  async close(): Promise<void> {
    await this.#kernel.close();
  }
}

function compareStage(
  side: EngineSide,
  calls: readonly KernelCall[],
  kernel: StageReply,
  { onStage, onReply }: StageOptions,
): Omit<KernelDifference, 'stage'> | 'over' | null {
  const containers = Array.from({ length: side.containerCount }, (_, index) => new CompareContainer(side, index));
  const ours: Reply[] = [];
  for (const [index, call] of calls.entries()) {
    const container = containers[call.in];
    const theirs = kernel.replies[index];
    onReply(call, theirs);
    const reply = side.run(call);
    ours.push(reply);
    const answer = container.compareReply(call, theirs, reply);
    if (container.isOver) return 'over';
    const what = answer ?? container.compareTrees(theirs);
    if (what !== null) return { call: index, what };
  }
  for (const [index, container] of containers.entries()) {
    const what = container.compareTrees(kernel.trees[index]);
    if (what !== null) return { call: null, what };
  }
  onStage?.({ replies: ours, trees: side.trees(0) });
  return null;
}
