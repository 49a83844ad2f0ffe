/** Stores to measure, in temporary directories, and images whose layers are made of plain files. */

import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LayerSink, openStore, type OpenStoreOptions, type Store } from '../src/index.ts';

export const STORE_KINDS = ['file store', 'memory store'] as const;
export type StoreKind = (typeof STORE_KINDS)[number];

export interface OpenBenchStore {
  readonly store: Store;
  readonly close: () => Promise<void>;
}

export async function openBenchStore(kind: StoreKind, options: OpenStoreOptions = {}): Promise<OpenBenchStore> {
  if (kind === 'memory store') {
    const store = await openStore(options);
    return { store, close: () => store.close() };
  }
  const directory = temporaryDirectory();
  const store = await openStore({ ...options, directory });
  const close = async (): Promise<void> => {
    await store.close();
    remove(directory);
  };
  return { store, close };
}

export const temporaryDirectory = (): string => mkdtempSync(join(tmpdir(), 'overlog-bench-'));

export function remove(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}

const ATTRIBUTES = { uid: 0, gid: 0, mtimeNs: 1_700_000_000_000_000_000n, xattrs: [] };

export function addDirectory(sink: LayerSink, path: string): void {
  sink.entry({ kind: 'dir', path, size: 0, mode: 0o755, ...ATTRIBUTES });
}

/** @param pieces - The file's content, in order; each is read before the next one is asked for. */
export function addFile(sink: LayerSink, path: string, size: number, pieces: Iterable<Uint8Array>): void {
  sink.entry({ kind: 'file', path, size, mode: 0o644, ...ATTRIBUTES });
  for (const piece of pieces) sink.data(piece);
}

/** Adds an image; the name also makes its layers' diffIDs, so two names never share a layer. */
export async function addImage(store: Store, name: string, layers: ((sink: LayerSink) => void)[]): Promise<void> {
  const diffIds = layers.map((_, index) => `sha256:${createHash('sha256').update(`${name} ${index}`).digest('hex')}`);
  const config = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: diffIds }, history: [] };
  await store.images.add({ config: Buffer.from(JSON.stringify(config)), tags: [name], layers });
}
