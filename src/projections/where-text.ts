/** The answer to `where` as lines for people. */

import type { Cause, Ino, StoreEvent, Transaction } from '../events/event.ts';
import { printableName } from '../events/name.ts';
import type { PathPlace } from './where.ts';

export interface WhereNames {
  /** The container's name; null for an image. */
  readonly container: string | null;
  /** The image's reference, as layers are called by: `story:1/layer2`. */
  readonly image: string;
  /** The transaction that holds an event. */
  transactionAt(seq: number): Transaction | undefined;
}

/**
 * What decides, in one line: the topmost place that is seen, and what it hides or came from.
 *
 * ```
 * upper(c1)	copied up at #12 from story:1/layer2 by append of 1 byte
 * whiteout in upper(c2) at #13, hides story:1/layer2
 * story:1/layer2	10000000 bytes
 * ```
 */
export function whereLine(places: readonly PathPlace[], names: WhereNames): string | null {
  const index = places.findIndex((place) => place.isVisible);
  return index < 0 ? null : placeLine(places, index, names);
}

/** A line for each place, the topmost first. */
export function whereLines(places: readonly PathPlace[], names: WhereNames): string[] {
  return places.map((_, index) => placeLine(places, index, names));
}

function placeLine(places: readonly PathPlace[], index: number, names: WhereNames): string {
  const place = places[index];
  const label = placeName(place, names);
  const at = place.seq === null ? '' : ` at #${place.seq}`;
  const hidden = place.isVisible ? '' : ', hidden';
  if (place.holds !== 'node') {
    const below = places.slice(index + 1).find((other) => other.holds === 'node' && other.layer !== place.layer);
    const hides = below === undefined || !place.isVisible ? '' : `, hides ${placeName(below, names)}`;
    const mark = place.holds === 'whiteout' ? 'whiteout' : `opaque directory ${printableName(place.path)}`;
    return `${mark} in ${label}${at}${hides}${hidden}`;
  }
  if (place.layer !== null) {
    return `${label}\t${place.kind === 'file' ? `${place.sizeBytes} bytes` : place.kind}${hidden}`;
  }
  const transaction = place.seq === null ? undefined : names.transactionAt(place.seq);
  const by = transaction === undefined || place.seq === null ? '' : ` by ${causeText(transaction, place.seq)}`;
  if (place.copiedUpFrom === null) return `${label}\tmade${at}${by}${hidden}`;
  return `${label}\tcopied up${at} from ${layerName(place.copiedUpFrom, names)}${by}${hidden}`;
}

function placeName(place: PathPlace, names: WhereNames): string {
  if (place.layer !== null) return layerName(place.layer, names);
  return `upper(${printableName(names.container ?? '')})`;
}

/** Layers are counted from 1 for people, lowest first. */
const layerName = (layer: number, names: WhereNames): string => `${names.image}/layer${layer + 1}`;

/** What a transaction did to the node that its event `seq` is about, in a few words. */
export function causeText(transaction: Transaction, seq: number): string {
  const ino = nodeOf(transaction.events[seq - transaction.seq]);
  const after = transaction.events.slice(seq - transaction.seq + 1);
  const copied = transaction.events[seq - transaction.seq];
  let end = copied.type === 'FileCopiedUp' ? copied.bytes : 0;
  let appended = 0;
  let written = 0;
  for (const event of after) {
    if (event.type !== 'Written' || event.ino !== ino) continue;
    written += event.length;
    if (event.offset === end) appended += event.length;
    end = Math.max(end, event.offset + event.length);
  }
  if (written > 0 && copied.type === 'FileCopiedUp' && copied.withData) {
    return written === appended ? `append of ${bytes(appended)}` : `write of ${bytes(written)}`;
  }
  if (written > 0) return `write of ${bytes(written)}`;
  return operationText(transaction.cause);
}

const bytes = (count: number): string => (count === 1 ? '1 byte' : `${count} bytes`);

/** The operation by its name: arguments may be long, and the path is known. */
const operationText = (cause: Cause): string => cause[0];

function nodeOf(event: StoreEvent): Ino {
  if ('upperIno' in event) return event.upperIno;
  return 'ino' in event ? event.ino : 0;
}
