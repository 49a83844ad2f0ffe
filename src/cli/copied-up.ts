/** What of a container was copied up, and what it cost: one by one, or added up. */

import { type CopyUp, copyUpsIn, printableName, type Store } from '../index.ts';
import type { VerbContext } from './context.ts';
import { sizeText } from './format/size.ts';
import { causeLine } from './format/transaction.ts';
import { choiceOption, type Options, textOption } from './options.ts';
import { findContainer, parsePlace } from './place.ts';

/** By what copy-ups can be added up. */
const KEYS = ['operation', 'group', 'directory', 'layer'] as const;

interface CopyUpRow extends CopyUp {
  readonly group: string | null;
}

/** `du --copy-up`. */
export async function copiedUp(context: VerbContext, place: string, options: Options): Promise<void> {
  const { store, view } = await context.view();
  const { name, path } = parsePlace(place);
  const { tree } = findContainer(view, name).overlay;
  const by = choiceOption(options, 'by', KEYS);
  const group = textOption(options, 'group');
  const op = textOption(options, 'op');
  const top = path === '/' ? '' : path;
  const rows = copyUpsIn(store.copyUps(), tree)
    .filter((entry) => entry.kind !== 'dir' && (top === '' || entry.path === top || entry.path.startsWith(`${top}/`)))
    .map((entry) => ({ ...entry, group: groupOf(store, entry) }))
    .filter((entry) => (group === undefined || entry.group === group) && (op === undefined || entry.cause[0] === op))
    .toSorted((a, b) => b.bytes - a.bytes || a.seq - b.seq);
  const nothing = `${name} has copied nothing up\n`;
  if (by === undefined) return context.answer(rows, () => rows.map((row) => rowText(context, row)).join('') || nothing);
  const sums = addedUp(rows, (row) => keyOf(row, by));
  context.answer(
    sums.map(({ key, ...sum }) => ({ [by]: key, ...sum })),
    () => sums.map((sum) => sumText(context, sum)).join('') || nothing,
  );
}

interface Sum {
  readonly key: string;
  readonly count: number;
  readonly bytes: number;
  readonly copiedBytes: number;
}

function addedUp(rows: readonly CopyUpRow[], keyOfRow: (row: CopyUpRow) => string): Sum[] {
  const sums = new Map<string, Sum>();
  for (const row of rows) {
    const key = keyOfRow(row);
    const { count, bytes, copiedBytes } = sums.get(key) ?? { count: 0, bytes: 0, copiedBytes: 0 };
    sums.set(key, { key, count: count + 1, bytes: bytes + row.bytes, copiedBytes: copiedBytes + row.copiedBytes });
  }
  return [...sums.values()].toSorted((a, b) => b.bytes - a.bytes);
}

const sumText = (context: VerbContext, { key, count, bytes }: Sum): string =>
  `${sizeText(bytes, context.exactBytes)}\t${count}\t${printableName(key)}\n`;

const groupOf = (store: Store, { seq }: CopyUp): string | null => store.time.transactionAt(seq)?.group ?? null;

function keyOf(row: CopyUpRow, by: (typeof KEYS)[number]): string {
  switch (by) {
    case 'operation':
      return row.cause[0];
    case 'group':
      return row.group ?? '-';
    case 'directory':
      return row.path.slice(0, row.path.lastIndexOf('/')) || '/';
    case 'layer':
      return String(row.layer + 1);
  }
}

function rowText(context: VerbContext, { seq, path, bytes, layer, cause }: CopyUpRow): string {
  const size = sizeText(bytes, context.exactBytes);
  return `${size}\t${printableName(path)}\tfrom layer ${layer + 1} at #${seq} by ${causeLine(cause)}\n`;
}
