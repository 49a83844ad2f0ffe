import type { Cause } from '../../events/event.ts';
import { type CopyUpEvent, Draft, type Engine } from '../engine.ts';
import { ESTALE, fsError } from '../errno.ts';
import type { Mount, Namespace } from '../namespace.ts';

/** A draft of changes to a mount's tree. The caller has refused read-only mounts before. */
export function draftFor(namespace: Namespace, mount: Mount): Draft {
  return new Draft(mount.overlay.tree.nextIno, engineOf(namespace).now());
}

/** Appends and folds a draft, and moves open files whose lower hard link was broken to their new node. */
export function commitDraft(namespace: Namespace, mount: Mount, cause: Cause, draft: Draft): void {
  const engine = engineOf(namespace);
  if (mount.covers !== null) refuseIfGone(engine, namespace, cause, draft);
  engine.commit(mount.subject, cause, draft.events, draft.timeNs);
  if (draft.brokenLinks === null) return;
  for (const event of draft.brokenLinks) followCopyUp(namespace, mount, event);
}

/** Who still holds the file system of a removed container writes into its volumes as little as into its own tree. */
function refuseIfGone(engine: Engine, { container }: Namespace, cause: Cause, { events }: Draft): void {
  if (engine.world.overlay(container) !== undefined || events.every(({ type }) => type === 'NodeReleased')) return;
  throw fsError(ESTALE, cause[0], cause.length > 1 ? String(cause[1]) : undefined);
}

/**
 * Files that were opened by the name whose hard link broke read the copied-up node from now on (O1); where a file without a
 * name was copied up, all those whose name is gone.
 */
function followCopyUp(namespace: Namespace, mount: Mount, event: CopyUpEvent): void {
  const { tree } = mount.overlay;
  const moved = Array.from(namespace.files.of(mount.subject, event.ino)).filter((file) =>
    event.parent === 0
      ? tree.lookup(file.parent, file.name) !== event.ino
      : file.parent === event.parent && file.name === event.name,
  );
  for (const file of moved) {
    namespace.files.remove(file);
    file.ino = event.upperIno;
    namespace.files.add(file);
  }
}

export function engineOf(namespace: Namespace): Engine {
  if (namespace.engine === null) throw new Error('namespace: a past moment has no engine');
  return namespace.engine;
}
