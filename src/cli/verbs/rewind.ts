import { absenceAt, diffStat, printableName, type Store, type TreeChange, type UndoConflict } from '../../index.ts';
import type { VerbContext } from '../context.ts';
import { EXIT_DIFFERENT, usageError } from '../exit-codes.ts';
import { causeLine } from '../format/transaction.ts';
import { flag, type Options, textOption } from '../options.ts';
import { pastIn } from '../past-place.ts';
import type { Verb } from '../verb.ts';

export const rewindVerb: Verb = {
  name: 'rewind',
  summary:
    "make a container's files what they were, or take back one group; the log goes on, so this can be undone too",
  details:
    'With --group it takes back what that group did (a scenario step, a tool call, a process of a recording), and nothing of ' +
    'what others did afterwards. Where others changed the same file or name since, nothing is done, and the paths are named; ' +
    '--force takes their changes to these back as well. What it does is of the group "undo ID". ' +
    'With --path one path goes back, with all below it, also in a volume that is mounted there; everything else stays.',
  args: [
    { form: '<container>', description: 'name or id' },
    { form: '[moment]', description: 'where to go back to' },
  ],
  options: [
    { flags: '--group <id>', description: 'take back this group alone' },
    { flags: '--path <path>', description: 'only this path, and what is below it' },
    { flags: '--force', description: 'with --group: also where others changed the same things afterwards' },
    { flags: '--dry-run', description: 'show what would change, and change nothing' },
  ],
  examples: [
    { command: 'rewind web before-upgrade', explains: 'as it was at a label' },
    { command: 'rewind --dry-run web ~10', explains: 'what going back ten events would change' },
    { command: 'rewind --path /etc/app.conf web ~1h', explains: 'one file as it was an hour ago' },
    { command: 'rewind --group story.scn:12 web', explains: 'take back what the step of line 12 did' },
  ],
  run: async (context, [name, moment], options) => {
    const group = textOption(options, 'group');
    const path = textOption(options, 'path');
    if ((moment === undefined) === (group === undefined)) throw usageError('it takes a moment, or --group');
    if (group !== undefined && path !== undefined) throw usageError('it takes --group or --path, not both');
    if (group === undefined && flag(options, 'force')) throw usageError('--force goes with --group');
    const store = await context.store(flag(options, 'dryRun') ? 'read' : 'write');
    if (group !== undefined) return undoGroup(context, store, name, group, options);
    return path === undefined
      ? rewindAll(context, store, name, moment, options)
      : rewindPath(context, store, { name, moment, path }, options);
  },
};

async function rewindAll(
  context: VerbContext,
  store: Store,
  name: string,
  moment: string,
  options: Options,
): Promise<void> {
  const isDry = flag(options, 'dryRun');
  const container = store.containers.get(name);
  const to = store.resolve(moment);
  if (store.at(to).world.overlay(container.subject) === undefined) {
    throw Object.assign(new Error(absenceAt(store, container.record, to)), { code: 'ENOENT' });
  }
  const changes = store.diff('now', to, { container: name });
  if (!isDry) await store.rewind(container.name, to);
  context.answer({ name: container.name, to, changes, done: !isDry }, () =>
    changesText(changes, `${container.name} is as it was after event ${to} already`),
  );
  if (!isDry && !context.isJson) context.say(`${container.name} is as it was after event ${to}`);
}

async function rewindPath(
  context: VerbContext,
  store: Store,
  { name, moment, path }: { name: string; moment: string; path: string },
  options: Options,
): Promise<void> {
  const isDry = flag(options, 'dryRun');
  const container = store.containers.get(name);
  const { of, title, path: inside } = pastIn(store, container, path);
  const [trees, subject] = 'volume' in of ? [store.volumes, of.volume] : [store.containers, of.container];
  const to = store.resolve(moment);
  const changes = isDry ? trees.planRewindPath(subject, to, inside) : await trees.rewindPath(subject, to, inside);
  context.answer({ name: container.name, ...('volume' in of && of), to, path: inside, changes, done: !isDry }, () =>
    changesText(changes, `${path} is as it was after event ${to} already`),
  );
  if (!isDry && !context.isJson) context.say(`${inside} of ${title} is as it was after event ${to}`);
}

async function undoGroup(
  context: VerbContext,
  store: Store,
  name: string,
  group: string,
  options: Options,
): Promise<number> {
  const force = flag(options, 'force');
  const { containers } = store;
  const container = containers.get(name).name;
  const planned = containers.planUndo(container, group, { force });
  const isRefused = planned.conflicts.length > 0 && !force;
  const isDone = !flag(options, 'dryRun') && !isRefused;
  if (isDone) await containers.undo(container, group, { force });
  context.answer({ name: container, group, ...planned, done: isDone }, () =>
    isRefused ? '' : changesText(planned.changes, `group ${group} has left no trace in ${container}`),
  );
  if (context.isJson) return isRefused ? EXIT_DIFFERENT : 0;
  for (const conflict of planned.conflicts) context.say(conflictText(conflict, force));
  if (isRefused)
    context.say(`group ${group} can't be taken back alone; --force takes these later changes back as well`);
  else if (isDone)
    context.say(`${container} is as if group ${group} had not been; rewind --group 'undo ${group}' brings it back`);
  return isRefused ? EXIT_DIFFERENT : 0;
}

function changesText(changes: readonly TreeChange[], nothing: string): string {
  const lines = diffStat(changes).map((line) => `${line}\n`);
  return lines.join('') || `${nothing}\n`;
}

const WHAT: Readonly<Record<UndoConflict['what'], string>> = {
  name: 'stands for something else since',
  node: 'was changed since',
  inside: 'was put there since',
  'parent gone': 'is gone',
};

function conflictText({ path, what, by }: UndoConflict, force: boolean): string {
  const who =
    by === null ? '' : ` by event ${by.seq}${by.group === null ? '' : ` of group ${by.group}`}, ${causeLine(by.cause)}`;
  return `${force ? 'overruled' : 'conflict'}: ${printableName(path)} ${WHAT[what]}${who}`;
}
