import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { POSIX_PROFILE, profileText } from '../../../src/events/overlay-profile.ts';
import { openStore } from '../../../src/index.ts';
import { listTrees } from '../../../src/testing/kernel/engine-rows.ts';
import type { KernelCall, Row } from '../../../src/testing/kernel/kernel-call.ts';
import { kernelSequences } from '../../../src/testing/kernel/kernel-call-arbitrary.ts';
import { kernelMissing, KernelMounts } from '../../../src/testing/kernel/kernel-mounts.ts';
import type { KernelSequence } from '../../../src/testing/kernel/kernel-oracle.ts';

const missing = kernelMissing();
const LAYER_TIME_NS = 1_000_000_000_000_000_000;

const MARKS = new Set(['trusted.overlay.redirect', 'trusted.overlay.metacopy']);

describe.skipIf(missing !== null)(
  `uppers that the kernel has written, loaded as an image${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let kernel: KernelMounts;
    beforeAll(() => {
      kernel = new KernelMounts();
    });
    afterAll(() => kernel.close());

    it('show what the kernel shows of them, redirects and files without data included (SEM-R13, SEM-X1, SEM-X3)', async () => {
      let marked = 0;
      await fc.assert(
        fc.asyncProperty(kernelSequences(POSIX_PROFILE), async (sequence) => {
          const { theirs, ours, hasMarks } = await load(kernel, sequence);
          if (hasMarks) marked++;
          expect(ours).toEqual(theirs);
        }),
        { numRuns: Number(process.env.OVERLOG_LOAD_RUNS ?? 60) },
      );
      expect(marked).toBeGreaterThan(0);
    }, 600_000);
  },
);

/** Lets the kernel write uppers over each other, shows them through a last mount, and loads them. */
async function load(kernel: KernelMounts, { profile, stages }: KernelSequence) {
  const options = profileText(profile);
  const layers: string[] = [];
  let hasMarks = false;
  const store = await openStore();
  try {
    for (const [index, calls] of stages.entries()) {
      await kernel.mount(0, { lowers: layers.length === 0 ? ['empty'] : layers, options });
      await kernel.calls(inFirst(calls), false);
      const { upper = [] } = await kernel.trees(0);
      hasMarks ||= upper.some(({ xattrs = {} }) => Object.keys(xattrs).some((name) => MARKS.has(name)));
      await kernel.keep(0, `layer${index}`, LAYER_TIME_NS);
      layers.unshift(`layer${index}`);
    }
    await kernel.mount(0, { lowers: layers, options });
    const { merged = [] } = await kernel.trees(0);
    await kernel.keep(0, null, 0);
    const paths = layers.toReversed().map((layer) => kernel.folder(layer));
    const [image] = await store.images.load(paths.join(':'));
    const { overlay } = await store.containers.create({ image: image.id });
    const ours = listTrees({ ...overlay, impure: new Set() }, store.engine.log.chunks).merged;
    return { theirs: shown(merged), ours: shown(ours), hasMarks };
  } finally {
    await kernel.drop(layers);
    await store.close();
  }
}

const inFirst = (calls: readonly KernelCall[]): KernelCall[] => calls.filter((call) => call.in === 0);

/** By path what a tree shows. A layer holds no sockets, and a container has a root of its own (L6). */
function shown(rows: readonly Row[]): Record<string, object> {
  const kept = rows.filter(({ path, type }) => path !== '/' && type !== 'sock');
  return Object.fromEntries(kept.map((row) => [row.path, { ...row, ino: '', nlink: 0, blocks: 0 }]));
}
