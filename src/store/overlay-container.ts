/**
 * An overlay mount of plain directories with a history: the lowers are an image of the store, the upper is the writable layer
 * of a container, and what happens in the mount is in both.
 *
 * Between two mounts either of them may have changed. What others changed in the upper comes into the log; what verbs changed
 * in the container goes into the upper; where both happened, somebody has to say which counts. After the death of a server
 * the upper counts.
 */

import { basename, resolve } from 'node:path';
import type { Namespace } from '../engine/namespace.ts';
import type { Ino } from '../events/event.ts';
import { isFileEvent } from '../events/file-event.ts';
import { storeError } from '../events/log-error.ts';
import { checkDirectories, type OverlayDirectories } from '../mount/overlay/check-directories.ts';
import { layerFingerprint } from '../mount/overlay/layer-fingerprint.ts';
import { MirroredContainer } from '../mount/overlay/mirrored-container.ts';
import { ReadOnlyUpper } from '../mount/overlay/read-only-upper.ts';
import type { OverlayOptions } from '../mount/overlay/overlay-options.ts';
import type { Operations } from '../mount/session.ts';
import { overlayThen } from '../projections/world.ts';
import { planLowerEntry } from '../replay/restore-path.ts';
import type { Container } from './container.ts';
import type { LoadProgress } from './load-options.ts';
import { type OverlayNote, readOverlayNote, removeOverlayNote, writeOverlayNote } from './overlay-note.ts';
import type { Store } from './store.ts';

export interface OverlayContainerOptions {
  /** As `parseOverlayOptions` gives them, with an upper. */
  readonly overlay: OverlayOptions;
  /** The mount point: the container is named after it, unless the options name it. */
  readonly directory: string;
  /** Told while the lowers are read for the first time. */
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Told what is odd about the lowers, and when the upper can't follow. */
  readonly warn: (message: string) => void;
}

export interface OverlayContainer {
  readonly container: Container;
  readonly namespace: Namespace;
  readonly operations: Operations;
  /** Leaves the upper as a kernel's unmount leaves it; the store stays open. */
  close(): void;
}

/** Labels that say which directories of the host a container is of, as mount(8) has them. */
const LOWER_LABEL = 'overlog.overlay.lower';
const UPPER_LABEL = 'overlog.overlay.upper';

/**
 * Finds or makes the container, and brings it and the upper together.
 *
 * @throws `ERR_INVALID_ARGUMENT` for directories that can't be an overlay, and a name that can't be one; `ERR_CONFLICT` where the
 *   name, or what is in the directories, is another container's; `ERR_UNSUPPORTED`; as `store.images.load`.
 */
export async function openOverlayContainer(store: Store, options: OverlayContainerOptions): Promise<OverlayContainer> {
  const { where, container, directories } = await findOrMake(store, options);
  const { overlay } = options;
  const namespace = container.namespace();
  const { engine } = store;
  const { userXattr, follows, volatile } = overlay;
  const mirrored = new MirroredContainer({
    engine,
    namespace,
    directories,
    userXattr,
    follows,
    volatile,
    warn: options.warn,
  });
  const { id } = container;
  const places: Places = { store, where, container, mirrored };
  try {
    bringTogether(places);
    // From here on only a clean end says that they are the same.
    writeOverlayNote(where, container.id, { seq: store.seq, timeNs: null });
    await store.flush();
    mirrored.begin();
  } catch (error) {
    const timeNs = mirrored.close();
    // What was done half way is this one's doing, and no reason to refuse the next try.
    if (places.following !== undefined && timeNs !== null)
      writeOverlayNote(where, id, { seq: places.following, timeNs });
    throw error;
  }
  return {
    container,
    namespace,
    operations: mirrored.operations,
    close: () => {
      const timeNs = mirrored.close();
      if (!store.containers.list().some((each) => each.id === id)) removeOverlayNote(where, id);
      else if (timeNs !== null) writeOverlayNote(where, id, { seq: store.seq, timeNs });
    },
  };
}

