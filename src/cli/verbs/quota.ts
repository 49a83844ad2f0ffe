import { usageError } from '../exit-codes.ts';
import { sizeText } from '../format/size.ts';
import { countLimit, sizeLimit } from '../format/limit.ts';
import type { Verb } from '../verb.ts';

export const quotaVerb: Verb = {
  name: 'quota',
  summary: 'show or set how much the writable layer of a container may hold',
  details:
    'Bytes are those of ps -s. A call that would go beyond a limit is refused with ENOSPC, as by overlay2 with a size on XFS. ' +
    'A limit may be set below what is there: then nothing more fits.',
  args: [{ form: '<container>', description: 'name or id' }],
  options: [
    { flags: '--size <size>', description: 'bytes, also 512k, 10m, 2g (of 1024); none: no limit' },
    { flags: '--inodes <count>', description: 'files, directories and other nodes; none: no limit' },
  ],
  examples: [
    { command: 'quota web --size 10m', explains: 'ten MiB at most' },
    { command: 'quota web', explains: 'the limits, and what is used' },
  ],
  hasSizes: true,
  run: async (context, [reference], options) => {
    const size = sizeLimit(options, 'size');
    const inodes = countLimit(options, 'inodes');
    const isSet = size !== undefined || inodes !== undefined;
    const store = await context.store(isSet ? 'write' : 'read');
    if (isSet) {
      const container = store.containers.get(reference);
      if (!('setQuota' in container)) throw usageError('a past moment cannot be changed');
      await container.setQuota({ ...(size !== undefined && { bytes: size }), ...(inodes !== undefined && { inodes }) });
    }
    const container = store.containers.get(reference);
    const { quota } = container;
    const { sizeRwBytes, upperNodes } = container.sizes();
    const exact = context.options['bytes'] === true;
    const of = (limit: string | null): string => (limit === null ? ' of any' : ` of ${limit}`);
    context.answer({ ...quota, usedBytes: sizeRwBytes, usedInodes: upperNodes }, () => {
      const bytes = `${sizeText(sizeRwBytes, exact)}${of(quota.bytes === null ? null : sizeText(quota.bytes, exact))}`;
      return `size    ${bytes}\ninodes  ${upperNodes}${of(quota.inodes === null ? null : String(quota.inodes))}\n`;
    });
  },
};
