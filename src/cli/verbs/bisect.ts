import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastSeq, printableName, type Store, type Transaction, type Verdict } from '../../index.ts';
import type { VerbContext } from '../context.ts';
import { copyOut } from '../copy-out.ts';
import { usageError } from '../exit-codes.ts';
import { plural } from '../format/size.ts';
import { namesAt } from '../format/names.ts';
import { transactionLine, transactionRow } from '../format/transaction.ts';
import { openPlace } from '../place.ts';
import { parseExpression } from '../past-expression.ts';
import { flag, type Options, textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

/** git's: this moment can't be tested. */
const EXIT_SKIP = 125;
/** From here on a command ends the whole search, as with git. */
const EXIT_ABORT_MIN = 128;

export const bisectVerb: Verb = {
  name: 'bisect',
  summary: 'find the transaction that made something so, by looking at few moments in between',
  details:
    'A is a moment at which it was not so, B one at which it is; an end left out is the container’s beginning or now. ' +
    'The command ends with 0 where it is not so yet (good), with 1 to 124 or 126 to 127 where it is (bad), with 125 where that can ' +
    'not be told; anything else ends the search. It finds OVERLOG_AT, OVERLOG_CONTAINER and OVERLOG_STORE in its environment, and ' +
    'with --files the files of that moment in its current directory.\n\n' +
    'An expression is so or not: exists PATH · missing PATH · contains PATH TEXT · size PATH > SIZE · upper > SIZE; with > >= < <= =.',
  args: [
    { form: '<range>', description: 'A..B' },
    { form: '<container>', description: 'name or id' },
    { form: '[command...]', description: 'the test, behind --' },
  ],
  options: [
    { flags: '--expr <expression>', description: 'the test as an expression, instead of a command' },
    { flags: '--by-group', description: 'find the group (a step, a process), not the transaction' },
    { flags: '--files', description: 'give the command the files of the container, in a folder of their own' },
  ],
  examples: [
    {
      command: "bisect --expr 'upper > 5MB' .. web",
      explains: 'which operation made the writable layer larger than 5 MB',
    },
    { command: 'bisect --files before..now web -- sh check.sh', explains: 'with a test of your own' },
    {
      command: "bisect .. web -- sh -c '! overlog cat --at $OVERLOG_AT web:/app.conf | grep -q bug'",
      explains: 'asking the store',
    },
  ],
  run: async (context, [range, name, ...command], options) => {
    const expression = textOption(options, 'expr');
    if ((expression === undefined) === (command.length === 0))
      throw usageError('it takes a command behind --, or --expr');
    const dots = range.indexOf('..');
    if (dots < 0) throw usageError(`"${range}" is not a range A..B`);
    const store = await context.store('read');
    const container = store.containers.get(name);
    // Before it was there, nothing was so: the search begins with the container.
    const born = lastSeq(store.time.transactionAt(container.record.seq) as Transaction);
    const from = Math.max(born, store.resolve(range.slice(0, dots) || 0));
    const to = store.resolve(range.slice(dots + 2) || 'now');
    const isSo = expression === undefined ? null : parseExpression(expression);
    const test = (seq: number): Verdict | Promise<Verdict> =>
      isSo === null
        ? runTest(context, store, { seq, name: container.name, command }, options)
        : isSo(store.at(seq).containers.get(container.id));
    const found = await store.past.bisect(container.name, {
      from,
      to,
      byGroup: flag(options, 'byGroup'),
      test,
      onStep: ({ seq, left }) => context.progress(`event ${seq}: ${plural(left, 'step')} left`),
    });
    context.progress(null);
    const { transaction, before, tests, candidates } = found;
    const rows = candidates.map((each) => transactionRow(store, each));
    context.answer({ transaction: transactionRow(store, transaction), before, tests, candidates: rows }, () =>
      candidates.map((each) => `${transactionLine(each, namesAt(store), context.style)}\n`).join(''),
    );
    if (context.isJson) return;
    const group = transaction.group === null ? '' : `, of group ${printableName(transaction.group)}`;
    const which =
      candidates.length === 1
        ? `event ${transaction.seq} made it so${group}`
        : `one of these ${candidates.length} made it so`;
    context.say(`${which}; it was not so after event ${before} (${plural(tests, 'test')})`);
  },
};

async function runTest(
  context: VerbContext,
  store: Store,
  { seq, name, command }: { seq: number; name: string; command: readonly string[] },
  options: Options,
): Promise<Verdict> {
  const folder = flag(options, 'files') ? mkdtempSync(join(tmpdir(), 'overlog-bisect-')) : null;
  try {
    if (folder !== null)
      await copyOut(openPlace(store.at(seq), `${name}:/`), folder, { archive: false, followLink: false });
    const env = { ...context.env, OVERLOG_AT: String(seq), OVERLOG_CONTAINER: name, OVERLOG_STORE: context.directory };
    const ran = spawnSync(command[0], command.slice(1), {
      stdio: ['ignore', 'ignore', 'inherit'],
      env,
      ...(folder !== null && { cwd: folder }),
    });
    if (ran.error !== undefined) throw usageError(`${command[0]}: ${ran.error.message}`);
    const { status } = ran;
    if (status === EXIT_SKIP) return 'skip';
    if (status === null || status >= EXIT_ABORT_MIN) {
      throw usageError(`${command[0]} ended with ${status ?? ran.signal} at event ${seq}: the search ends`);
    }
    return status !== 0;
  } finally {
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
  }
}
