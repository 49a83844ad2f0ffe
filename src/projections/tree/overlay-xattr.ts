/**
 * Attributes that overlayfs keeps in an upper for itself. One of such a name that a user sets through the mount is kept with
 * `overlay.` more in its name, so that a nested overlay's marks cannot be taken for this one's (W12;
 * Documentation/filesystems/overlayfs.rst, "Nesting overlayfs mounts").
 */

/** Of mounts by root; those with `-o userxattr` have `user.overlay.`. */
export const OVERLAY_XATTR_PREFIX = 'trusted.overlay.';

export const isOverlayXattr = (name: string): boolean => name.startsWith(OVERLAY_XATTR_PREFIX);

/** The name under which the upperdir of a mount has an attribute that its user calls `name`. */
export function nameInUpper(name: string, prefix: string = OVERLAY_XATTR_PREFIX): string {
  return name.startsWith(prefix) ? `${prefix}overlay.${name.slice(prefix.length)}` : name;
}
