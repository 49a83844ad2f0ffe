/**
 * Blame: for every byte of a file, the event that last wrote it, or the image layer that it comes from.
 *
 * Read from the log alone: the file's writes are laid over one another in order, through copy-up, forks and rewinds. A
 * file that replaced another by rename has its own writes only.
 */

import type { ChunkReader } from '../events/chunk-store.ts';
import type { Ino, StoreEvent, SubjectId, Transaction } from '../events/event.ts';
import { lastSeq } from '../events/event.ts';
import type { Pasts } from '../projections/subject-past.ts';
import { readContent } from '../projections/tree/content.ts';
import type { Inode } from '../projections/tree/inode.ts';
import type { Tree } from '../projections/tree/tree.ts';
import { overlayThen, type World } from '../projections/world.ts';

/** A stretch of a file, and where its bytes come from. */
export interface BlameSpan {
  readonly start: number;
  readonly end: number;
  /** The event that wrote it, or made the hole; null: it is of the layer. */
  readonly seq: number | null;
  /** Index of the layer, lowest 0; null where an event wrote it. */
  readonly layer: number | null;
}

export interface BlameLine extends BlameSpan {
  /** From 1. */
  readonly line: number;
}

export interface BlameQuery {
  readonly pasts: Pasts;
  readonly world: World;
  readonly subject: SubjectId;
  /** A file of that world. */
  readonly ino: Ino;
  /** For files that were restored. */
  readonly worldAt?: (seq: number) => World;
  transactionAt(seq: number): Transaction | undefined;
}

/** The spans of a file, in order, from 0 to its size; neighbours have different sources. */
export function blameFile(query: BlameQuery): BlameSpan[] {
  const inode = query.world.overlay(query.subject)?.tree.get(query.ino);
  if (inode === undefined || inode.dir !== null) return [];
  if (!inode.isUpper) return layerSpans(inode);
  return joined(spansAt(query, query.subject, query.ino, query.world.seq));
}

/**
 * A file's lines, each with the newest event that wrote a byte of it.
 *
 * @param inode - The file that the spans are of.
 */
export function blameLines(spans: readonly BlameSpan[], inode: Inode, chunks: ChunkReader): BlameLine[] {
  const bytes = Buffer.alloc(inode.size);
  readContent(inode.content, chunks, 0, bytes, 0, inode.size);
  const lines: BlameLine[] = [];
  let first = 0;
  for (let start = 0; start < bytes.length;) {
    const feed = bytes.indexOf(0x0a, start);
    const end = feed < 0 ? bytes.length : feed + 1;
    while (spans[first].end <= start) first++;
    let newest = spans[first];
    for (let at = first; at < spans.length && spans[at].start < end; at++) {
      if ((spans[at].seq ?? 0) > (newest.seq ?? 0)) newest = spans[at];
    }
    lines.push({ line: lines.length + 1, start, end, seq: newest.seq, layer: newest.layer });
    start = end;
  }
  return lines;
}

/** What the file was made of after a transaction. */
interface Version {
  readonly seq: number;
  readonly spans: readonly BlameSpan[];
}

/** Spans of a node of a subject after event `upTo`. A fork begins with what its source had. */
function spansAt(query: BlameQuery, subject: SubjectId, ino: Ino, upTo: number): readonly BlameSpan[] {
  const own = query.pasts.get(subject);
  if (own === undefined) return [];
  const { from } = own;
  const base = from === null ? [] : spansAt(query, from.subject, ino, Math.min(upTo, from.at));
  const seqs = [...own.touched(ino, upTo), ...own.rewinds(upTo)];
  seqs.sort((a, b) => a - b);
  const versions: Version[] = [{ seq: 0, spans: base }];
  for (const seq of seqs) {
    const transaction = query.transactionAt(seq);
    if (transaction === undefined) continue;
    let { spans } = versions[versions.length - 1];
    transaction.events.forEach((event, index) => {
      if (event.type === 'ContainerRewound') {
        if (event.container === subject) spans = versionAt(versions, event.to).spans;
      } else if (event.type === 'NodesRestored') {
        if (event.container === subject) spans = restored(query, versions, event, ino) ?? spans;
      } else if (transaction.subject === subject) spans = after(spans, event, ino, seq + index);
    });
    versions.push({ seq: lastSeq(transaction), spans });
  }
  return versions[versions.length - 1].spans;
}

