import { type Container, isStoreError, type Store } from '../../index.ts';
import type { VerbContext } from '../context.ts';
import { usageError } from '../exit-codes.ts';
import { branchName } from '../place.ts';
import { textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

export const forkVerb: Verb = {
  name: 'fork',
  summary: 'make a container that begins as another one is, or was; nothing is copied',
  details:
    'With a moment instead of a container it forks all containers of that moment: fork MOMENT --as rescue makes rescue-web of ' +
    'web, and rescue/web names it. Containers that were removed since come back that way.',
  args: [{ form: '<container | moment>', description: 'name or id, as now or as then' }],
  options: [
    { flags: '--at <moment>', description: 'as it was then; default: now' },
    { flags: '--as <name>', description: 'name of the new container, or of the branch' },
  ],
  examples: [
    { command: 'fork web --as web-2', explains: 'a second one, from here' },
    { command: 'fork web --at before-rm --as rescued', explains: 'bring a removed container back' },
    { command: 'fork before-rm --as rescue', explains: 'all containers of that moment' },
  ],
  run: async (context, [what], options) => {
    const store = await context.store('write');
    const at = textOption(options, 'at');
    const name = textOption(options, 'as');
    if (at === undefined && !hasContainer(store, what)) return forkAll(context, store, what, name);
    const fork = await store.fork(what, at ?? 'now', name === undefined ? {} : { name });
    context.answer([fork.inspect()], () => `${fork.name}\n`);
  },
};

async function forkAll(context: VerbContext, store: Store, moment: string, branch: string | undefined): Promise<void> {
  const at = momentOf(store, moment);
  if (branch === undefined) throw usageError('a fork of all containers needs --as NAME');
  const names = store
    .at(at)
    .containers.list()
    .map((container) => container.name)
    .toSorted();
  const made: Container[] = [];
  for (const name of names) made.push(await store.fork(name, at, { name: branchName(branch, name) }));
  context.answer(
    made.map((fork) => fork.inspect()),
    () => made.map((fork) => `${fork.name}\n`).join(''),
  );
}

function hasContainer(store: Store, name: string): boolean {
  try {
    store.containers.get(name);
    return true;
  } catch (error) {
    if (isStoreError(error, 'ERR_NOT_FOUND')) return false;
    throw error;
  }
}

function momentOf(store: Store, text: string): number {
  try {
    return store.resolve(text);
  } catch (error) {
    if (!isStoreError(error, 'ERR_AT_INVALID')) throw error;
    const message = `there is no container and no moment "${text}"; of a removed container, say when it was there with --at`;
    throw Object.assign(new Error(message, { cause: error }), { code: 'ENOENT' });
  }
}
