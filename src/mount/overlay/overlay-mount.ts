/**
 * An overlay over plain directories, served as a kernel would: the lower directories and what is in the upper are read as layers
 * into a tree, calls are decided on it, and each is done in the upper on the disk before it is answered. The tree is only a
 * memory of the directories; its log keeps nothing.
 */

import { mkdirSync } from 'node:fs';
import { Engine } from '../../engine/engine.ts';
import { Namespace } from '../../engine/namespace.ts';
import { OpenFileTable } from '../../engine/open-file-table.ts';
import { LowerViews } from '../../projections/lower-views.ts';
import { NO_CONTAINER } from '../../projections/registry.ts';
import { mergeLayer } from '../../projections/tree/merge.ts';
import { overLowerWithUpper } from '../../projections/tree/merge-upper.ts';
import { Tree } from '../../projections/tree/tree.ts';
import { type Overlay, World } from '../../projections/world.ts';
import { PassingLog } from '../../storage/passing-log.ts';
import type { Operations } from '../session.ts';
import { checkDirectories, type OverlayDirectories } from './check-directories.ts';
import { HostCalls } from './host-calls.ts';
import { HostFiles } from './host-files.ts';
import { type HostNode, HostNumbers } from './host-numbers.ts';
import { HostPlaces } from './host-places.ts';
import { joinIndex, type LowerLink } from './join-index.ts';
import { LayerHandles } from './layer-handles.ts';
import { prefixOf } from './mark-prefix.ts';
import type { OverlayOptions } from './overlay-options.ts';
import { overlayOperations } from './overlay-operations.ts';
import { type LinkFound, scanLayer } from './scan-layer.ts';
import { refuseUnfollowed } from './unfollowed-marks.ts';
import { UpperIndex, type UpperIndexParts } from './upper-index.ts';
import { UpperMirror } from './upper-mirror.ts';
import { UpperPaths } from './upper-paths.ts';
import { WorkDirectory } from './work-directory.ts';

/** The one container of an overlay. */
const SUBJECT = 1;

export interface OpenOverlay {
  readonly namespace: Namespace;
  readonly operations: Operations;
  /** Inode numbers of the host; null: the mount's own. */
  readonly numbers: HostNumbers | null;
  /** Leaves the upper as a kernel's unmount leaves it. */
  close(): void;
}

/**
 * Reads the directories. The umask of the process has to be 0: modes come as the mount's programs want them.
 *
 * @throws `ERR_INVALID_ARGUMENT` for directories that cannot be an overlay; `ERR_UNSUPPORTED` where the host lacks something.
 */
export function openOverlay(options: OverlayOptions): OpenOverlay {
  const directories = checkDirectories(options);
  const calls = new HostCalls();
  try {
    return readOverlay(options, directories, calls);
  } catch (error) {
    calls.close();
    throw error;
  }
}

function readOverlay(options: OverlayOptions, directories: OverlayDirectories, calls: HostCalls): OpenOverlay {
  const { lowers, upper } = directories;
  const prefix = prefixOf(options, directories, calls);
  const places = new HostPlaces();
  const handles = new LayerHandles(calls, upper === null ? lowers : [...lowers, upper]);
  const index = indexOf({ options, directories, calls, handles, prefix });
  const pathOf = (ino: number): string => paths.of(ino);
  const numbers = new HostNumbers({ lowers, upper, handles, pathOf });
  let lower = Tree.empty(0n);
  const lowerLinks: LowerLink[] = [];
  for (const [layer, directory] of lowers.entries()) {
    const base = lower.nextIno - 2;
    const onLink = ({ ino, path }: LinkFound): unknown =>
      index && lowerLinks.push({ layer, ino: base + ino, path: `${directory}/${path}` });
    const nodes = new Map<number, HostNode>();
    const found = scanLayer(directory, calls, places, prefix, onLink, (ino, node) => nodes.set(ino, node));
    refuseUnfollowed(directory, found, options.follows);
    lower = mergeLayer(lower, found, layer);
    numbers.addLower(lower, found, nodes, layer);
  }
  const upperLinks: LinkFound[] = [];
  const base = lower.nextIno - 2;
  const onLink = (link: LinkFound): unknown => index && upperLinks.push({ ...link, ino: base + link.ino });
  const nodes = new Map<number, HostNode>();
  const onNode = (ino: number, node: HostNode): unknown => nodes.set(ino, node);
  const upperTree = upper === null ? null : scanLayer(upper, calls, places, prefix, onLink, onNode);
  if (upper !== null && upperTree !== null) refuseUnfollowed(upper, upperTree, options.follows);
  const tree = upperTree === null ? lower.snapshot() : overLowerWithUpper(lower, upperTree, lowers.length);
  if (upperTree !== null) numbers.addUpper(tree, upperTree, nodes);
  if (index !== null) joinIndex({ index, tree, lower, lowerLinks, upperLinks, calls, handles, places, prefix });
  const overlay: Overlay = { subject: SUBJECT, tree, lower, profile: options.profile };
  const log = new PassingLog(places.end);
  const world = new World(new LowerViews(log.chunks), new Map([[SUBJECT, overlay]]));
  const engine = new Engine({ log, world, past: { worldAt: () => world } });
  const files = new OpenFileTable();
  const container = {
    ...NO_CONTAINER,
    container: SUBJECT,
    profile: options.profile,
    readOnly: options.readOnly || upper === null,
  };
  const namespace = new Namespace({ engine, world, container, chunks: log.chunks, files });
  const isOpen = (ino: number): boolean => files.isOpen(SUBJECT, ino);
  const mirror = mirrorOf({
    options,
    directories,
    overlay,
    calls,
    places,
    handles,
    index,
    prefix,
    isOpen,
    chunks: log.chunks,
    stored: null,
    umask: 0,
  });
  const paths =
    mirror?.paths ??
    new UpperPaths(
      upper ?? '',
      () => tree,
      () => null,
    );
  if (mirror !== null) engine.guardCommits((_, events) => mirror.repeat(events));
  const operations = overlayOperations({
    files: mirror?.files ?? new HostFiles(),
    places,
    shown: upper ?? (lowers.at(-1) as string),
    volatile: options.volatile,
    pathOf,
  });
  return {
    namespace,
    operations,
    numbers: options.xino || numbers.isOneFileSystem ? numbers : null,
    close: () => {
      mirror?.close();
      calls.close();
    },
  };
}

type MirrorParts = Omit<ConstructorParameters<typeof UpperMirror>[0], 'upper' | 'work' | 'lowers'> & {
  readonly options: OverlayOptions;
  readonly directories: OverlayDirectories;
};

function mirrorOf({ options, directories, ...parts }: MirrorParts): UpperMirror | null {
  const { lowers, upper, work } = directories;
  if (upper === null || work === null || options.readOnly) return null;
  const workDirectory = new WorkDirectory(work, parts.calls, parts.prefix);
  if (options.volatile) mkdirSync(`${workDirectory.path}/incompat/volatile`, { recursive: true });
  return new UpperMirror({ ...parts, upper, lowers, work: workDirectory });
}

type IndexParts = Pick<UpperIndexParts, 'calls' | 'handles' | 'prefix'> & Pick<MirrorParts, 'options' | 'directories'>;

function indexOf({ options, directories, ...parts }: IndexParts): UpperIndex | null {
  const { lowers, upper, work } = directories;
  if (!options.profile.index || upper === null || work === null) return null;
  return new UpperIndex({ ...parts, work, upper, lowers, readOnly: options.readOnly });
}
