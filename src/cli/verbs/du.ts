import { printableName, wastedBytes, wastedLines, wastedPaths } from '../../index.ts';
import { copiedUp } from '../copied-up.ts';
import type { VerbContext } from '../context.ts';
import { usageError } from '../exit-codes.ts';
import { sizeText } from '../format/size.ts';
import { findContainer, openPlace } from '../place.ts';
import { flag, textOption } from '../options.ts';
import type { Verb } from '../verb.ts';
import { type DirectorySize, directorySizes, sizesBelow } from '../directory-sizes.ts';
import { containerText, driverShares, imageText } from '../size-report.ts';

export const duVerb: Verb = {
  name: 'du',
  summary: 'show what takes the room: by directory, by copy-up, or stored in an image and never seen',
  details:
    'By directory: bytes that are seen, bytes of them that the container wrote, path. Sizes are st_size, hard links once.',
  args: [{ form: '<place | image>', description: 'NAME[:/path], volume(NAME), or with --why or --wasted an image' }],
  options: [
    {
      flags: '--why',
      description:
        'why a container or image is so large: by operation, layer and directory, what is avoidable, other storage drivers',
    },
    { flags: '--wasted', description: 'bytes that the layers of an image store and nobody sees' },
    { flags: '--copy-up', description: 'what of a container was copied up, which operation did it, and what it cost' },
    { flags: '--copied', description: 'the same' },
    { flags: '--by <key>', description: 'with --copy-up: added up by operation, group, directory or layer' },
    { flags: '--op <operation>', description: 'with --copy-up: by this operation, such as chmod' },
    { flags: '--group <id>', description: 'with --copy-up: by this group' },
    { flags: '-d, --depth <levels>', description: 'so many levels of directories (default: 1)' },
  ],
  examples: [
    { command: 'du web:/var', explains: 'by directory' },
    { command: 'du --why web', explains: 'why is the container so large' },
    { command: 'du --why app:1', explains: 'why is the image so large' },
    { command: 'du --copy-up web', explains: 'every file that was copied up' },
    { command: 'du --copy-up --by operation web', explains: 'which kind of call copied most' },
    { command: 'du --wasted app:1', explains: 'what an image stores and nobody sees' },
  ],
  reads: true,
  hasSizes: true,
  run: async (context, [what], options) => {
    if (flag(options, 'why')) return why(context, what);
    if (flag(options, 'wasted')) return wasted(context, what);
    if (flag(options, 'copyUp') || flag(options, 'copied')) return copiedUp(context, what, options);
    const { view } = await context.view();
    const place = openPlace(view, what);
    const depth = levels(textOption(options, 'depth') ?? '1');
    const rows = directorySizes(view, place, depth);
    context.answer(rows, () => rows.map((row) => rowText(context, row)).join(''));
  },
};

function levels(text: string): number {
  if (!/^\d+$/.test(text)) throw usageError(`--depth is a number of levels, not "${text}"`);
  return Number(text);
}

function rowText(context: VerbContext, { bytes, upperBytes, path }: DirectorySize): string {
  const size = (count: number): string => sizeText(count, context.exactBytes);
  return `${size(bytes)}\t${size(upperBytes)}\t${printableName(path)}\n`;
}

/** A container of that name, else an image. */
async function why(context: VerbContext, name: string): Promise<void> {
  const { view } = await context.view();
  const isImage = view.images.has(name) && !view.containers.list().some((container) => container.name === name);
  return isImage ? whyImage(context, name) : whyContainer(context, name);
}

async function whyContainer(context: VerbContext, name: string): Promise<void> {
  const { store, view } = await context.view();
  const at = textOption(context.options, 'at');
  const container = findContainer(view, name);
  const { tree } = container.overlay;
  const subject = container.subject;
  const report = {
    name: container.name,
    image: container.inspect().imageReference || 'an empty root',
    imageBytes: container.sizes().sizeRootFsBytes - container.sizes().sizeRwBytes,
    ...store.containerSize(container.id, at),
    directories: sizesBelow(tree, { ino: 1, path: '/' }, Number.MAX_SAFE_INTEGER),
    drivers: driverShares(store.storageBills({ at }), ({ containers }) => {
      const own = containers.find((each) => each.container === subject);
      return own === undefined ? 0 : own.dataBytes;
    }),
  };
  context.answer(report, () => containerText(report, (bytes) => sizeText(bytes, context.exactBytes)));
}

async function whyImage(context: VerbContext, name: string): Promise<void> {
  const { store, view } = await context.view();
  const at = textOption(context.options, 'at');
  const { id } = view.images.get(name);
  const layers = view.world.layersOf(id);
  const report = {
    name,
    ...store.imageSize(name, at),
    wasted: wastedPaths(layers.map((layer) => view.world.lowers.ownTree(layer))),
    directories: sizesBelow(view.world.lowerOf(id), { ino: 1, path: '/' }, Number.MAX_SAFE_INTEGER).map(
      ({ path, bytes }) => ({ path, bytes }),
    ),
    steps: view.images
      .history(name)
      .filter(({ diffId }) => diffId !== null)
      .toReversed(),
    drivers: driverShares(
      store.storageBills({ at }),
      ({ images }) => images.find(({ image }) => image === id)?.dataBytes ?? 0,
    ),
  };
  context.answer(report, () => imageText(report, (bytes) => sizeText(bytes, context.exactBytes)));
}

async function wasted(context: VerbContext, reference: string): Promise<void> {
  const { view } = await context.view();
  const layers = view.world.layersOf(view.images.get(reference).id);
  const paths = wastedPaths(layers.map((layer) => view.world.lowers.ownTree(layer)));
  context.answer({ bytes: wastedBytes(paths), paths }, () =>
    wastedLines(paths)
      .map((line) => `${line}\n`)
      .join(''),
  );
}
