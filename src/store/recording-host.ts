/** A store as the replay of a recording sees it. */

import type { RecordingHost } from '../replay/strace/recording-host.ts';
import type { Container } from './container.ts';
import { listTree } from '../replay/listing.ts';
import { readContents } from './recording-contents.ts';
import type { Store } from './store.ts';

export function recordingHost(store: Store): RecordingHost {
  let container: Container | null = null;
  const running = (): Container => {
    if (container === null) throw new Error('recording: it has not begun');
    return container;
  };
  return {
    engine: store.engine,
    begin: async ({ before, name, command, mount }) => {
      const image = `${name}:before`;
      if (before !== null) await store.images.load(before, { tag: image, kind: 'tar' });
      const options = { name, command, ...(before !== null && { image }) };
      // In a plain copy directories of the tree before could be renamed, and hard links lasted.
      container = await store.containers.create({ ...options, profile: mount === 'copy' ? 'posix' : 'docker' });
      await container.start();
      return container.namespace();
    },
    contents: readContents,
    entries: (kind) => listTree(running().overlay.tree, store.engine.log.chunks, { upper: kind === 'upper' }),
    flush: () => store.engine.log.flush(),
    finish: (exitCode) => running().stop({ exitCode }),
  };
}
