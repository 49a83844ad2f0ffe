import { type ListingEntry, listTree, printableName, type StoreQueries } from '../../index.ts';
import type { VerbContext } from '../context.ts';
import { usageError } from '../exit-codes.ts';
import { findContainer, parsePlace } from '../place.ts';
import { flag, type Options, textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

export const treeVerb: Verb = {
  name: 'tree',
  summary: 'show a whole tree',
  details:
    '--ndjson prints an object for each entry, depth first, names by their bytes: path (path_b64 where it is not UTF-8), type, ' +
    'mode, uid, gid, size, linkname, mtime_ns, rdev, sha256, nlink, hardlink, xattrs (base64). --upper shows what the kernel ' +
    'would keep in the upperdir: whiteouts are devices 0:0, opaque directories carry trusted.overlay.opaque.',
  args: [{ form: '<container>', description: 'name or id, volume(NAME), or with --image an image' }],
  options: [
    { flags: '--upper', description: 'only what the container wrote' },
    { flags: '--image', description: 'the tree of an image' },
    { flags: '--layers <count>', description: 'of an image: up to this layer, from the lowest' },
    { flags: '-L, --level <depth>', description: 'so many levels only' },
  ],
  examples: [
    { command: 'tree web --upper', explains: 'what the container holds of its own' },
    { command: 'tree web --ndjson --at before-rm', explains: 'every entry with its digest' },
    { command: 'tree --image app:1 --layers 2 --ndjson', explains: 'the two lowest layers, merged' },
  ],
  reads: true,
  streams: true,
  run: async (context, [name], options) => {
    const { store, view } = await context.view();
    const upper = flag(options, 'upper');
    const tree = treeOf(view, name, options);
    const entries = listTree(tree, store.engine.log.chunks, { upper });
    if (context.isJson) return context.json([...entries]);
    if (!context.isNdjson) return drawTree(context, entries, Number(textOption(options, 'level') ?? Infinity));
    for (const entry of entries) {
      context.line(JSON.stringify(entry));
      await context.stdout.drained();
    }
  },
};

function treeOf(view: StoreQueries, name: string, options: Options): Parameters<typeof listTree>[0] {
  const layers = textOption(options, 'layers');
  if (flag(options, 'image')) {
    const image = view.images.get(name);
    const stack = view.world.layersOf(image.id);
    if (layers === undefined) return view.world.lowerOf(image.id);
    const count = Number(layers);
    if (!/^\d+$/.test(layers) || count > stack.length)
      throw usageError(`--layers is a number from 0 to ${stack.length}`);
    return count === 0 ? view.world.lowers.empty : view.world.lowers.stack(stack.slice(0, count));
  }
  if (layers !== undefined) throw usageError('--layers goes with --image');
  const place = parsePlace(name);
  if (place.kind !== 'volume') return findContainer(view, place.name).overlay.tree;
  const overlay = view.world.overlay(view.volumes.get(place.name).subject);
  if (overlay === undefined) throw new Error(`volume ${place.name} has no tree`);
  return overlay.tree;
}

/** Lines with branches, as tree(1) draws them. */
function drawTree(context: VerbContext, entries: Iterable<ListingEntry>, depthMax: number): void {
  const all = [...entries].filter((entry) => depthOf(entry) <= depthMax);
  // From the end: whether something follows on each level.
  const open: boolean[] = [];
  const lines: string[] = [];
  for (const entry of all.toReversed()) {
    const depth = depthOf(entry);
    let branch = '';
    for (let level = 1; level < depth; level++) branch += open[level] ? '│   ' : '    ';
    if (depth > 0) branch += open[depth] ? '├── ' : '└── ';
    open.length = depth + 1;
    open[depth] = true;
    lines.push(`${context.style.dim(branch)}${entryText(entry, context)}`);
  }
  for (const line of lines.toReversed()) context.line(line);
}

const depthOf = ({ path }: ListingEntry): number => (path === '/' ? 0 : path.split('/').length - 1);

function entryText(entry: ListingEntry, { style }: VerbContext): string {
  const name = printableName(entry.path === '/' ? '/' : entry.path.slice(entry.path.lastIndexOf('/') + 1));
  if (entry.type === 'dir')
    return style.bold(entry.path === '/' ? '/' : `${name}/`) + (isOpaque(entry) ? ' (opaque)' : '');
  if (entry.type === 'symlink') return `${name} -> ${printableName(entry.linkname ?? '')}`;
  if (entry.type === 'chr' && entry.rdev === '0:0') return style.red(`${name} (whiteout)`);
  return entry.type === 'file' ? `${name} ${style.dim(`(${entry.size} bytes)`)}` : `${name} (${entry.type})`;
}

const isOpaque = ({ xattrs }: ListingEntry): boolean => xattrs?.['trusted.overlay.opaque'] !== undefined;
