import type { Ino } from '../../events/event.ts';

/** A directory: a node of the tree, or a path outside (`ino` 0 then). */
export interface Place {
  readonly ino: Ino;
  readonly path: string;
}
