/**
 * The chunks that moments from one on need: what can be read at them, and what folding the whole log needs.
 *
 * A later moment's content comes from the trees at the first one, from events since, or, through forks, rewinds and
 * restored nodes, from trees of earlier moments that these events name. Lists of events of layers are kept whatever became of
 * the layer: without them no container that stood on it could be folded.
 */

import { joinEventBatches } from '../events/codec.ts';
import type { ChunkNumber, StoreEvent, SubjectId } from '../events/event.ts';
import type { EventLog } from '../events/event-log.ts';
import type { Tree } from '../projections/tree/tree.ts';
import { type Overlay, overlayThen } from '../projections/world.ts';
import type { TimeMachine } from '../replay/time-machine.ts';

/** @param oldest - The first moment that is kept: a whole transaction ends there. */
export function keptChunks(
  time: Pick<TimeMachine, 'worldAt'>,
  log: Pick<EventLog, 'head' | 'read' | 'chunks'>,
  oldest: number,
): ReadonlySet<ChunkNumber> {
  const kept = new KeptChunks(log.chunks);
  const then = time.worldAt(oldest);
  for (const overlay of then.overlays()) kept.addOverlay(overlay);
  for (const layer of then.registry.layers.values()) kept.addLayer(layer);
  for (const transaction of log.read(1)) {
    const isKept = transaction.seq > oldest;
    for (const event of transaction.events) {
      if (event.type === 'LayerAdded') kept.add(event.chunks);
      if (!isKept) continue;
      kept.addEvent(event);
      for (const [subject, at] of momentsOf(event)) {
        if (at >= oldest) continue;
        // Of a fork, moments before it was made are its source's.
        const { registry } = time.worldAt(transaction.seq - 1);
        const overlay = overlayThen(registry, subject, at, (seq) => time.worldAt(seq));
        if (overlay !== undefined) kept.addOverlay(overlay);
      }
    }
  }
  return kept.chunks;
}

class KeptChunks {
  readonly chunks = new Set<ChunkNumber>();
  readonly #source: EventLog['chunks'];
  readonly #trees = new Set<Tree>();

  constructor(source: EventLog['chunks']) {
    this.#source = source;
  }

  add(chunks: readonly ChunkNumber[]): void {
    for (const chunk of chunks) this.chunks.add(chunk);
  }

  /** With what is below, also where it is hidden. */
  addOverlay({ tree, lower }: Overlay): void {
    this.#addTree(tree);
    if (lower !== null) this.#addTree(lower);
  }

  /** Its list of events, their content, and the framing of its tar. */
  addLayer({
    chunks,
    framing,
  }: {
    readonly chunks: readonly ChunkNumber[];
    readonly framing: readonly ChunkNumber[];
  }): void {
    this.add(chunks);
    this.add(framing);
    for (const event of joinEventBatches(chunks.map((chunk) => this.#source.get(chunk)))) this.addEvent(event);
  }

  addEvent(event: StoreEvent): void {
    if (event.type === 'LayerAdded') this.addLayer({ chunks: event.chunks, framing: [] });
    else if (event.type === 'LayerFramed') this.add(event.chunks);
    else if (event.type === 'Written') {
      for (let at = 0; at < event.pieces.length; at += 3) this.chunks.add(event.pieces[at]);
    }
  }

  #addTree(tree: Tree): void {
    if (this.#trees.has(tree)) return;
    this.#trees.add(tree);
    tree.inodes.forEach(({ content }) => {
      content?.forEachPage(({ slices }) => {
        for (let quad = 0; quad < slices.length; quad += 4) this.chunks.add(slices[quad + 2]);
      });
    });
  }
}

/** Earlier moments that an event takes a tree, or nodes of it, from. */
function momentsOf(event: StoreEvent): (readonly [subject: SubjectId, at: number])[] {
  switch (event.type) {
    case 'ContainerForked':
      return [[event.from, event.at]];
    case 'ContainerRewound':
      return [[event.container, event.to]];
    case 'NodesRestored': {
      const moments = new Set(event.nodes.filter((_, index) => index % 3 === 2));
      return [...moments].map((at) => [event.container, at] as const);
    }
    default:
      return [];
  }
}
