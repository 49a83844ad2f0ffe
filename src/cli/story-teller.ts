/** Tells a scenario as it is played: its comments, what was asked, what came, and what it cost. */

import type { Scenario, StepReport, Store, Transaction } from '../index.ts';
import type { VerbContext } from './context.ts';
import { namesAt } from './format/names.ts';
import { formatSize, plural } from './format/size.ts';

export class StoryTeller {
  readonly #context: VerbContext;
  readonly #scenario: Scenario;
  readonly #store: Store;
  /** The last line of the source that was told. */
  #toldTo = 0;

  constructor(context: VerbContext, scenario: Scenario, store: Store) {
    this.#context = context;
    this.#scenario = scenario;
    this.#store = store;
  }

  tell({ step, output, fromSeq, toSeq }: StepReport): void {
    const { style } = this.#context;
    this.#comments(step.line);
    const last = step.kind === 'image' ? (step.instructions.at(-1)?.line ?? step.line) + 1 : step.line;
    for (const line of this.#scenario.lines.slice(step.line - 1, last)) this.#line(style.cyan(codeOf(line)));
    for (const line of output) this.#line(`  ${line}`);
    for (const cost of this.#costs(fromSeq, toSeq, step.kind)) this.#line(`  ${style.green('→')} ${style.dim(cost)}`);
    this.#toldTo = Math.max(last, step.line + output.length);
  }

  /** Comments between the last step and this one. A block that starts with a number is a heading. */
  #comments(line: number): void {
    const { style } = this.#context;
    const between = this.#scenario.lines.slice(this.#toldTo, line - 1);
    const comments = between.filter((text) => text.startsWith('#')).map((text) => text.replace(/^#\s?/, '').trimEnd());
    comments.forEach((text, index) => {
      const isHeading = /^\d+\. /.test(text);
      if (index === 0 || isHeading) this.#line('');
      this.#line(isHeading ? style.bold(text) : text);
    });
  }

  *#costs(fromSeq: number, toSeq: number, kind: string): Generator<string> {
    if (kind === 'refused' || (kind === 'files' && toSeq === fromSeq)) {
      yield kind === 'refused' ? 'refused: nothing changed' : 'no event: it was only read';
    }
    if (kind !== 'files' || toSeq === fromSeq) return;
    const names = namesAt(this.#store);
    const bySubject = new Map<number, Transaction[]>();
    for (const transaction of this.#store.transactions({ from: fromSeq, to: toSeq })) {
      const known = bySubject.get(transaction.subject);
      if (known === undefined) bySubject.set(transaction.subject, [transaction]);
      else known.push(transaction);
    }
    for (const [subject, transactions] of bySubject) {
      const isVolume = this.#store.world.registry.volumes.has(subject);
      yield `${isVolume ? 'volume ' : ''}${names(subject)}: ${costText(transactions)}`;
    }
  }

  #line(text: string): void {
    this.#context.line(text);
  }
}

function costText(transactions: readonly Transaction[]): string {
  let copied = 0;
  let written = 0;
  const counts = { copiedUp: 0, whiteouts: 0, opaque: 0, made: 0, removed: 0, changed: 0 };
  for (const event of transactions.flatMap(({ events }) => events)) {
    if (event.type === 'FileCopiedUp') {
      counts.copiedUp++;
      copied += event.bytes;
    } else if (event.type === 'Written') written += event.length;
    else if (event.type === 'WhiteoutCreated') counts.whiteouts++;
    else if (event.type === 'OpaqueSet') counts.opaque++;
    else if (event.type === 'NodeCreated') counts.made++;
    else if (event.type === 'Unlinked') counts.removed++;
    else if (event.type === 'AttributesChanged') counts.changed++;
  }
  const parts = [
    counts.copiedUp > 0 && `${plural(counts.copiedUp, 'file')} copied up, ${formatSize(copied)}`,
    counts.made > 0 && `${plural(counts.made, 'node')} made`,
    written > 0 && `${written < 1000 ? plural(written, 'byte') : formatSize(written)} written`,
    counts.changed > 0 && written === 0 && 'attributes changed',
    counts.removed > 0 && `${plural(counts.removed, 'name')} removed`,
    counts.whiteouts > 0 && `${plural(counts.whiteouts, 'whiteout')}: what it hides stays in its layer`,
    counts.opaque > 0 && plural(counts.opaque, 'opaque directory', 'opaque directories'),
  ];
  return parts.filter((part) => part !== false).join(', ') || plural(transactions.length, 'change');
}

/** The line without its comment. */
const codeOf = (line: string): string => line.replace(/(?:\s{2,}|\t)#.*$/, '').trimEnd();
