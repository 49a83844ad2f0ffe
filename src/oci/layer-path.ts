import { NAME_BYTES_MAX, nameBytes } from '../events/name.ts';

/** Prefix of names that hide a name of a lower layer (OCI image-spec, layer.md, "Whiteouts"). */
export const WHITEOUT_PREFIX = '.wh.';

/** Name of the marker that makes its directory opaque (layer.md, "Opaque Whiteout"). */
export const OPAQUE_MARKER = '.wh..wh..opq';

/** Prefix of the names aufs kept for itself in a layer's root (go-archive, WhiteoutMetaPrefix). */
export const AUFS_PREFIX = '.wh..wh.';

/** Directory in which aufs kept the content of files with several names (go-archive, WhiteoutLinkDir). */
export const AUFS_LINK_DIRECTORY = '.wh..wh.plnk';

/**
 * The path of an archive relative to the root of the image: no leading `/`, no `.`, and `..` taken away together with the name
 * before it, or clamped at the root, as dockerd does with `../evil`. It goes by the text; links are the layer builder's matter.
 */
export function normalizePath(path: string): string {
  if (isNormal(path)) return path;
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}

/** Whether nothing needs to be done; most paths are so. */
function isNormal(path: string): boolean {
  let start = 0;
  for (;;) {
    const slash = path.indexOf('/', start);
    const end = slash === -1 ? path.length : slash;
    const length = end - start;
    if (length === 0) return path === '';
    if (path.charCodeAt(start) === 0x2e && (length === 1 || (length === 2 && path.charCodeAt(start + 1) === 0x2e)))
      return false;
    if (slash === -1) return true;
    start = slash + 1;
  }
}

/** What the name of an entry means in the OCI dialect. */
export type PathMeaning =
  | { readonly is: 'entry' }
  | { readonly is: 'whiteout'; readonly path: string }
  | { readonly is: 'opaque'; readonly path: string }
  /** A name of aufs's own. */
  | { readonly is: 'aufs' }
  | { readonly is: 'invalid'; readonly reason: string };

const ENTRY: PathMeaning = { is: 'entry' };

/** Reads a normalised path as the OCI dialect does. */
export function readPathMeaning(path: string): PathMeaning {
  if (!path.includes(WHITEOUT_PREFIX)) return ENTRY;
  const parts = path.split('/');
  const name = parts.at(-1) as string;
  const directory = parts.slice(0, -1);
  if (name === OPAQUE_MARKER && !directory.some(isReserved)) return { is: 'opaque', path: directory.join('/') };
  if (parts.some((part) => part.startsWith(AUFS_PREFIX))) return { is: 'aufs' };
  if (directory.some(isReserved)) return { is: 'invalid', reason: 'it lies below a whiteout, which has no content' };
  if (!isReserved(name)) return ENTRY;
  const hidden = name.slice(WHITEOUT_PREFIX.length);
  if (hidden === '' || hidden === '.' || hidden === '..')
    return { is: 'invalid', reason: 'a whiteout needs the name it hides' };
  return { is: 'whiteout', path: [...directory, hidden].join('/') };
}

/** Whether a name cannot be an entry's own in an OCI layer. */
export function isReserved(name: string): boolean {
  return name.startsWith(WHITEOUT_PREFIX);
}

/** The first component of a path that is longer than a Linux name can be, or null. */
export function findLongName(path: string): string | null {
  if (path.length <= NAME_BYTES_MAX / 3) return null; // three bytes at most per UTF-16 unit
  return path.split('/').find((part) => nameBytes(part) > NAME_BYTES_MAX) ?? null;
}
