import { checkInvariants, salvageLog, type TornTail, verifyCheckpoints, verifyLog } from '../../index.ts';
import type { VerbContext } from '../context.ts';
import { EXIT_CORRUPT, usageError } from '../exit-codes.ts';
import { formatSize, plural } from '../format/size.ts';
import { textOption } from '../options.ts';
import type { Verb } from '../verb.ts';
import { join } from 'node:path';

export const verifyVerb: Verb = {
  name: 'verify',
  summary: 'prove that the store is what was written, by recomputing everything',
  details:
    'The log: headers, checksums, the digest of every chunk, the hash chain, dense numbers. Then what it says: layers have ' +
    'their Merkle roots and sizes, merged views are what the layers make, counters equal a recount, and folding the log ' +
    'from nothing gives the same images, containers and trees. At last checkpoints and index files, which can always be made ' +
    'again. Changes nothing and needs no lock.',
  args: [],
  options: [
    { flags: '--salvage <dir>', description: 'copy what is whole in front of the first damage into a new store' },
  ],
  examples: [
    { command: 'verify', explains: 'ends with 3 when something does not hold' },
    { command: 'verify --salvage ../rescued', explains: 'out of a damaged store; that one stays as it is' },
  ],
  run: async (context, _, options) => {
    const target = textOption(options, 'salvage');
    if (target !== undefined) return salvage(context, target);
    const log =
      context.session === undefined
        ? verifyLog(join(context.directory), {
            onProgress: ({ bytes, bytesTotal }) =>
              context.progress(`log: ${formatSize(bytes)} of ${formatSize(bytesTotal)}`),
          })
        : null;
    const store = await context.store('read');
    const inLog = checkInvariants(store.world, store.engine.log, {
      onProgress: ({ done, total }) => context.progress(`trees: ${done} of ${total}`),
    });
    const beside = log === null ? [] : verifyCheckpoints(context.directory);
    context.progress(null);
    const problems = [
      ...(log?.torn?.isChanged === true ? [tornText(log.torn)] : []),
      ...inLog,
      ...beside.map(({ file, what }) => `${file}: ${what}; nothing is lost: delete it, and it is made again`),
    ];
    const { images, layers, containers, volumes } = store.world.registry;
    const counts = { images: images.size, layers: layers.size, containers: containers.size, volumes: volumes.size };
    context.answer({ ok: problems.length === 0, problems, log, ...counts }, () => {
      if (problems.length > 0) return problems.map((problem) => `${problem}\n`).join('');
      const said =
        log === null
          ? ''
          : `log: ${plural(log.events, 'event')} in ${plural(log.transactions, 'transaction')}, ${plural(log.chunks, 'chunk')}, ${formatSize(log.bytes)}: whole\n`;
      const torn =
        log === null || log.tornBytes === 0
          ? ''
          : `torn tail: ${plural(log.tornBytes, 'byte')}, cut when the store is opened for writing\n`;
      return `${said}${torn}layers: ${counts.layers}: unchanged\ncontainers: ${counts.containers}, volumes: ${counts.volumes}: a replay gives the same, and a recount\n`;
    });
    return problems.length === 0 ? 0 : EXIT_CORRUPT;
  },
};

const tornText = ({ segment, byte, reason }: TornTail): string =>
  `${reason} (segment ${segment}, byte ${byte}), at the end of the log: power was lost, or it was changed`;

function salvage(context: VerbContext, target: string): number {
  if (context.session !== undefined) throw usageError('--salvage reads files: it does not work on a store in memory');
  const saved = salvageLog(context.directory, target, {
    onProgress: ({ events }) => context.progress(`${plural(events, 'event')} copied`),
  });
  context.progress(null);
  context.answer(saved, () => {
    const copied = `${target}: ${plural(saved.events, 'event')}, ${plural(saved.chunks, 'chunk')}\n`;
    if (saved.damage === null) return `${copied}the log is whole\n`;
    const { segment, byte, reason } = saved.damage;
    const lost = saved.lostBytes === 0 ? '' : `, ${formatSize(saved.lostBytes)} of it zeros for what could not be read`;
    const behind = `${formatSize(saved.unreadBytes)} from there on: ${join(target, 'unread')}${lost}\n`;
    return `${copied}damaged: ${reason} (segment ${segment}, byte ${byte})\n${behind}`;
  });
  return saved.damage === null ? 0 : EXIT_CORRUPT;
}
