/**
 * What a server knows that neither the log nor the kernel does, kept in two files beside the store so that another process can go
 * on in its place: which files are open under which handle, the ids of names of breakable links, nodes that have gone, and the
 * request that is being done.
 *
 * ```
 * PID.session   one JSON array a line, its line feed in front, appended: ["open", …], ["close", …], …
 * PID.request   unique u64 │ head of the log before it u64
 * ```
 *
 * A write(2) that has returned outlives the process, and that is all that is asked of these files: a machine that stops takes the
 * mount along.
 */

import { closeSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import type { DirectoryEntry } from '../engine/open-files.ts';
import type { Ino, SubjectId } from '../events/event.ts';

/** An open file. `by` is the request that opened it: `unique` as two halves. */
export interface OpenRecord {
  readonly handle: number;
  readonly by: readonly [low: number, high: number];
  readonly subject: SubjectId;
  ino: Ino;
  readonly flags: number;
  readonly parent: Ino;
  readonly name: string;
  readonly path: string;
  /** Of a directory whose list did not fit into one answer: the list that it goes on in. */
  entries: readonly DirectoryEntry[] | null;
}

/** One name of a lower hard link. */
export interface AliasRecord {
  readonly id: number;
  readonly subject: SubjectId;
  readonly parent: Ino;
  readonly name: string;
  ino: Ino;
  /** Copied up: `ino` is the number that the name has in the upper. */
  isUpper: boolean;
  lookups: number;
}

/** A node that left the tree with the event behind `seq`, while the kernel still knows it. */
export interface GoneRecord {
  readonly id: number;
  readonly subject: SubjectId;
  readonly ino: Ino;
  readonly seq: number;
}

type Line =
  | ['group', string]
  | ['open', OpenRecord]
  | ['close', handle: number]
  | ['moved', handle: number, ino: Ino]
  | ['list', handle: number, entries: readonly DirectoryEntry[]]
  | ['alias', AliasRecord]
  | ['gone', GoneRecord]
  | ['forget', id: number];

/** What a server that is dead had noted. */
export interface ServedBefore {
  readonly group: string;
  readonly opens: Map<number, OpenRecord>;
  readonly aliases: Map<number, AliasRecord>;
  readonly gone: Map<number, GoneRecord>;
  /** The last request that changes something; null: there was none. */
  readonly request: { readonly low: number; readonly high: number; readonly head: number } | null;
}

const REQUEST_BYTES = 24;

export class ServeJournal {
  readonly #session: number;
  readonly #request: number;
  readonly #cell = Buffer.alloc(REQUEST_BYTES);
  readonly #words = new Uint32Array(this.#cell.buffer, this.#cell.byteOffset, 4);

  /** @param stem - Path of the files without their endings. What is there is written anew, with what is known of it. */
  constructor(stem: string, known: ServedBefore) {
    const path = `${stem}.session`;
    writeFileSync(`${path}.tmp`, linesOf(known).map(lineText).join(''));
    renameSync(`${path}.tmp`, path);
    this.#session = openSync(path, 'a');
    this.#request = openSync(`${stem}.request`, 'w');
    if (known.request !== null) this.begin(known.request.low, known.request.high, known.request.head);
  }

  /** A request is about to be done that may change something. */
  begin(low: number, high: number, head: number): void {
    this.#words[0] = low;
    this.#words[1] = high;
    this.#cell.writeDoubleLE(head, 8);
    writeSync(this.#request, this.#cell, 0, REQUEST_BYTES, 0);
  }

  opened(record: OpenRecord): void {
    this.#note(['open', record]);
  }

  closed(handle: number): void {
    this.#note(['close', handle]);
  }

  moved(handle: number, ino: Ino): void {
    this.#note(['moved', handle, ino]);
  }

  listed(handle: number, entries: readonly DirectoryEntry[]): void {
    this.#note(['list', handle, entries]);
  }

  alias(record: AliasRecord): void {
    this.#note(['alias', record]);
  }

  gone(record: GoneRecord): void {
    this.#note(['gone', record]);
  }

  forgotten(id: number): void {
    this.#note(['forget', id]);
  }

  close(): void {
    closeSync(this.#session);
    closeSync(this.#request);
  }

  #note(line: Line): void {
    writeSync(this.#session, lineText(line));
  }
}

/** Nothing was served before. */
export const servedNothing = (group: string): ServedBefore => ({
  group,
  opens: new Map(),
  aliases: new Map(),
  gone: new Map(),
  request: null,
});

/** Reads what a dead server has left. */
export function readServeJournal(stem: string): ServedBefore {
  const before = { ...servedNothing(''), request: readRequest(`${stem}.request`) };
  for (const text of readFileSync(`${stem}.session`, 'utf8').split('\n')) {
    const line = lineOf(text);
    if (line !== null) take(before, line);
  }
  return before;
}

/** null: a line of which a full disk took a part only, so that its request was refused. */
function lineOf(text: string): Line | null {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return null;
  }
}

export function removeServeJournal(stem: string): void {
  for (const ending of ['session', 'session.tmp', 'request']) rmSync(`${stem}.${ending}`, { force: true });
}

function take(before: ServedBefore & { group: string }, line: Line): void {
  const { opens, aliases, gone } = before;
  switch (line[0]) {
    case 'group':
      before.group = line[1];
      return;
    case 'open':
      opens.set(line[1].handle, line[1]);
      return;
    case 'close':
      opens.delete(line[1]);
      return;
    case 'moved': {
      const open = opens.get(line[1]);
      if (open !== undefined) open.ino = line[2];
      return;
    }
    case 'list': {
      const open = opens.get(line[1]);
      if (open !== undefined) open.entries = line[2];
      return;
    }
    case 'alias':
      aliases.set(line[1].id, line[1]);
      return;
    case 'gone':
      gone.set(line[1].id, line[1]);
      return;
    case 'forget':
      aliases.delete(line[1]);
      gone.delete(line[1]);
  }
}

function linesOf({ group, opens, aliases, gone }: ServedBefore): Line[] {
  return [
    ['group', group],
    ...Array.from(opens.values(), (record): Line => ['open', record]),
    ...Array.from(aliases.values(), (record): Line => ['alias', record]),
    ...Array.from(gone.values(), (record): Line => ['gone', record]),
  ];
}

function readRequest(path: string): ServedBefore['request'] {
  const bytes = readFileSync(path);
  if (bytes.length < REQUEST_BYTES) return null;
  return { low: bytes.readUInt32LE(0), high: bytes.readUInt32LE(4), head: bytes.readDoubleLE(8) };
}

/** In front of it stands the line feed: what was written in part ends where the next line begins. */
const lineText = (line: Line): string => `\n${JSON.stringify(line)}`;
