import { storeError } from '../events/log-error.ts';
import type { Identity, Protections } from './identity.ts';
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
  /** Whose permissions are checked; null: root, who may everything. */
  readonly identity: Identity | null;
}

/** A user to call as; nobody but root has a capability. */
export interface User {
  /** 0 is root, to whom nothing is refused. */
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. Default: none. */
  readonly groups?: readonly number[];
  /** Permission bits taken away from new nodes. Default 022. */
  readonly umask?: number;
  /** `fs.protected_*`; default: `symlinks` and `hardlinks` on, `regular` 1, as distributions set them. */
  readonly protections?: Partial<Protections>;
}

/** A caller at the root of a namespace: uid 0, umask 022, no permissions checked. */
export function rootCaller(namespace: Namespace): Caller {
  return {
    namespace,
    cwd: { mount: namespace.root, ino: namespace.root.top },
    umask: 0o022,
    uid: 0,
    gid: 0,
    identity: null,
  };
}

const PROTECTIONS: Protections = { symlinks: true, hardlinks: true, regular: 1 };

/**
 * A caller at the root of a namespace, as a user.
 *
 * @throws `ERR_INVALID_ARGUMENT` for an id that is not a number from 0 to 2³²-2, or an impossible umask.
 */
export function userCaller(namespace: Namespace, user: User): Caller {
  const { uid, gid, groups = [], umask = 0o022, protections } = user;
  checkId(uid, 'uid');
  checkId(gid, 'gid');
  for (const group of groups) checkId(group, 'a group');
  if (!Number.isInteger(umask) || umask < 0 || umask > 0o777) {
    throw storeError('ERR_INVALID_ARGUMENT', `umask has to be a number from 0 to 0777, not ${umask}`);
  }
  const identity =
    uid === 0 ? null : { uid, gid, groups: new Set(groups), protections: { ...PROTECTIONS, ...protections } };
  return { ...rootCaller(namespace), umask, uid, gid, identity };
}

function checkId(id: number, what: string): void {
  if (Number.isInteger(id) && id >= 0 && id < 2 ** 32 - 1) return;
  throw storeError('ERR_INVALID_ARGUMENT', `${what} has to be a number from 0 to 4294967294, not ${String(id)}`);
}
