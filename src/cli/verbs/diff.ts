import {
  type At,
  type ContainerView,
  type DockerChange,
  dockerDiffLine,
  diffStat,
  encodeName,
  isStoreError,
  printableName,
  type Store,
  type Subject,
  type TreeChange,
} from '../../index.ts';
import type { VerbContext } from '../context.ts';
import { EXIT_DIFFERENT, usageError } from '../exit-codes.ts';
import { findContainer, parsePlace } from '../place.ts';
import { toJson } from '../format/json.ts';
import { flag, type Options, textOption } from '../options.ts';
import { hasTransactionFilter, TRANSACTION_OPTIONS, transactionFilter } from '../past-place.ts';
import type { Verb } from '../verb.ts';

export const diffVerb: Verb = {
  name: 'diff',
  summary: 'show what a container changed, as docker diff, or what changed between two moments',
  details:
    'diff CONTAINER compares with the image as docker diff does: names and attributes, never content.\n\n' +
    'diff A..B CONTAINER compares two moments, and --exact the image, by content and attributes: A added, M modified, ' +
    'D removed, R renamed. An end left out is start or now. The container may have been removed since.',
  args: [
    { form: '<range | container>', description: 'A..B, or the container' },
    { form: '[container]', description: 'name or id, or volume(NAME)' },
  ],
  options: [
    { flags: '--exact', description: 'against the image, by content' },
    { flags: '--stat', description: 'one line each, with the bytes more or less' },
    { flags: '--name-status', description: 'letter and path only' },
    { flags: '-p, --patch', description: 'with the content, as a patch that git apply takes' },
    { flags: '--path <path>', description: 'only this path, and what is below it' },
    ...TRANSACTION_OPTIONS,
    { flags: '--exit-code', description: 'end with 1 when there is a difference' },
  ],
  examples: [
    { command: 'diff web', explains: 'what docker diff prints' },
    { command: 'diff --stat before..after web', explains: 'what changed between two labels' },
    { command: 'diff -p --path /etc before..after web', explains: 'what lines of the configuration changed' },
    { command: "diff --group 'story.scn:12' web", explains: 'what of it a step has touched' },
    { command: 'diff web~4.. web', explains: 'what its last four steps changed' },
    { command: 'diff ~5m.. web', explains: 'in the last five minutes' },
  ],
  reads: true,
  streams: true,
  run: async (context, [first, second], options) => {
    const { store, view } = await context.view();
    const isRange = first.includes('..');
    if (isRange !== (second !== undefined)) throw usageError('it takes a container, or a range A..B and a container');
    if (isRange) {
      const found = changesBetween(store, first, second);
      if (found.changes.length === 0) hintAtSteps(context, first, second);
      return printChanges(context, store, found, options);
    }
    const container = findContainer(view, first);
    if (['exact', 'stat', 'nameStatus', 'patch'].some((name) => flag(options, name))) {
      return printChanges(context, store, fromImage(store, container, textOption(context.options, 'at')), options);
    }
    const span = { at: textOption(context.options, 'at') };
    const isWanted = wantedPath(store, { container: container.id }, span, options);
    const changes = inDockerOrder(container.diff()).filter(({ path }) => isWanted(path));
    print(context, changes, (change: DockerChange) => printableName(dockerDiffLine(change)));
    return flag(options, 'exitCode') && changes.length > 0 ? EXIT_DIFFERENT : 0;
  },
};

/** `~4` counts events of the whole store, which a newcomer may take for those of the container. */
function hintAtSteps(context: VerbContext, range: string, name: string): void {
  const steps = /^~(\d+)\.\./.exec(range)?.[1];
  if (steps === undefined || context.isJson || context.isNdjson || parsePlace(name).kind === 'volume') return;
  context.say(
    `${name} did not change: ~${steps} counts events of the whole store, ${name}~${steps} those of ${name} alone`,
  );
}

/** Changes, and the patch of each. */
interface Changes {
  readonly changes: readonly TreeChange[];
  readonly of: Subject;
  readonly span: Span;
  patches(changes: readonly TreeChange[]): string[];
}

/** The moments that are compared, the earlier one first; left out: the image, and now. */
interface Span {
  readonly after?: At;
  readonly at?: At | undefined;
}

/** Whether a path is the one that --path names, or below it, and was touched by what --op, --group and --actor ask for. */
function wantedPath(store: Store, of: Subject, span: Span, options: Options): (path: string) => boolean {
  const given = textOption(options, 'path')?.replace(/\/+$/, '') ?? '';
  const top = given === '' || given.startsWith('/') ? given : `/${given}`;
  const isTouched = hasTransactionFilter(options)
    ? store.past.touchedBy(of, transactionFilter(options), span)
    : () => true;
  return (path) => (top === '' || path === top || path.startsWith(`${top}/`)) && isTouched(path);
}

