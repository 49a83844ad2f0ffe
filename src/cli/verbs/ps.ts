import type { ContainerInfo, ContainerSizes, StoreQueries } from '../../index.ts';
import type { VerbContext } from '../context.ts';
import { formatAge, formatDuration, formatTime } from '../format/time.ts';
import { plural, sizeText } from '../format/size.ts';
import type { Column } from '../format/table.ts';
import { flag } from '../options.ts';
import type { Verb } from '../verb.ts';

export const psVerb: Verb = {
  name: 'ps',
  summary: 'list containers; -s with what each of them takes',
  details:
    'SIZE is what the container wrote (SizeRw), "virtual" that and its image. With -s --bytes there is one line each, ' +
    'tab-separated, for programs: name, size, (virtual size).',
  args: [],
  options: [
    { flags: '-s, --size', description: 'with sizes, and how they add up' },
    { flags: '-a, --all', description: 'all of them, which is the default here' },
    { flags: '-q, --quiet', description: 'print ids only' },
    { flags: '--format <template>', description: 'one line each, such as "{name} {size_rw}"' },
  ],
  examples: [
    { command: 'ps -s', explains: 'who takes how much' },
    { command: 'ps -s --bytes --at before-rm', explains: 'exactly, at an earlier moment' },
  ],
  reads: true,
  streams: true,
  hasSizes: true,
  run: async (context, _, options) => {
    const { store, view } = await context.view();
    const rows = containerRows(view, store.engine.now());
    if (flag(options, 'quiet')) return rows.forEach((row) => context.line(row.id));
    const withSizes = flag(options, 'size');
    const isPlain = !context.isJson && !context.isNdjson && options['format'] === undefined;
    if (withSizes && context.exactBytes && isPlain) {
      for (const row of rows) context.line(`${row.name}\t${row.size_rw}\t(virtual ${row.size_root_fs})`);
      return;
    }
    context.rows(rows, columns(withSizes, context.exactBytes));
    if (withSizes && isPlain) explain(context, view, rows);
  },
};

/** A container as a row: keys for templates and JSON. */
type ContainerRow = ReturnType<typeof containerRow>;

function containerRows(view: StoreQueries, nowNs: bigint): ContainerRow[] {
  const rows = view.containers.list().map((container) => containerRow(container.inspect(), container.sizes(), nowNs));
  return rows.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function containerRow(info: ContainerInfo, sizes: ContainerSizes, nowNs: bigint) {
  return {
    id: info.id,
    name: info.name,
    image: info.imageReference === '' ? (info.image ?? 'scratch') : info.imageReference,
    image_id: info.image,
    command: info.command,
    state: info.state,
    status: statusText(info, nowNs),
    created: formatTime(info.createdNs),
    running_for: formatAge(info.createdNs, nowNs),
    size_rw: sizes.sizeRwBytes,
    size_root_fs: sizes.sizeRootFsBytes,
    allocated: sizes.allocatedRwBytes,
    mounts: info.mounts.map((mount) => mount.target),
    labels: info.labels,
  };
}

function statusText({ state, exitCode, startedNs, finishedNs }: ContainerInfo, nowNs: bigint): string {
  const since = (ns: bigint | null): bigint => nowNs - (ns ?? nowNs);
  switch (state) {
    case 'created':
      return 'Created';
    case 'running':
      return `Up ${formatDuration(since(startedNs))}`;
    case 'paused':
      return `Up ${formatDuration(since(startedNs))} (Paused)`;
    case 'exited':
      return `Exited (${exitCode}) ${formatDuration(since(finishedNs))} ago`;
  }
}

function columns(withSizes: boolean, exact: boolean): Column<ContainerRow>[] {
  const all: Column<ContainerRow>[] = [
    { title: 'CONTAINER ID', value: (row) => row.id.slice(0, 12) },
    { title: 'IMAGE', value: (row) => row.image },
    { title: 'COMMAND', value: (row) => commandText(row.command) },
    { title: 'CREATED', value: (row) => row.running_for },
    { title: 'STATUS', value: (row) => row.status },
    { title: 'NAMES', value: (row) => row.name },
  ];
  if (!withSizes) return all;
  const size = (row: ContainerRow): string =>
    `${sizeText(row.size_rw, exact)} (virtual ${sizeText(row.size_root_fs, exact)})`;
  return [...all, { title: 'SIZE', value: size }];
}

/** As Docker shows it: arguments with blanks in quotes, at most 20 characters, in one line whatever it holds. */
function commandText([program, ...args]: readonly string[]): string {
  if (program === undefined) return '';
  const words = [program, ...args.map((arg) => (arg.includes(' ') ? `'${arg}'` : arg))];
  return JSON.stringify(shorten(words.join(' ')));
}

const shorten = (text: string): string => (text.length <= 20 ? text : `${text.slice(0, 19)}…`);

/** How the figures add up: what N containers of one image take is Σ SizeRw + 1 × image. */
function explain(context: VerbContext, view: StoreQueries, rows: readonly ContainerRow[]): void {
  if (rows.length === 0) return;
  const images = new Map(rows.flatMap((row) => (row.image_id === null ? [] : [[row.image_id, row.image] as const])));
  const own = rows.reduce((sum, row) => sum + row.size_rw, 0);
  const below = [...new Set([...images.keys()].flatMap((id) => view.images.get(id).layers))];
  const layers = new Map(below.map((layer) => [layer.chainId, layer.sizeBytes]));
  const shared = [...layers.values()].reduce((sum, bytes) => sum + bytes, 0);
  const virtual = rows.reduce((sum, row) => sum + row.size_root_fs, 0);
  const size = (bytes: number): string => sizeText(bytes, context.exactBytes);
  const instead = rows.length === 1 ? '' : `, not the ${size(virtual)} that the virtual sizes add up to`;
  context.say(
    context.style.dim(
      '\nsize = Σ bytes of files and links in the upper, hard links once; virtual = size + Σ layers of its image; ' +
        'on the disk = Σ size + each layer once\n' +
        `${plural(rows.length, 'container')}: ${size(own)} of their own + ${size(shared)} of ${plural(images.size, 'image')} once` +
        ` = ${size(own + shared)} on the disk with overlay2${instead}`,
    ),
  );
}
