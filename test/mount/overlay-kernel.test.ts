/**
 * An overlay that overlog serves beside one of the kernel: the same random calls give the same answers, and leave the same
 * merged tree and the same upper. On overlog's side a remount gives the directories to the kernel and back, so that each
 * reads what the other has written.
 */

import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OverlayProfile } from '../../src/events/event.ts';
import { isDirectoryMode } from '../../src/events/mode.ts';
import { DOCKER_PROFILE, profileOf, profileText } from '../../src/events/overlay-profile.ts';
import { firstRowDifference, text } from '../../src/testing/kernel/compare-rows.ts';
import { kernelSequences } from '../../src/testing/kernel/kernel-call-arbitrary.ts';
import type { KernelCall, Reply, Row } from '../../src/testing/kernel/kernel-call.ts';
import { type CallReply, KernelMounts } from '../../src/testing/kernel/kernel-mounts.ts';
import { type Counterexample, minimize } from '../../src/testing/kernel/minimize.ts';
import type { KernelDifference, KernelSequence } from '../../src/testing/kernel/kernel-oracle.ts';
import { RULES } from '../differential/kernel/rules.ts';
import { parseScript } from '../differential/kernel/script.ts';
import { builtCommand, noOverlay } from './overlay-directories.ts';

const SEED = Number(process.env.OVERLOG_SEED ?? Math.trunc(Math.random() * 2 ** 31));
const RUNS = Number(process.env.OVERLOG_OVERLAY_RUNS ?? 2);
/** Each rule mounts and mounts again: half of them in a run, by the seed, unless all are asked for. */
const SHARE = process.env.OVERLOG_OVERLAY_RULES === 'all' ? 1 : 2;
const LOWER_TIME_NS = 1_000_000_000_000_000_000;

const PROFILES: readonly [string, OverlayProfile, number][] = [
  ['the options off', DOCKER_PROFILE, RUNS],
  ['redirect_dir', profileOf({ redirectDir: true }), Math.ceil(RUNS / 2)],
  ['metacopy', profileOf({ metacopy: true }), Math.ceil(RUNS / 2)],
  ['index', profileOf({ index: true }), Math.ceil(RUNS / 2)],
  ['all three', profileOf({ redirectDir: true, index: true, metacopy: true }), Math.ceil(RUNS / 2)],
];

describe.skipIf(noOverlay !== null)(
  `an overlay served by overlog${noOverlay === null ? '' : ` (skipped: ${noOverlay})`}`,
  () => {
    let kernel: KernelMounts;
    let overlog: KernelMounts;
    beforeAll(() => {
      kernel = new KernelMounts();
      overlog = new KernelMounts();
    });
    afterAll(async () => {
      await kernel.close();
      await overlog.close();
    });

    it.each(PROFILES)(
      'answers as the kernel does and leaves the same upper, which the kernel reads and it reads back, with %s (SEM-1)',
      async (_, profile, numRuns) => {
        let found: Counterexample | null = null;
        for (const sequence of fc.sample(kernelSequences(profile), { seed: SEED, numRuns })) {
          const difference = await compare(kernel, overlog, sequence);
          if (difference !== null) found = { sequence, difference };
          if (found !== null) break;
        }
        const smallest =
          found === null ? null : await minimize(found, (sequence) => compare(kernel, overlog, sequence));
        expect({ seed: SEED, smallest: JSON.stringify(smallest) }).toEqual({ seed: SEED, smallest: 'null' });
      },
      1_200_000,
    );

    // Random calls seldom meet the states that a rule is about.
    it.each(RULES.filter(({ deviation }) => deviation === undefined).filter((_, at) => at % SHARE === SEED % SHARE))(
      'does what the rule says, and leaves the same upper: $title (SEM-$id)',
      async ({ script, options = '' }) => {
        const profile = profileOf({
          redirectDir: options.includes('r'),
          index: options.includes('i'),
          metacopy: options.includes('m'),
        });
        const stages = parseScript(script).map((stage) => stage.map(({ call }) => call));
        expect(await compare(kernel, overlog, { profile, stages })).toBeNull();
      },
      120_000,
    );
  },
);

