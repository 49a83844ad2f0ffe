/**
 * Bounds on what an archive may ask of us.
 *
 * An archive is a stranger's input: each figure in it that would cost memory or time before a digest can be checked has a
 * bound here. Content bytes cost a pass, not memory, so their bound is far away.
 */
export interface TarLimits {
  /** Entries of one tar, extension headers not counted, and of all layers of one load. */
  readonly entriesMax: number;
  /** Bytes of one uncompressed tar. */
  readonly bytesMax: number;
  /** Bytes of one path or link target. */
  readonly pathBytesMax: number;
  /** Bytes of the extension headers in front of one entry, and of all global PAX records that are in force. */
  readonly extensionBytesMax: number;
  /** Bytes of all extended attributes of one tar, names and values: a global PAX record gives its own to every entry. */
  readonly xattrBytesMax: number;
  /** Data extents of one sparse file. */
  readonly sparseExtentsMax: number;
}

export const DEFAULT_TAR_LIMITS: TarLimits = {
  // Building a layer takes 0.9 KB of memory an entry.
  entriesMax: 1_000_000,
  bytesMax: 2 ** 42,
  // linux/limits.h PATH_MAX - 1: what a path argument can hold.
  pathBytesMax: 4095,
  // Go's archive/tar refuses extension headers above 1 MiB (maxSpecialFileSize); one xattr is at most 64 KiB (XATTR_SIZE_MAX).
  extensionBytesMax: 2 ** 20,
  // A million files with a label of SELinux each have half of it.
  xattrBytesMax: 2 ** 27,
  sparseExtentsMax: 2 ** 18,
};

/** The default bounds with some of them replaced. */
export function tarLimits(changes: Partial<TarLimits> = {}): TarLimits {
  return { ...DEFAULT_TAR_LIMITS, ...changes };
}
