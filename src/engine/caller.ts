import type { Location, Namespace } from './namespace.ts';

/** Who makes a call: its namespace, where relative paths start, and what new files look like. */
export interface Caller {
  readonly namespace: Namespace;
  cwd: Location;
  /** Permission bits taken away from new nodes. */
  umask: number;
  /** Owner of new nodes. */
  uid: number;
  gid: number;
}

/** A caller at the root of a namespace: uid 0, umask 022. */
export function rootCaller(namespace: Namespace): Caller {
  return {
    namespace,
    cwd: { mount: namespace.root, ino: namespace.root.top },
    umask: 0o022,
    uid: 0,
    gid: 0,
  };
}
