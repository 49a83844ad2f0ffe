/** What a transaction's events did, in a few words. */

import { kindOf, type NodeKind, printableName, type StoreEvent } from '../../index.ts';
import { formatSize, plural } from './size.ts';

const KINDS: Readonly<Record<NodeKind, string>> = {
  file: 'file',
  dir: 'directory',
  symlink: 'symlink',
  fifo: 'fifo',
  chr: 'device',
  blk: 'device',
  sock: 'socket',
};

/** Phrases such as `2 directories copied up, file copied up (10MB), 1 byte written`. */
export function summarize(events: readonly StoreEvent[]): string {
  const counts = new Map<string, number>();
  const bytes = new Map<string, number>();
  for (const event of events) {
    const phrase = phraseOf(event);
    counts.set(phrase, (counts.get(phrase) ?? 0) + 1);
    bytes.set(phrase, (bytes.get(phrase) ?? 0) + bytesOf(event));
  }
  return [...counts].map(([phrase, count]) => phraseText(phrase, count, bytes.get(phrase) ?? 0)).join(', ');
}

function phraseText(phrase: string, count: number, bytes: number): string {
  if (phrase === 'written') return `${bytes < 1000 ? plural(bytes, 'byte') : formatSize(bytes)} written`;
  const [noun, ...rest] = phrase.split(' ');
  const many = noun.endsWith('s') ? noun : noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`;
  const text = count === 1 || noun === 'attributes' ? phrase : [String(count), many, ...rest].join(' ');
  return bytes === 0 ? text : `${text} (${formatSize(bytes)})`;
}

function bytesOf(event: StoreEvent): number {
  if (event.type === 'Written') return event.length;
  return event.type === 'FileCopiedUp' || event.type === 'LayerAdded' ? event.bytes : 0;
}

function phraseOf(event: StoreEvent): string {
  switch (event.type) {
    case 'NodeCreated':
      return `${KINDS[kindOf(event.mode)]} made`;
    case 'Written':
      return 'written';
    case 'DirectoryCopiedUp':
      return 'directory copied up';
    case 'FileCopiedUp':
      return event.withData ? 'file copied up' : 'file copied up without data';
    case 'SymlinkCopiedUp':
      return 'symlink copied up';
    case 'NodeCopiedUp':
      return 'node copied up';
    case 'WhiteoutCreated':
      return 'whiteout made';
    case 'WhiteoutRemoved':
      return 'whiteout removed';
    case 'OpaqueSet':
      return 'directory made opaque';
    case 'Unlinked':
      return 'name removed';
    case 'Linked':
      return 'name added';
    case 'Renamed':
      return 'name moved';
    case 'NodeReleased':
      return 'node released';
    case 'Truncated':
      return `file cut to ${event.size}`;
    case 'AttributesChanged':
      return 'attributes changed';
    case 'LabelSet':
      return `label ${printableName(event.label)} set to ${event.seq}`;
    case 'NodesRestored':
      return `${event.names.length} names and ${event.nodes.length / 3} nodes restored`;
    case 'HistoryDropped':
      return `history before ${event.before} dropped`;
    case 'MarkAdded':
      return event.source === '' ? 'mark' : `mark of ${printableName(event.source)}`;
    case 'ExecEnded':
      return `exec ended with ${event.exitCode}`;
    case 'ContainerRewound':
      return `tree as of ${event.to}`;
    case 'ContainerForked':
      return `fork as of ${event.at}`;
    default:
      return wordsOf(event.type);
  }
}

/** `VolumeMounted` → `volume mounted`. */
const wordsOf = (type: string): string => type.replaceAll(/\B[A-Z]/g, ' $&').toLowerCase();