/**
 * For a mount that is for reading only: what others have changed in the upper comes into the log, and nothing is written to
 * the directories. An upper that is behind its container, since verbs have changed that, stays so until it is written to.
 *
 * @returns The container, which shows what the mount has to show. Throws as {@link openOverlayContainer}.
 */
export async function takeInOverlay(store: Store, options: OverlayContainerOptions): Promise<Container> {
  const { where, container, directories } = await findOrMake(store, options);
  const { engine } = store;
  const { id, overlay } = container;
  const { userXattr, follows } = options.overlay;
  const upper = new ReadOnlyUpper({ engine, overlay, directories, userXattr, follows });
  try {
    const note = readOverlayNote(where, id);
    if (!isBehind(store, container, note, upper)) {
      const knownUntilNs = note?.timeNs ?? null;
      writeOverlayNote(where, id, { seq: store.seq, timeNs: null });
      const timeNs = takeIn(store, container, upper, knownUntilNs);
      await store.flush();
      writeOverlayNote(where, id, { seq: store.seq, timeNs });
    }
  } finally {
    upper.close();
  }
  return container;
}

interface Found {
  /** The store's directory. */
  readonly where: string;
  readonly container: Container;
  readonly directories: OverlayDirectories;
}

async function findOrMake(store: Store, options: OverlayContainerOptions): Promise<Found> {
  const { overlay } = options;
  const directories = checkDirectories(overlay);
  const where = store.directory;
  if (where === null) throw storeError('ERR_INVALID_ARGUMENT', 'a store in memory keeps no history of an overlay');
  checkStorePlace(resolve(where), directories);
  const image = await imageOfLowers(store, directories.lowers, options);
  const container = await containerOf(store, image, directories, options);
  // As in the kernel, each mount has its own options: the log says what was done by them.
  container.overlay.profile = overlay.profile;
  return { where, container, directories };
}

/** @throws `ERR_INVALID_ARGUMENT` for a store that would be a part of what it keeps. */
export function checkStorePlace(store: string, { lowers, upper, work }: OverlayDirectories): void {
  for (const directory of [...lowers, upper, work]) {
    if (directory === null || !(store === directory || store.startsWith(`${directory}/`))) continue;
    const message = `the store ${store} lies in ${directory} and would be a part of it: name one elsewhere`;
    throw storeError('ERR_INVALID_ARGUMENT', message);
  }
}

/**
 * The lowers as an image. What has not changed since it was read once is not read again.
 *
 * @param lowers - Lowest first.
 * @returns Its id. Throws as `store.images.load`.
 */
export async function imageOfLowers(
  store: Store,
  lowers: readonly string[],
  { onProgress, warn }: Pick<OverlayContainerOptions, 'onProgress' | 'warn'>,
): Promise<string> {
  const tag = `overlay/${layerFingerprint(lowers).slice(0, 32)}:latest`;
  if (store.images.has(tag)) return store.images.get(tag).id;
  const loaded = store.images.loadDirectories(lowers, {
    tag,
    ...(onProgress !== undefined && { onProgress }),
    onWarning: ({ file, entry, message }) => warn(`${file}${entry === null ? '' : `, ${entry}`}: ${message}`),
  });
  const { id } = await loaded.catch((error: unknown) => {
    throw unreadable(error);
  });
  return id;
}

function unreadable(error: unknown): unknown {
  const { code, path } = error as NodeJS.ErrnoException;
  if (code !== 'EACCES') return error;
  const message = `${path} may not be read by this user, and the store keeps the data of all lower files: mount them without store=`;
  return storeError('ERR_UNSUPPORTED', message, { cause: error });
}

