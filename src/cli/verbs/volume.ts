import type { VerbContext } from '../context.ts';
import { usageError } from '../exit-codes.ts';
import { sizeText } from '../format/size.ts';
import { formatTime } from '../format/time.ts';
import { flag, type Options } from '../options.ts';
import type { Verb } from '../verb.ts';

export const volumeVerb: Verb = {
  name: 'volume',
  summary: 'make, list, show and remove volumes',
  args: [
    { form: '<action>', description: 'create, ls, inspect, rm or prune' },
    { form: '[name...]', description: 'names' },
  ],
  options: [
    { flags: '-a, --all', description: 'prune: named ones too' },
    { flags: '-q, --quiet', description: 'ls: names only' },
    { flags: '--format <template>', description: 'ls: one line each, such as "{name} {size}"' },
  ],
  examples: [
    { command: 'volume create data', explains: 'make one' },
    { command: 'volume ls --at ~10', explains: 'those of ten events ago' },
    { command: 'volume rm data', explains: 'refused while a container has it mounted' },
  ],
  reads: true,
  streams: true,
  hasSizes: true,
  run: async (context, [action, ...names], options) => {
    const act = ACTIONS.get(action);
    if (act === undefined)
      throw usageError(`there is no volume ${action}; there are ${[...ACTIONS.keys()].join(', ')}`);
    const needsNames = action !== 'ls' && action !== 'prune';
    if (needsNames !== names.length > 0) throw usageError(`volume ${action} takes ${needsNames ? 'names' : 'no name'}`);
    await act(context, names, options);
  },
};

type Action = (context: VerbContext, names: readonly string[], options: Options) => Promise<void>;

const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ['create', create],
  ['ls', list],
  ['inspect', inspect],
  ['rm', remove],
  ['prune', prune],
]);

async function create(context: VerbContext, names: readonly string[]): Promise<void> {
  const store = await context.store('create');
  for (const name of names) await store.volumes.create(name);
  context.answer(
    names.map((name) => store.volumes.get(name)),
    () => names.map((name) => `${name}\n`).join(''),
  );
}

async function list(context: VerbContext, _: readonly string[], options: Options): Promise<void> {
  const { view } = await context.view();
  const rows = view.volumes.list().map(({ name, sizeBytes, usedBy, anonymous, createdNs }) => {
    return { name, size: sizeBytes, used_by: usedBy, anonymous, created: formatTime(createdNs) };
  });
  if (flag(options, 'quiet')) {
    for (const { name } of rows) context.line(name);
    return;
  }
  context.rows(rows, [
    { title: 'VOLUME NAME', value: (row) => row.name },
    { title: 'SIZE', value: (row) => sizeText(row.size, context.exactBytes), align: 'right' },
    { title: 'USED BY', value: (row) => row.used_by.join(', ') },
  ]);
}

async function inspect(context: VerbContext, names: readonly string[]): Promise<void> {
  const { view } = await context.view();
  context.json(names.map((name) => view.volumes.get(name)));
}

async function remove(context: VerbContext, names: readonly string[]): Promise<void> {
  const store = await context.store('write');
  for (const name of names) store.volumes.get(name);
  for (const name of names) await store.volumes.remove(name);
  context.answer(names, () => names.map((name) => `${name}\n`).join(''));
}

async function prune(context: VerbContext, _: readonly string[], options: Options): Promise<void> {
  const store = await context.store('write');
  const removed = await store.volumes.prune({ all: flag(options, 'all') });
  context.answer(removed, () => removed.map((name) => `${name}\n`).join(''));
}
