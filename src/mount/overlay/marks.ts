/** Extended attributes by which a kernel overlay marks what lies in a layer. */

import { decodeName } from '../../events/name.ts';

export interface LayerMarks {
  readonly isOpaque: boolean;
  readonly isWhiteout: boolean;
  readonly isMetacopy: boolean;
  /** '' for none. */
  readonly redirect: string;
  /** What the object was copied up from, as a handle; null: nothing is said. */
  readonly origin: Uint8Array | null;
  /** The object's own. */
  readonly xattrs: readonly (readonly [name: string, value: Uint8Array])[];
}

const NO_MARKS: LayerMarks = {
  isOpaque: false,
  isWhiteout: false,
  isMetacopy: false,
  redirect: '',
  origin: null,
  xattrs: [],
};

/** fuse-overlayfs's mark where it may not set trusted attributes. */
const FUSE_OPAQUE = 'user.fuseoverlayfs.opaque';

/**
 * Separates overlay's own attributes from the object's.
 *
 * @param prefix - `trusted.overlay.`, or `user.overlay.` with the option userxattr.
 */
export function marksOf(xattrs: readonly (readonly [string, Uint8Array])[] = [], prefix: string): LayerMarks {
  if (!xattrs.some(([name]) => name.startsWith(prefix) || name.startsWith('user.fuseoverlayfs.')))
    return xattrs.length === 0 ? NO_MARKS : { ...NO_MARKS, xattrs };
  const marks = new Map<string, Uint8Array>();
  const own: (readonly [string, Uint8Array])[] = [];
  for (const [name, value] of xattrs) {
    if (name === FUSE_OPAQUE) marks.set('opaque', value);
    else if (name.startsWith('user.fuseoverlayfs.')) continue;
    else if (!name.startsWith(prefix)) own.push([name, value]);
    else if (name.startsWith(`${prefix}overlay.`)) own.push([prefix + name.slice(prefix.length + 8), value]);
    else marks.set(name.slice(prefix.length), value);
  }
  const redirect = decodeName(marks.get('redirect') ?? new Uint8Array());
  return {
    isOpaque: marks.get('opaque')?.[0] === 0x79 && marks.get('opaque')?.length === 1, // 'y'
    isWhiteout: marks.has('whiteout'),
    isMetacopy: marks.has('metacopy'),
    redirect,
    origin: marks.get('origin') ?? null,
    xattrs: own,
  };
}
