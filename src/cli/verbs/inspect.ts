import { inspectContainer, inspectImage, isStoreError, type StoreQueries } from '../../index.ts';
import { findContainer } from '../place.ts';
import type { Verb } from '../verb.ts';

export const inspectVerb: Verb = {
  name: 'inspect',
  summary: 'show all that is known of containers, images or volumes, as JSON',
  details:
    'Members with capitals are those of docker inspect, sizes, state, mounts and graph driver data included; the others ' +
    "are overlog's own. The paths are where Docker would keep these things: here they are in the log.",
  args: [{ form: '<name...>', description: 'names or ids' }],
  options: [],
  examples: [
    { command: 'inspect web', explains: 'a container, with mounts and sizes' },
    { command: 'inspect app:1 --at start', explains: 'an image, as it was' },
  ],
  reads: true,
  run: async (context, names) => {
    const { view } = await context.view();
    context.json(names.map((name) => inspect(view, name)));
  },
};

function inspect(view: StoreQueries, name: string): unknown {
  return (
    tryFind(() => {
      const container = findContainer(view, name);
      return {
        ...inspectContainer(view, container),
        kind: 'container',
        ...container.inspect(),
        sizes: container.sizes(),
      };
    }) ??
    tryFind(() => {
      const info = view.images.get(name);
      const { configBytes, config: _, ...image } = info;
      const own = { kind: 'image', ...image, config: JSON.parse(Buffer.from(configBytes).toString('utf8')) as unknown };
      return { ...inspectImage(info), ...own };
    }) ?? { kind: 'volume', ...(tryFind(() => view.volumes.get(name)) ?? view.containers.get(name).inspect()) }
  );
}

function tryFind<T>(find: () => T): T | null {
  try {
    return find();
  } catch (error) {
    if (isStoreError(error, 'ERR_NOT_FOUND')) return null;
    throw error;
  }
}
