import { Trie } from '../projections/tree/trie.ts';

/**
 * A value as text, such that equal values have equal texts: for registries and the results of projections.
 *
 * Maps are sorted by key, so the order in which they were filled does not show; tries are their entries; bytes are hex.
 */
export function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => plain(part));
}

function plain(part: unknown): unknown {
  if (typeof part === 'bigint') return `${part}n`;
  if (part instanceof Uint8Array) return Buffer.from(part).toString('hex');
  if (part instanceof Map) {
    const entries = [...part].map(([key, value]): [string, unknown] => [String(key), value]);
    return entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
  }
  if (part instanceof Trie) {
    const entries: [number, unknown][] = [];
    part.forEach((value, key) => {
      entries.push([key, value]);
    });
    return entries;
  }
  return part;
}
