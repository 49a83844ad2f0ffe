/** A store as the replay of a recording sees it. */

import type { RecordingHost } from '../replay/strace/recording-host.ts';
import type { Container } from './container.ts';
import { listTree } from './listing.ts';
import type { Store } from './store.ts';

export function recordingHost(store: Store): RecordingHost {
  let container: Container | null = null;
  const running = (): Container => {
    if (container === null) throw new Error('recording: it has not begun');
    return container;
  };
  return {
    engine: store.engine,
    begin: async ({ before, name, command }) => {
      const image = before === null ? null : await store.images.load(before, { tag: `${name}:before`, kind: 'tar' });
      container = await store.containers.create({ name, command, ...(image !== null && { image: image[0].id }) });
      await container.start();
      return container.namespace();
    },
    entries: (kind) => listTree(running().overlay.tree, store.engine.log.chunks, { upper: kind === 'upper' }),
    flush: () => store.engine.log.flush(),
    finish: (exitCode) => running().stop({ exitCode }),
  };
}
