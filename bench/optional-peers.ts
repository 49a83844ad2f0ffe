/**
 * Peers that are measured where they are installed: `npm run bench:peers` installs them into bench/node_modules. They bring 80
 * packages and 130 MB along, too much for everybody who only works on overlog.
 */

import { join } from 'node:path';
import { remove, temporaryDirectory } from './stores.ts';

/** A file system whose calls are awaited, which is the only form that these peers have. */
export interface AwaitedFs {
  writeFile(path: string, content: Uint8Array): Promise<unknown>;
  readFile(path: string): Promise<unknown>;
  stat(path: string): Promise<unknown>;
  readdir(path: string): Promise<unknown>;
  mkdir(path: string, options?: { recursive: boolean }): Promise<unknown>;
  unlink(path: string): Promise<unknown>;
}

export interface AwaitedPeer {
  readonly fs: AwaitedFs;
  readonly close: () => Promise<void>;
}

/** just-bash's InMemoryFs: one flat map of paths, no log. */
export async function openJustBash(): Promise<AwaitedPeer | null> {
  const module = await importIfThere<{ InMemoryFs: new () => JustBashFs }>('just-bash');
  if (module === null) return null;
  const own = new module.InMemoryFs();
  const fs: AwaitedFs = {
    writeFile: (path, content) => own.writeFile(path, content),
    readFile: (path) => own.readFileBuffer(path),
    stat: (path) => own.stat(path),
    readdir: (path) => own.readdir(path),
    mkdir: (path, options) => own.mkdir(path, options),
    unlink: (path) => own.rm(path),
  };
  return { fs, close: async () => {} };
}

interface JustBashFs extends Omit<AwaitedFs, 'readFile' | 'unlink'> {
  readFileBuffer(path: string): Promise<unknown>;
  rm(path: string): Promise<unknown>;
}

/** agentfs-sdk on a file: an SQLite database, durable by its own settings. */
export async function openAgentFs(): Promise<AwaitedPeer | null> {
  const module = await importIfThere<{ AgentFS: { open(options: { path: string }): Promise<AgentFs> } }>('agentfs-sdk');
  if (module === null) return null;
  const directory = temporaryDirectory();
  const agent = await module.AgentFS.open({ path: join(directory, 'agent.db') });
  const close = async (): Promise<void> => {
    await agent.close();
    remove(directory);
  };
  return { fs: agent.fs, close };
}

interface AgentFs {
  readonly fs: AwaitedFs;
  close(): Promise<void>;
}

async function importIfThere<M>(name: string): Promise<M | null> {
  try {
    return (await import(name)) as M;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return null;
    throw error;
  }
}