/** Against the image: as the container was made, which for a fork is not what it began with. */
function fromImage(store: Store, container: ContainerView, at: string | undefined): Changes {
  return {
    changes: container.changes(),
    of: { container: container.id },
    span: { at },
    patches: (changes) => store.past.patchesFromImage(container.subject, changes, at),
  };
}

function changesBetween(store: Store, range: string, subject: string): Changes {
  const dots = range.indexOf('..');
  const from = range.slice(0, dots) || 'start';
  const to = range.slice(dots + 2) || 'now';
  const { kind, name } = parsePlace(subject);
  const of = kind === 'volume' ? { volume: name } : { container: containerThen(store, [to, from], name) };
  const patches = (changes: readonly TreeChange[]): string[] => store.past.patches(from, to, of, changes);
  const [after, at] = [store.resolve(from), store.resolve(to)].toSorted((a, b) => a - b);
  return { changes: store.diff(from, to, of), of, span: { after, at }, patches };
}

/** Directory by directory, what is gone behind what is there, as docker's own walk has it; names sorted. */
function inDockerOrder(changes: readonly DockerChange[]): DockerChange[] {
  const parts = new Map(changes.map((change) => [change, change.path.split('/')]));
  return changes.toSorted((a, b) => {
    const left = parts.get(a) ?? [];
    const right = parts.get(b) ?? [];
    let depth = 0;
    while (depth < left.length && left[depth] === right[depth]) depth++;
    if (depth >= left.length || depth >= right.length) return left.length - right.length;
    const isGone = (change: DockerChange, path: readonly string[]): number =>
      Number(change.kind === 'D' && depth === path.length - 1);
    return isGone(a, left) - isGone(b, right) || Buffer.compare(encodeName(left[depth]), encodeName(right[depth]));
  });
}

/** The id of the container that had the name at one of the moments: another one may have it now. */
function containerThen(store: Store, moments: readonly string[], name: string): string {
  for (const moment of moments) {
    try {
      return findContainer(store.at(moment), name).id;
    } catch (error) {
      if (!isStoreError(error, 'ERR_NOT_FOUND')) throw error;
    }
  }
  return findContainer(store, name).id;
}

function printChanges(context: VerbContext, store: Store, found: Changes, options: Options): number {
  const isWanted = wantedPath(store, found.of, found.span, options);
  const changes = found.changes.filter(({ path, from }) => isWanted(path) || (from !== null && isWanted(from)));
  if (flag(options, 'patch')) {
    const patches = found.patches(changes);
    const rows = changes.map((change, index) => ({ ...change, patch: patches[index] }));
    print(
      context,
      rows,
      ({ patch }) => patch.replace(/\n$/, ''),
      ({ patch }) => patch !== '',
    );
  } else if (flag(options, 'nameStatus')) {
    print(context, changes, nameLine);
  } else if (flag(options, 'stat') && !context.isJson && !context.isNdjson) {
    for (const line of diffStat(changes)) context.line(line);
  } else {
    print(context, changes, exactLine);
  }
  return flag(options, 'exitCode') && changes.length > 0 ? EXIT_DIFFERENT : 0;
}

const LETTERS = { Added: 'A', Modified: 'M', Removed: 'D', Renamed: 'R' } as const;

/** As git has it: letter, tab, path; of a rename both paths. */
function nameLine({ change, path, from }: TreeChange): string {
  return [LETTERS[change], ...(from === null ? [] : [printableName(from)]), printableName(path)].join('\t');
}

function exactLine({ change, path, from, kind, what, sizeDelta }: TreeChange): string {
  const slash = kind === 'dir' && path !== '/' ? '/' : '';
  const source = from === null ? '' : `${printableName(from)}${slash} -> `;
  const aspects = what.length === 0 ? '' : `\t${what.join(',')}`;
  const delta = sizeDelta === 0 ? '' : `\t${sizeDelta > 0 ? '+' : ''}${sizeDelta}`;
  return `${LETTERS[change]} ${source}${printableName(path)}${slash}${aspects}${delta}`;
}

function print<T>(
  context: VerbContext,
  changes: readonly T[],
  line: (change: T) => string,
  hasLine: (change: T) => boolean = () => true,
): void {
  if (context.isJson) return context.json(changes);
  for (const change of changes) {
    if (context.isNdjson) context.line(toJson(change));
    else if (hasLine(change)) context.line(line(change));
  }
}
