/** What the log of the store says about a call of the recording: name, arguments, pid and line. */

import type { Cause } from '../../events/event.ts';
import { decodeName } from '../../events/name.ts';
import type { Places } from './places.ts';
import type { StraceRecord } from './record.ts';
import type { Token } from './token.ts';

/** Calls whose string arguments are data, by the place of the argument; -1: every one. */
const DATA_ARGUMENTS: ReadonlyMap<string, number> = new Map([
  ['write', 1],
  ['pwrite64', 1],
  ['writev', 1],
  ['pwritev', 1],
  ['pwritev2', 1],
  ['vmsplice', 1],
  ['setxattr', 2],
  ['lsetxattr', 2],
  ['fsetxattr', 2],
]);

/** Strings and lists longer than that are named by their length. */
const TEXT_MAX = 200;

/** Paths are those of the container; data is named by its length; `AT_FDCWD` goes without saying. */
export function causeOf(record: StraceRecord, places: Places): Cause {
  const data = DATA_ARGUMENTS.get(record.name) ?? -1;
  const args: string[] = [];
  record.args.forEach((token, index) => {
    if (token.kind === 'word' && token.text === 'AT_FDCWD') return;
    args.push(index === data ? `bytes=${dataBytes(token)}` : textOf(token, places));
  });
  return [record.name, ...args, `pid=${record.pid}`, `line=${record.line}`];
}

function textOf(token: Token, places: Places): string {
  switch (token.kind) {
    case 'string': {
      const path = decodeName(token.bytes);
      const text = places.inTree(path) ?? path;
      return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text;
    }
    case 'word': {
      if (token.path === null) return token.text;
      const path = decodeName(token.path.bytes);
      return `${token.text}<${places.inTree(path) ?? path}>`;
    }
    case 'list': {
      const items = token.items.map((item, index) => {
        const name = token.names[index];
        return name === '' ? textOf(item, places) : `${name}=${textOf(item, places)}`;
      });
      const text = items.join(', ');
      return text.length > TEXT_MAX ? `[${items.length} items]` : `[${text}]`;
    }
  }
}

function dataBytes(token: Token): number {
  if (token.kind === 'string') return token.bytes.length;
  if (token.kind === 'word') return 0;
  return token.items.reduce((sum, item) => {
    if (item.kind !== 'list') return sum;
    const base = item.items[item.names.indexOf('iov_base')];
    return base?.kind === 'string' ? sum + base.bytes.length : sum;
  }, 0);
}