/** What a node holds after it became again what it, or another one, was; null: it is not among them. */
function restored(
  query: BlameQuery,
  versions: readonly Version[],
  { nodes, container }: Extract<StoreEvent, { type: 'NodesRestored' }>,
  ino: Ino,
): readonly BlameSpan[] | null {
  for (let index = 0; index < nodes.length; index += 3) {
    if (nodes[index] !== ino) continue;
    const [from, at] = [nodes[index + 1], nodes[index + 2]];
    const node = treeThen(query, container, at)?.get(from);
    // Then it was of a layer, as it is again.
    if (node !== undefined && !node.isUpper) return layerSpans(node);
    const isOwn = from === ino && at > (query.pasts.get(container)?.from?.at ?? -1);
    return isOwn ? versionAt(versions, at).spans : spansAt(query, container, from, at);
  }
  return null;
}

function treeThen({ world, worldAt }: BlameQuery, container: SubjectId, at: number): Tree | undefined {
  return worldAt === undefined ? undefined : overlayThen(world.registry, container, at, worldAt)?.tree;
}

const layerSpans = ({ size, layer }: Inode): BlameSpan[] =>
  size === 0 ? [] : [{ start: 0, end: size, seq: null, layer }];

function versionAt(versions: readonly Version[], seq: number): Version {
  for (let index = versions.length - 1; index > 0; index--) if (versions[index].seq <= seq) return versions[index];
  return versions[0];
}

function after(spans: readonly BlameSpan[], event: StoreEvent, ino: Ino, seq: number): readonly BlameSpan[] {
  switch (event.type) {
    case 'NodeCreated':
      return event.ino === ino ? [] : spans;
    case 'FileCopiedUp':
      if (event.upperIno !== ino) return spans;
      return event.bytes === 0 ? [] : [{ start: 0, end: event.bytes, seq: null, layer: event.layer }];
    case 'Written':
      return event.ino === ino ? overlaid(spans, event.offset, event.offset + event.length, seq) : spans;
    case 'Truncated':
      return event.ino === ino ? resized(spans, event.size, seq) : spans;
    case 'Allocated': {
      if (event.ino !== ino) return spans;
      const sized = resized(spans, event.size, seq);
      return event.zeroed
        ? overlaid(sized, event.offset, Math.min(event.size, event.offset + event.length), seq)
        : sized;
    }
    case 'HolePunched':
      return event.ino === ino
        ? overlaid(spans, event.offset, Math.min(sizeOf(spans), event.offset + event.length), seq)
        : spans;
    default:
      return spans;
  }
}

const sizeOf = (spans: readonly BlameSpan[]): number => spans.at(-1)?.end ?? 0;

/** The spans with `[start, end)` written by an event; a gap before it is a hole that the same event made. */
function overlaid(spans: readonly BlameSpan[], start: number, end: number, seq: number): readonly BlameSpan[] {
  if (end <= start) return spans;
  const size = sizeOf(spans);
  const fresh: BlameSpan = { start: Math.min(start, size), end, seq, layer: null };
  if (start >= size) return [...spans, fresh];
  const result: BlameSpan[] = [];
  for (const span of spans) if (span.start < start) result.push({ ...span, end: Math.min(span.end, start) });
  result.push(fresh);
  for (const span of spans) if (span.end > end) result.push({ ...span, start: Math.max(span.start, end) });
  return result;
}

function resized(spans: readonly BlameSpan[], size: number, seq: number): readonly BlameSpan[] {
  const before = sizeOf(spans);
  if (size > before) return [...spans, { start: before, end: size, seq, layer: null }];
  return spans.filter((span) => span.start < size).map((span) => (span.end <= size ? span : { ...span, end: size }));
}

function joined(spans: readonly BlameSpan[]): BlameSpan[] {
  const result: BlameSpan[] = [];
  for (const span of spans) {
    const last = result.at(-1);
    if (last !== undefined && last.seq === span.seq && last.layer === span.layer) {
      result[result.length - 1] = { ...last, end: span.end };
    } else result.push(span);
  }
  return result;
}
