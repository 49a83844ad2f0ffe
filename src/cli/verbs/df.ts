import type { AllocatedUsage, DiskUsage, UsageTotal } from '../../index.ts';
import { DF_DIGITS, sizeText } from '../format/size.ts';
import { formatTable } from '../format/table.ts';
import type { VerbContext } from '../context.ts';
import { usageError } from '../exit-codes.ts';
import { flag, textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

export const dfVerb: Verb = {
  name: 'df',
  summary: 'show how much room images, containers and volumes take, and what could be freed',
  details:
    'SIZE is what Docker counts: st_size, without directories. ALLOCATED, with -v, is what containerd counts: blocks of files and of ' +
    'directories, as ext4 has them.',
  args: [],
  options: [
    { flags: '-v, --verbose', description: 'each of them' },
    { flags: '--compat <rules>', description: 'docker: what Docker 20.10 calls reclaimable of images' },
  ],
  examples: [
    { command: 'df', explains: 'what docker system df shows' },
    { command: 'df -v --at ~1h', explains: 'each image, container and volume, an hour ago' },
  ],
  reads: true,
  hasSizes: true,
  run: async (context, _, options) => {
    const { store } = await context.view();
    const compat = textOption(options, 'compat');
    if (compat !== undefined && compat !== 'docker') throw usageError(`--compat is docker, not "${compat}"`);
    const at = textOption(options, 'at');
    const now = store.diskUsage(at);
    const usage = compat === 'docker' ? asDocker20(now) : now;
    if (!context.isJson && !flag(options, 'verbose')) return context.print(summary(context, usage));
    const allocated = store.allocatedUsage(at);
    context.answer(asDocument(usage, allocated), () => verbose(context, usage, allocated));
  },
};

/**
 * Docker 20.10 calls all of the images' room reclaimable but for what is unique to images with containers: also layers that
 * such an image shares with another one (docker/cli v20.10.24, formatter/disk_usage.go).
 */
function asDocker20(usage: DiskUsage): DiskUsage {
  const { images } = usage.totals;
  let used = 0;
  for (const { unique, containers } of usage.images.values()) if (containers > 0) used += unique;
  return { ...usage, totals: { ...usage.totals, images: { ...images, reclaimable: images.size - used } } };
}

function asDocument({ totals, images, containers, volumes }: DiskUsage, allocated: AllocatedUsage): unknown {
  const ofAll = (kind: keyof DiskUsage['totals']): object => ({ ...totals[kind], allocated: allocated.totals[kind] });
  return {
    totals: { images: ofAll('images'), containers: ofAll('containers'), volumes: ofAll('volumes') },
    images: [...images.values()].map((row) => ({ ...row, allocated: allocated.images.get(row.image) })),
    containers: [...containers.values()].map((row) => ({
      ...row,
      allocated: allocated.containers.get(row.container),
    })),
    volumes: [...volumes.values()].map((row) => ({ ...row, allocated: allocated.volumes.get(row.volume) })),
  };
}

function summary(context: VerbContext, { totals }: DiskUsage): string {
  const size = (bytes: number): string => sizeText(bytes, context.exactBytes, DF_DIGITS);
  const rows: (UsageTotal & { type: string })[] = [
    { type: 'Images', ...totals.images },
    { type: 'Containers', ...totals.containers },
    { type: 'Local Volumes', ...totals.volumes },
  ];
  return formatTable(rows, [
    { title: 'TYPE', value: (row) => row.type },
    { title: 'TOTAL', value: (row) => String(row.count) },
    { title: 'ACTIVE', value: (row) => String(row.active) },
    { title: 'SIZE', value: (row) => size(row.size) },
    {
      title: 'RECLAIMABLE',
      value: ({ size: all, reclaimable }) =>
        size(reclaimable) + (all > 0 ? ` (${Math.floor((100 * reclaimable) / all)}%)` : ''),
    },
  ]);
}

function verbose(context: VerbContext, usage: DiskUsage, allocated: AllocatedUsage): string {
  const size = (bytes = 0): string => sizeText(bytes, context.exactBytes);
  const images = formatTable(
    [...usage.images.values()],
    [
      { title: 'IMAGE', value: (row) => row.references.join(', ') || row.image.slice(7, 19) },
      { title: 'SIZE', value: (row) => size(row.size) },
      { title: 'SHARED SIZE', value: (row) => size(row.shared) },
      { title: 'UNIQUE SIZE', value: (row) => size(row.unique) },
      { title: 'ALLOCATED', value: (row) => size(allocated.images.get(row.image)) },
      { title: 'CONTAINERS', value: (row) => String(row.containers) },
    ],
  );
  const containers = formatTable(
    [...usage.containers.values()],
    [
      { title: 'CONTAINER', value: (row) => row.name },
      { title: 'STATE', value: (row) => row.state },
      { title: 'SIZE', value: (row) => size(row.sizeRw) },
      { title: 'VIRTUAL', value: (row) => size(row.virtual) },
      { title: 'ALLOCATED', value: (row) => size(allocated.containers.get(row.container)) },
    ],
  );
  const volumes = formatTable(
    [...usage.volumes.values()],
    [
      { title: 'VOLUME', value: (row) => row.name },
      { title: 'LINKS', value: (row) => String(row.links) },
      { title: 'SIZE', value: (row) => size(row.size) },
      { title: 'ALLOCATED', value: (row) => size(allocated.volumes.get(row.volume)) },
    ],
  );
  return `Images:\n\n${images}\nContainers:\n\n${containers}\nVolumes:\n\n${volumes}`;
}
