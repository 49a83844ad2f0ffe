/** Bytes that the log takes on disk: a metadata event with its cause, and a file of 1 KiB. Exact, so one round is enough. */

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { openStore, type Store } from '../../src/index.ts';
import { type Figure, sampleOf } from '../figure.ts';
import type { Group } from '../group.ts';
import { counted } from '../sizes.ts';
import { remove, temporaryDirectory } from '../stores.ts';
import { FILE_BYTES, makeWorkload } from '../workload.ts';

export const logBytesGroup: Group = {
  name: 'log bytes',
  async run(sizes): Promise<Figure[]> {
    const { files: count } = sizes.logBytes;
    const directory = temporaryDirectory();
    const store = await openStore({ directory });
    const { fs } = await store.containers.create();
    const { directories, files, contents } = makeWorkload(count);
    for (const path of directories) fs.mkdirSync(`/${path}`);
    const pieces = contents(1);

    const written = growth(store, directory, () => {
      for (const [index, path] of files.entries()) fs.writeFileSync(`/${path}`, pieces[index]);
    });
    const changed = growth(store, directory, () => {
      for (const path of files) fs.chmodSync(`/${path}`, 0o600);
      for (const path of files) fs.renameSync(`/${path}`, `/${path}.old`);
      for (const path of files) fs.linkSync(`/${path}.old`, `/${path}`);
      for (const path of files) fs.unlinkSync(`/${path}.old`);
    });
    await store.close();
    remove(directory);

    const subject = `file store, ${counted(count)} files`;
    const perWrite = written.bytes / count / FILE_BYTES;
    const perEvent = changed.bytes / changed.events;
    return [
      { row: 'log, metadata event', subject, unit: 'B', sample: sampleOf([perEvent]), reach: { atMost: 48 } },
      { row: 'log, write of 1 KiB', subject, unit: '× 1 KiB', sample: sampleOf([perWrite]), reach: { atMost: 1.12 } },
    ];
  },
};

function growth(store: Store, directory: string, run: () => void): { bytes: number; events: number } {
  const before = { bytes: bytesOf(store, directory), events: store.seq };
  run();
  return { bytes: bytesOf(store, directory) - before.bytes, events: store.seq - before.events };
}

function bytesOf(store: Store, directory: string): number {
  store.engine.log.flushSync();
  const log = join(directory, 'log');
  return readdirSync(log).reduce((sum, name) => sum + statSync(join(log, name)).size, 0);
}