async function compare(
  kernel: KernelMounts,
  overlog: KernelMounts,
  { profile, stages }: KernelSequence,
): Promise<KernelDifference | null> {
  const lowers: string[] = [];
  const options = profileText(profile);
  try {
    for (const [stage, calls] of stages.entries()) {
      const containers = calls.some((call) => call.in === 1) ? [0, 1] : [0];
      const below = lowers.length === 0 ? ['empty'] : lowers;
      for (const container of containers) {
        await kernel.mount(container, { lowers: below, options });
        await overlog.mount(container, { lowers: below, options, server: builtCommand });
      }
      const difference = await compareStage(kernel, overlog, containers, calls);
      for (const side of [kernel, overlog]) {
        for (const container of containers)
          await side.keep(container, container === 0 ? `layer${stage}` : null, LOWER_TIME_NS);
      }
      lowers.unshift(`layer${stage}`);
      if (difference !== null) return { stage, ...difference };
    }
    return null;
  } finally {
    await kernel.drop(lowers);
    await overlog.drop(lowers);
  }
}

async function compareStage(
  kernel: KernelMounts,
  overlog: KernelMounts,
  containers: readonly number[],
  calls: readonly KernelCall[],
): Promise<Omit<KernelDifference, 'stage'> | null> {
  const [theirs, ours] = [await kernel.calls(calls, false), await overlog.calls(calls, false)];
  const replies = compareReplies(calls, theirs, ours);
  if (replies !== null) return replies;
  for (const container of containers) {
    const trees = await compareTrees(kernel, overlog, container);
    if (trees !== null) return { call: null, what: trees };
    // The other one reads what was written.
    for (const side of [kernel, overlog]) await side.calls([{ op: 'remount', in: container as 0 | 1 }], false);
    const read = await compareTrees(kernel, overlog, container);
    if (read !== null) return { call: null, what: `after a remount: ${read}` };
  }
  return null;
}

function compareReplies(
  calls: readonly KernelCall[],
  kernel: readonly CallReply[],
  overlog: readonly CallReply[],
): { call: number; what: string } | null {
  for (const [call, asked] of calls.entries()) {
    const [theirs, ours] = [shown(asked, kernel[call]), shown(asked, overlog[call])];
    if (theirs !== ours) return { call, what: `${text(asked)}: kernel ${theirs}, overlog ${ours}` };
  }
  return null;
}

/** An answer without what the file system below decides. */
function shown(call: KernelCall, { value, error }: Reply): string {
  if (error !== undefined) return error;
  if (call.op === 'listdir') return value === null ? 'null' : text(value);
  if (call.op !== 'stat' && call.op !== 'fstat') return text(value);
  const { blocks: _, ...rest } = value as Record<string, unknown>;
  // A copied-up directory merges, and has other links then; the kernel hears of that a moment after the call that did it.
  if (isDirectoryMode(rest['mode'] as number)) delete rest['nlink'];
  return text(rest);
}

const NOTHING: ReadonlyMap<string, Row> = new Map();

async function compareTrees(kernel: KernelMounts, overlog: KernelMounts, container: number): Promise<string | null> {
  const [theirs, ours] = [await kernel.trees(container), await overlog.trees(container)];
  for (const what of ['merged', 'upper'] as const) {
    const [a, b] = [withoutBlocks(theirs[what]), withoutBlocks(ours[what])];
    if (what === 'upper') leaveOutIndexed(a, b);
    const difference = firstRowDifference(
      { now: a, before: NOTHING },
      { now: b, before: NOTHING },
      {
        isUpper: what === 'upper',
        comparesRoot: true,
        hasMarks: () => true,
        comparesImpure: false,
        mayHaveBlock: () => true,
        comparesChanges: false,
      },
    );
    if (difference !== null) return `${what}: ${difference}`;
  }
  return null;
}

/**
 * With `index` a server hears of nodes, not of the name that a program came by. So other names of a hard link, and what leads
 * to them, may come into the upper; that they make one node, the merged trees tell, which the kernel shows of it, too.
 */
function leaveOutIndexed(a: Row[], b: Row[]): void {
  const isIndexed = ({ xattrs }: Row): boolean => 'trusted.overlay.nlink' in (xattrs ?? {});
  const indexed = new Set([...a, ...b].filter(isIndexed).map(({ path }) => path));
  if (indexed.size === 0) return;
  const inBoth = new Set(a.map(({ path }) => path).filter((path) => b.some((row) => row.path === path)));
  for (const rows of [a, b]) {
    const kept = rows.filter(({ path, type }) => !indexed.has(path) && (type !== 'dir' || inBoth.has(path)));
    rows.splice(0, rows.length, ...kept);
  }
}

const withoutBlocks = (rows: readonly Row[] = []): Row[] => rows.map((row) => ({ ...row, blocks: 0 }));