async function containerOf(
  store: Store,
  image: string,
  { lowers, upper }: OverlayDirectories,
  { overlay, directory }: OverlayContainerOptions,
): Promise<Container> {
  const name = overlay.name ?? basename(resolve(directory));
  const labels = { [LOWER_LABEL]: lowers.toReversed().join(':'), [UPPER_LABEL]: upper as string };
  const there = store.containers.find(name);
  if (there === null) return store.containers.create({ image, name, labels, profile: overlay.profile });
  const found = there.inspect();
  const other = 'give another name with name=NAME';
  if (found.labels[UPPER_LABEL] !== labels[UPPER_LABEL]) {
    const whose = found.labels[UPPER_LABEL] ?? 'no overlay';
    throw storeError('ERR_CONFLICT', `container "${name}" is of ${whose}, and not of upperdir ${upper}: ${other}`);
  }
  if (found.image !== image)
    throw storeError(
      'ERR_CONFLICT',
      `the lower directories are not what they were when container "${name}" was made of them, so its history would not fit: ${other}`,
    );
  return there;
}

interface Places {
  readonly store: Store;
  /** Its directory. */
  readonly where: string;
  readonly container: Container;
  readonly mirrored: MirroredContainer;
  /** Head of the log when the two were the same, while the upper is made what the container is. */
  following?: number;
}

function bringTogether(places: Places): void {
  const { store, where, container, mirrored } = places;
  const note = readOverlayNote(where, container.id);
  if (note !== null && isBehind(store, container, note, mirrored)) {
    places.following = note.seq;
    mirrored.follow();
    delete places.following;
    return;
  }
  // From here on the log changes: were this to stop half way, that would look like a change by somebody else.
  writeOverlayNote(where, container.id, { seq: store.seq, timeNs: null });
  takeIn(store, container, mirrored, note?.timeNs ?? null);
}

/** An upper that can be read. */
type Readable = Pick<MirroredContainer, 'hasChangedSince'> & {
  takeIn(...parts: Parameters<MirroredContainer['takeIn']>): unknown;
};

/** Whether verbs have changed the container, and nobody the upper. @throws `ERR_CONFLICT` where both happened. */
function isBehind(store: Store, container: Container, note: OverlayNote | null, upper: Readable): boolean {
  if (note === null || note.timeNs === null || !hasTransactionsSince(store, container, note.seq)) return false;
  if (!upper.hasChangedSince(note.timeNs)) return true;
  throw storeError(
    'ERR_CONFLICT',
    `both container "${container.name}" and its upper directory were changed while nothing was mounted: overlog rewind ` +
      `${container.name} ${note.seq} lets the directory count`,
  );
}

function takeIn<Upper extends Readable>(
  store: Store,
  container: Container,
  upper: Upper,
  knownUntilNs: bigint | null,
): ReturnType<Upper['takeIn']> {
  const cause = ['mount', container.name, 'changed outside'] as const;
  const restore = (parent: Ino, name: string, ino: Ino): void => restoreLower(store, container, parent, name, ino);
  return upper.takeIn([...cause], knownUntilNs, restore) as ReturnType<Upper['takeIn']>;
}

/** Whether verbs have changed its files. A rewind to that very moment changes nothing. */
function hasTransactionsSince(store: Store, { name, subject }: Container, seq: number): boolean {
  let isChanged = false;
  for (const { events } of store.transactions({ from: seq, container: name }))
    for (const event of events) {
      if (event.type === 'ContainerRewound' && event.container === subject) isChanged = event.to !== seq;
      else isChanged ||= isFileEvent(event) || event.type === 'NodesRestored';
    }
  return isChanged;
}

/** Makes a name what the lowers have: a node of them as it was when the container was made. */
function restoreLower(store: Store, container: Container, parent: Ino, name: string, ino: Ino): void {
  const { record, overlay, subject } = container;
  const past = overlayThen(store.world.registry, subject, record.seq, (seq) => store.worldAt(seq));
  if (past === undefined) throw storeError('ERR_NOT_FOUND', `container "${container.name}" has no beginning`);
  const timeNs = store.engine.now();
  const about = { subject, now: overlay.tree, past: past.tree, at: record.seq, timeNs };
  const events = planLowerEntry({ ...about, parent, name, ino });
  store.engine.commit(subject, ['mount', container.name, 'changed outside'], events, timeNs);
}
