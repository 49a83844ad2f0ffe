/**
 * File systems with node:fs's calls: overlog on two stores, memfs (in memory, keeps no log), and node:fs itself in a
 * temporary directory.
 */

import nodeFs from 'node:fs';
import { memfs } from 'memfs';
import {
  addDirectory,
  addFile,
  addImage,
  openBenchStore,
  remove,
  type StoreKind,
  temporaryDirectory,
} from './stores.ts';
import { FILE_BYTES, type Workload } from './workload.ts';

export const PEERS = ['overlog, file store', 'overlog, memory store', 'memfs', 'node:fs'] as const;
export type PeerName = (typeof PEERS)[number];

/** The calls that are measured, as every peer has them. */
export type PeerFs = Pick<
  typeof nodeFs,
  'mkdirSync' | 'writeFileSync' | 'readFileSync' | 'statSync' | 'readdirSync' | 'unlinkSync'
>;

export interface Peer {
  readonly fs: PeerFs;
  /** Where the workload's paths start; it ends in a slash. */
  readonly root: string;
  /** Hands everything written to the operating system: of a peer with a log, part of the work. */
  readonly flush: () => void;
  readonly close: () => Promise<void>;
}

/**
 * A file system that holds the workload below `lower/`. In overlog it comes from a read-only image layer; a peer that has
 * no layers holds plain files.
 */
export async function openPeer(name: PeerName, workload: Workload): Promise<Peer> {
  switch (name) {
    case 'overlog, file store':
      return openOverlog('file store', workload);
    case 'overlog, memory store':
      return openOverlog('memory store', workload);
    case 'memfs':
      return filled(
        { fs: memfs().fs as unknown as PeerFs, root: '/', flush: doNothing, close: async () => {} },
        workload,
      );
    case 'node:fs': {
      const directory = temporaryDirectory();
      const close = async (): Promise<void> => remove(directory);
      return filled({ fs: nodeFs, root: `${directory}/`, flush: doNothing, close }, workload);
    }
  }
}

const doNothing = (): void => {};

async function openOverlog(kind: StoreKind, workload: Workload): Promise<Peer> {
  const { store, close } = await openBenchStore(kind);
  const contents = workload.contents(0);
  await addImage(store, 'workload', [
    (sink) => {
      addDirectory(sink, 'lower');
      for (const directory of workload.directories) addDirectory(sink, `lower/${directory}`);
      for (const [index, file] of workload.files.entries())
        addFile(sink, `lower/${file}`, FILE_BYTES, [contents[index]]);
    },
  ]);
  const container = await store.containers.create({ image: 'workload' });
  return { fs: container.fs, root: '/', flush: () => store.engine.log.flushSync(), close };
}

function filled(peer: Peer, workload: Workload): Peer {
  const { fs, root } = peer;
  const contents = workload.contents(0);
  fs.mkdirSync(`${root}lower`);
  for (const directory of workload.directories) fs.mkdirSync(`${root}lower/${directory}`);
  for (const [index, file] of workload.files.entries()) fs.writeFileSync(`${root}lower/${file}`, contents[index]);
  return peer;
}
