/** The numbers by which events name things. */

/** Number of a container or a volume in this store: 1, 2, …; 0 is the store itself. Never used twice. */
export type SubjectId = number;

/** Number of a node within one tree; the root is {@link ROOT_INO}. Never used twice in one tree. */
export type Ino = number;

/** Number of a chunk in this log: 1, 2, … in the order of their frames. */
export type ChunkNumber = number;

export const ROOT_INO: Ino = 1;
export const STORE_SUBJECT: SubjectId = 0;
